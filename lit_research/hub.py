"""Names that are a path here or a name on the hub: when the hub is asked, and for how long.

A mistyped path must not be looked up on the hub, nor a machine without a network wait for it.
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
# Of files; a suffix of numbers, as in Qwen2.5-0.5B, is part of a name.
_FILE_SUFFIXES = {
    *(".json", ".jsonl", ".parquet", ".csv", ".tsv", ".arrow", ".txt", ".md", ".gz", ".bz2"),
    *(".xz", ".zst", ".yaml", ".ckpt", ".pt", ".bin", ".safetensors", ".model", ".lean", ".py"),
}
ANSWER_S = 5.0  # the longest wait for the hub's first answer, in seconds


def names_a_path(name: str) -> bool:
    """Return whether ``name`` can only be meant as a path, so that the hub is never asked for it.

    It begins with ``/``, ``.`` or ``~``, exists, lies in a folder that exists, ends like a file, or
    is not formed like a name on the hub (``name`` or ``org/name``).
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

    For what lies here, the hub is not asked at all. Where it gives no first answer, or
    ``HF_HUB_OFFLINE`` is set, what was fetched earlier is used and nothing is tried again.

    Args:
        name: path or name on the hub.
        load: takes the name, with the home folder filled in.
        what: is loaded, for messages.
        right: what would be right, likewise.

    Raises:
        UserError: nothing is there, the hub cannot be reached, or whatever ``load`` raised.
    """
    local = os.path.expanduser(name)
    here = os.path.exists(local)
    if not here and names_a_path(name):
        parent = Path(local).parent
        near = (
            f" (there is a folder {str(parent)!r})" if len(parent.parts) and parent.exists() else ""
        )
        raise UserError(f"no such file or folder: {name!r}{near}; as {what}; {right}")
    silence = None if here else _silence()
    try:
        with _offline(here or silence is not None):
            return load(local)
    except UserError:
        raise
    except Exception as error:  # a damaged file, or the hub's client, can fail in any layer below
        reason = first_line(error)
        if silence is not None:
            reason = f"the hub cannot be reached ({silence}) and nothing was fetched from it before"
        raise UserError(f"cannot load {what} {name!r}: {reason}; {right}") from error


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, else the error's name."""
    return next(filter(None, map(str.strip, str(error).splitlines())), type(error).__name__)


def _silence() -> str | None:
    """Return why the hub gives no answer; None where it gives one, or was not to be asked."""
    from huggingface_hub import constants, get_session

    if constants.is_offline_mode():
        return "HF_HUB_OFFLINE is set"
    try:  # by the hub's own client, which knows of proxies and certificates
        get_session().head(constants.ENDPOINT, timeout=ANSWER_S)
    except Exception as error:
        return f"{constants.ENDPOINT}: {first_line(error)}"
    return None


@contextmanager
def _offline(chosen: bool) -> Iterator[None]:
    """Keep the hub's clients from the network for a while, as ``HF_HUB_OFFLINE`` does for good."""
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
