"""Print the oldest direct dependencies that setup.cfg allows, as arguments of pip.

    python .ci/oldest.py [NAME ...]

Each ``>=`` of ``install_requires`` becomes ``==``; the requirements of the packages named keep
their ranges.
"""

import configparser
import re
import sys
from pathlib import Path


def oldest(requirement: str) -> str:
    """Return a requirement with its lower bound as the version; one without a bound is refused."""
    found = re.match(r"([\w.-]+(?:\[[\w,]+\])?)[^;]*?>=\s*([\w.]+)[^;]*(;.*)?$", requirement)
    if found is None:
        sys.exit(f"{requirement!r} has no lower bound, in install_requires of setup.cfg: give one")
    name, version, marker = found.groups()
    return f"{name}=={version}{marker or ''}"


config = configparser.ConfigParser()
config.read(Path(__file__).resolve().parent.parent / "setup.cfg")
lines = config["options"]["install_requires"].split("\n")
kept = set(sys.argv[1:])
for requirement in filter(None, lines):
    name = re.match(r"[\w.-]+", requirement)
    line = requirement if name and name[0] in kept else oldest(requirement)
    sys.stdout.write(f"{line}\n")
