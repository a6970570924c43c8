"""Write the golden numbers anew.

    python -m tests.golden                 # of every tiny config
    python -m tests.golden ttt/tiny ...    # of these

A change that is meant to alter them says so in its commit.
"""

import argparse
import tempfile
from pathlib import Path

from tests.golden.record import differences, names, place, read, record, text


def command() -> None:
    """Write each file, and say what is another number than before."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=names(), metavar="METHOD/CONFIG")
    for name in parser.parse_args().names:
        file = place(name)
        with tempfile.TemporaryDirectory() as folder:
            found = record(name, Path(folder))
        changed = differences(found, read(file)) if file.is_file() else [f"{len(found)} new values"]
        file.write_text(text(found))
        print(f"{file.name}: " + ("\n  ".join(["", *changed]) if changed else "unchanged"))


if __name__ == "__main__":
    command()
