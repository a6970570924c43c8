"""Which levels of isolation work on this machine, and which of them a call uses."""

from __future__ import annotations

import functools
import os
import shutil

from lit_research.errors import UserError
from lit_research.sandbox.records import LEVELS, Level, Limits
from lit_research.sandbox.start_at_level import start_at_level

REQUIRE = "LIT_RESEARCH_SANDBOX_REQUIRE"
_LAST = len(LEVELS) - 1
_DEFAULT = LEVELS.index("namespaces")  # the weakest that is used unasked


def choose(level: Level | None, require: Level | None) -> Level:
    """Return the level to use: the one requested, else the strongest that works.

    ``rlimits`` does not contain malicious code, so it must be requested by name, in any of the
    three ways.

    Args:
        level: exactly this one.
        require: at least this one; the environment variable LIT_RESEARCH_SANDBOX_REQUIRE does the
            same for every call.

    Raises:
        UserError: no such level, or it does not work here.
    """
    for name, source in (
        (require, "require"),
        (os.environ.get(REQUIRE), REQUIRE),
        (level, "level"),
    ):
        if name and name not in LEVELS:
            raise UserError(
                f"{name!r} is not a level of isolation, in {source}; must be one of "
                f"{', '.join(LEVELS)}"
            )
    least = [n for n in (require, os.environ.get(REQUIRE)) if n]
    bound = min((LEVELS.index(n) for n in least), default=_DEFAULT if level is None else _LAST)
    allowed = [n for n in LEVELS[: bound + 1] if level in (None, n)]
    if not allowed:
        raise UserError(
            f"level {level!r} is weaker than {LEVELS[bound]!r}, which require or {REQUIRE} "
            "demands; request that level, or require a weaker one"
        )
    failures = {}
    for name in allowed:
        if not (failure := why_not(name)):
            return name
        failures[name] = failure
    raise UserError(
        f"no isolation as strong as {allowed[-1]!r} works here ("
        + "; ".join(f"{n}: {f}" for n, f in failures.items())
        + "); install bubblewrap (apt-get install bubblewrap, dnf install bubblewrap) and allow "
        "user namespaces (where a container or another sandbox forbids them, run outside it)"
        + (
            ""
            if bound == _LAST
            else "; for trusted code, limits without isolation are require='rlimits' "
            f"or {REQUIRE}=rlimits"
        )
    )


@functools.cache
def why_not(level: Level) -> str:
    """Try a level by starting a command with it; return why it does not work, or an empty string.

    The test is a command that succeeds and sees what it should: that a program is installed does
    not mean that the system lets it work.
    """
    if level == "bubblewrap" and not shutil.which("bwrap"):
        return "the program bwrap is not installed"
    if level == "bubblewrap" and not shutil.which("cat"):
        return "the program cat is not installed"
    script = "test -d /proc/self && echo > file && echo works"
    with start_at_level(level, ["/bin/sh", "-c", script], limits=Limits(wall_s=20)) as process:
        result = process.wait()
    if result.status == "ok" and result.stdout == b"works\n":
        return ""
    return result.reason or f"exit code {result.exit_code}: {result.error_text.strip()}"


def isolation(require: Level | None = None) -> Level:
    """Return the level that a call would use: the strongest that works here, as tried.

    Args:
        require: the weakest level that is acceptable.

    Raises:
        UserError: no level that strong works here.
    """
    return choose(None, require)


def working() -> tuple[Level, ...]:
    """Return every level that works on this machine, the strongest first."""
    return tuple(level for level in LEVELS if not why_not(level))
