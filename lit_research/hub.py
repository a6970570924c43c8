"""Load what a name refers to: a local path, or a name on the Hugging Face hub.

A mistyped path must not be looked up on the hub, and a machine without a network must not wait for
it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from lit_research.errors import UserError

T = TypeVar("T")

_HUB_NAME = re.compile(r"([\w.-]+/)?[\w.-]+")
# Suffixes of files; one with digits, as in Qwen2.5-0.5B, is part of a name.
_FILE_SUFFIXES = {
    *(".json", ".jsonl", ".parquet", ".csv", ".tsv", ".arrow", ".txt", ".md", ".gz", ".bz2"),
    *(".xz", ".zst", ".yaml", ".ckpt", ".pt", ".bin", ".safetensors", ".model", ".lean", ".py"),
}
ANSWER_S = 5.0  # the longest wait for the hub's first answer, in seconds


def names_a_path(name: str) -> bool:
    """Return whether ``name`` can only mean a path, so that the hub is never asked for it.

    It begins with ``/``, ``.`` or ``~``, exists, is in a folder that exists, has a file suffix, or
    is not a valid name on the hub (``name`` or ``org/name``).
    """
    path = Path(name).expanduser()
    return (
        name.startswith(("/", ".", "~"))
        or path.exists()
        or (len(path.parts) > 1 and path.parent.exists())
        or path.suffix.lower() in _FILE_SUFFIXES
        or not _HUB_NAME.fullmatch(name)
    )


def load_named(name: str, load: Callable[[str], T], *, what: str, right: str) -> T:
    """Call ``load`` with a path that exists or with a name on the hub.

    For a local path, the hub is not asked at all. If the hub does not answer, or
    ``HF_HUB_OFFLINE`` is set, only the local cache is used, without retries.

    Args:
        name: path or name on the hub.
        load: takes the name, with ``~`` expanded.
        what: what is loaded, for messages.
        right: what would be right, for messages.

    Raises:
        UserError: there is no such file, the hub cannot be reached, or ``load`` failed.
    """
    local = os.path.expanduser(name)
    is_local = os.path.exists(local)
    if not is_local and names_a_path(name):
        parent = Path(local).parent
        parent_hint = (
            f" (there is a folder {str(parent)!r})" if len(parent.parts) and parent.exists() else ""
        )
        raise UserError(f"no such file or folder: {name!r}{parent_hint}, as {what}; {right}")
    unreachable = None if is_local else _why_unreachable()
    try:
        with _offline(is_local or unreachable is not None):
            return load(local)
    except UserError:
        raise
    except Exception as error:  # a damaged file, or the hub's client, can fail in any layer below
        reason = first_line(error)
        if unreachable is not None:
            reason = f"the hub cannot be reached ({unreachable}) and it is not in the local cache"
        raise UserError(f"cannot load {what} {name!r}: {reason}; {right}") from error


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, else the name of its class."""
    return next(filter(None, map(str.strip, str(error).splitlines())), type(error).__name__)


def _why_unreachable() -> str | None:
    """Return why the hub cannot be reached; None if it answers."""
    from huggingface_hub import constants, get_session

    if constants.is_offline_mode():
        return "HF_HUB_OFFLINE is set"
    try:  # by the hub's own client, which handles proxies and certificates
        get_session().head(constants.ENDPOINT, timeout=ANSWER_S)
    except Exception as error:
        return f"{constants.ENDPOINT}: {first_line(error)}"
    return None


@contextmanager
def _offline(chosen: bool) -> Iterator[None]:
    """Set the hub's clients offline within the block, if ``chosen``."""
    if not chosen:
        yield
        return
    import datasets.config
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = datasets.config.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE = before
