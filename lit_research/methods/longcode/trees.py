"""Source trees: the text files of a package's release, by path."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from lit_research.errors import UserError
from lit_research.methods.longcode.items import Origin


@dataclass(frozen=True)
class SourceTree:
    """The text files of a release.

    Attributes:
        name: how items name it, such as ``sqlparse-0.5.0``.
        files: text by path: relative, with ``/``. A released dump that is not split into files is
            one file of the name ``""``.
        origin: where it is from.

    Raises:
        UserError: a path leaves the tree.
    """

    name: str
    files: Mapping[str, str]
    origin: Origin

    def __post_init__(self) -> None:
        for path in self.files:
            pure = PurePosixPath(path)
            if pure.is_absolute() or ".." in pure.parts or "\\" in path:
                raise UserError(
                    f"the path is {path!r}, in the tree {self.name!r}; must be relative, without .."
                )

    def sha256(self) -> str:
        """Return a hash of all paths and texts."""
        digest = hashlib.sha256()
        for path, text in sorted(self.files.items()):
            for part in (path.encode(), text.encode()):
                digest.update(len(part).to_bytes(8, "little") + part)
        return digest.hexdigest()

    def shown(self) -> dict[str, str]:
        """Return the files that a prompt may show, sorted by path.

        As in the released benchmark, whatever has a path component ``tests`` or ``.git`` is left
        out; and ``test``, ``testing`` and files of tests, which would give repairs away.
        """
        return {path: self.files[path] for path in sorted(self.files) if not is_test(path)}


def is_test(path: str) -> bool:
    """Return whether a path is of tests, of their settings, or of git."""
    parts = PurePosixPath(path).parts
    name = parts[-1] if parts else ""
    return bool({"tests", "test", "testing", ".git"} & set(parts[:-1])) or (
        name.endswith(".py")
        and (name == "conftest.py" or name.startswith("test_") or name.endswith("_test.py"))
    )
