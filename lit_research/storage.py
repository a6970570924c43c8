"""Where cached files live, and how a folder comes to be there whole or not at all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lit_research.errors import UserError
from lit_research.files import replacing_folder
from lit_research.messages import announce

if TYPE_CHECKING:
    from datasets import Dataset

CACHE_VARIABLE = "LIT_RESEARCH_CACHE"


def cache_root(cache_dir: str | Path | None = None) -> Path:
    """Return the cache folder: the one given, else ``$LIT_RESEARCH_CACHE``, else the user's."""
    if cache_dir is not None:
        return Path(cache_dir).expanduser()
    return Path(os.environ.get(CACHE_VARIABLE) or "~/.cache/lit_research").expanduser()


def content_hash(*parts: str | bytes) -> str:
    """Return 32 hexadecimal digits that change when any part, or the border between two, does."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Say that nothing can be written to ``folder``, a cache say, where the system refuses it.

    Raises:
        UserError: in the place of an ``OSError``.
    """
    try:
        yield
    except OSError as error:
        raise UserError(
            f"cannot write: {error.strerror or error}; to folder {str(folder)!r}; give a folder "
            f"that can be written and has space (a cache: data.init_args.cache_dir or "
            f"${CACHE_VARIABLE})"
        ) from error


def build_folder(
    target: Path,
    build: Callable[[Path], None],
    *,
    is_whole: Callable[[Path], bool],
    what: str | None = None,
) -> None:
    """Make sure that ``target`` is a whole folder, building it if it is not.

    Two processes that ask at once build it once: the second waits and finds it there. The folder
    is built beside its place and renamed, so that a kill or a full disk leaves nothing behind
    that looks finished.

    Args:
        target: the folder to have.
        build: fills an empty folder that it is given.
        is_whole: tells a good folder from a damaged one, which is replaced.
        what: says what takes time, where something is built: ``Building the corpus``.
    """
    from filelock import FileLock

    with writing(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
    if what is not None and not (target.is_dir() and is_whole(target)):
        announce(f"{what} ...")  # before the lock: the builder may be another process
    with writing(target.parent), FileLock(f"{target}.lock"):
        if target.is_dir() and is_whole(target):
            return
        with replacing_folder(target, only_writer=True) as partial:  # it holds the lock
            build(partial)


def save_dataset(documents: Dataset, folder: Path) -> None:
    """Write a ``datasets`` folder without a progress bar for each shard."""
    import datasets

    shown = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bar()
    try:
        documents.save_to_disk(str(folder))
    finally:
        if shown:
            datasets.enable_progress_bar()
