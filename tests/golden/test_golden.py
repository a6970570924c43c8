"""Every tiny config logs, in its first steps, the numbers that are committed beside this file."""

import pytest

from tests.golden.record import (
    HERE,
    compared,
    differences,
    names,
    needs,
    place,
    read,
    record,
)


@pytest.mark.parametrize("name", names())
def test_the_first_steps_are_unchanged(name, tmp_path):
    needs(name)
    found = compared(name, record(name, tmp_path))
    changed = differences(found, compared(name, read(place(name))))
    assert not changed, (
        f"{len(changed)} values of {name} are others than those committed; where that is meant, "
        f"run python -m tests.golden {name} and say so in the commit:\n" + "\n".join(changed[:20])
    )


def test_every_file_is_of_a_config():
    assert {path.name for path in HERE.glob("*.txt")} == {place(name).name for name in names()}
