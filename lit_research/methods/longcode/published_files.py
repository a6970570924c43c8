"""Files of a release as it was downloaded: a zip, or the folder that it was unpacked to.

A zip comes from elsewhere and may be hostile. Nothing is extracted: a member is read into memory,
where its name can do no harm, up to a limit that counts real bytes and not those its header claims.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from lit_research.errors import UserError
from lit_research.ranges import COUNT, check_range

MEGABYTE = 2**20
MAX_FILES = 10_000
"""Files of a release at most."""


class ReleaseFiles:
    """The files of a release.

    Args:
        path: a zip or a folder.
        max_megabytes: of one file, unpacked; the largest one released has a few hundred.

    Raises:
        UserError: it is neither, it has too many files, or the name of one leaves it.
    """

    def __init__(self, path: str | Path, max_megabytes: int = 4096) -> None:
        check_range(COUNT, "in ReleaseFiles", max_megabytes=max_megabytes)
        self.path, self.limit = Path(path), max_megabytes * MEGABYTE
        if self.path.is_dir():
            files = sorted(file for file in self.path.rglob("*") if file.is_file())
            names = [file.relative_to(self.path).as_posix() for file in files[: MAX_FILES + 1]]
        elif self.path.is_file() and zipfile.is_zipfile(self.path):
            with self._zip() as opened:
                names = [one.filename for one in opened.infolist() if not one.is_dir()]
        else:
            raise UserError(
                f"{str(path)!r} is neither a zip nor a folder; give the released zip, or the "
                "folder that it was unpacked to"
            )
        if len(names) > MAX_FILES:
            raise UserError(
                f"there are more than {MAX_FILES} files in {str(path)!r}; give the released zip"
            )
        for name in names:
            self._check(name)
        # macOS adds such files to what it packs.
        self.names = sorted(
            name
            for name in set(names)
            if not any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)
        )

    def read(self, name: str) -> bytes:
        """Return the bytes of a file.

        Raises:
            UserError: it is longer than allowed, damaged, or encrypted.
        """
        where = f"the file {name!r} of {str(self.path)!r}"
        try:
            with self._open(name) as file:
                content = file.read(self.limit + 1)
        except (OSError, RuntimeError, zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise UserError(f"{where} cannot be read: {error}; download it again") from error
        if len(content) > self.limit:
            raise UserError(
                f"{where} has more than {self.limit // MEGABYTE} MiB; if that is right, raise "
                "max_megabytes"
            )
        return content

    def sha256(self) -> str:
        """Return the hash of the zip; of a folder, one of its names and bytes."""
        digest = hashlib.sha256()
        if self.path.is_file():
            with self.path.open("rb") as file:
                while block := file.read(MEGABYTE):
                    digest.update(block)
            return digest.hexdigest()
        for name in self.names:
            content = self.read(name)
            for part in (name.encode(), content):
                digest.update(len(part).to_bytes(8, "little") + part)
        return digest.hexdigest()

    @contextmanager
    def _zip(self) -> Iterator[zipfile.ZipFile]:
        try:
            with zipfile.ZipFile(self.path) as opened:
                yield opened
        except zipfile.BadZipFile as error:
            raise UserError(f"the zip {str(self.path)!r} is damaged; download it again") from error

    @contextmanager
    def _open(self, name: str) -> Iterator[IO[bytes]]:
        if self.path.is_dir():
            with (self.path / name).open("rb") as file:
                yield file
        else:
            with self._zip() as opened, opened.open(name) as member:
                yield member

    def _check(self, name: str) -> None:
        pure = PurePosixPath(name)
        leaves = pure.is_absolute() or ".." in pure.parts or "\\" in name
        if self.path.is_dir():
            leaves |= not (self.path / name).resolve().is_relative_to(self.path.resolve())
        if leaves:
            raise UserError(
                f"the file {name!r} of {str(self.path)!r} is outside of it; such a release is not "
                "read: download it from where it was published"
            )
