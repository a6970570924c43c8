"""The one exception that the command shows as a single line, and how its hints end."""

import difflib
from collections.abc import Iterable

__all__ = ["UserError", "nearest"]

LISTED = 30  # names that a message lists at most


class UserError(ValueError):
    """A mistake in what the user gave: a config, a file, a folder, a checkpoint.

    The message has three parts: what is wrong, with the value; where it came from; what would be
    right. ``lit-research`` prints it as one line and exits with code 2 (``--debug`` shows the
    traceback). Raise it only for mistakes that a user can mend; a broken invariant of ours is an
    ``assert``.
    """


def nearest(name: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """Return the end of a message about an unknown name: the nearest of those that are known.

    Args:
        name: what was given.
        known: what would have been right.
        otherwise: what to say where none is near; None lists the known names.
    """
    names = list(known)
    if near := difflib.get_close_matches(name, names, n=3):
        return f"did you mean {' or '.join(near)}?"
    return f"known: {', '.join(names[:LISTED]) or 'none'}" if otherwise is None else otherwise
