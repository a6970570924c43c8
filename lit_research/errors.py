"""The one exception that the command shows as a single line instead of a traceback."""

__all__ = ["UserError"]


class UserError(ValueError):
    """A mistake in what the user gave: a config, a file, a folder, a checkpoint.

    The message has three parts: what is wrong, with the value; where it came from; what would be
    right. ``lit-research`` prints it as one line and exits with code 2 (``--debug`` shows the
    traceback). Raise it only for mistakes that a user can mend; a broken invariant of ours is an
    ``assert``.
    """
