"""The released reviews, numbers alone, where this machine has them next to the repository."""

from pathlib import Path

_FOLDERS = [above / "shared" / "data" for above in Path(__file__).parents]
_NAMES = [f"{stage}_reviews_numeric.csv" for stage in ("ideation", "execution")]
FILES = next(
    (
        [folder / name for name in _NAMES]
        for folder in _FOLDERS
        if all((folder / name).is_file() for name in _NAMES)
    ),
    [],
)
"""Reviews before and after execution; empty where the files are not here."""
