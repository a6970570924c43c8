"""Writing files in the layout of a release, to a folder or a zip."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lit_research.files import replacing, replacing_folder
from lit_research.storage import writing


@contextmanager
def writing_release(target: str | Path) -> Iterator[Path]:
    """Give an empty folder; filled, it becomes ``target``: a zip if its name ends so, or a folder.

    Raises:
        UserError: it cannot be written.
    """
    target = Path(target)
    with writing(target.parent):
        if target.suffix != ".zip":
            with replacing_folder(target) as folder:
                yield folder
            return
        with tempfile.TemporaryDirectory(dir=_parent(target)) as name:
            yield Path(name)
            with (
                replacing(target) as partial,
                zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as zipped,
            ):
                for file in sorted(Path(name).rglob("*")):
                    if file.is_file():
                        # Without the time of writing: equal items give an equal file.
                        member = zipfile.ZipInfo(file.relative_to(name).as_posix())
                        member.compress_type = zipfile.ZIP_DEFLATED
                        member.external_attr = 0o644 << 16
                        zipped.writestr(member, file.read_bytes())


def _parent(target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    return target.parent
