"""A real Lean for the tests that want one."""

import pytest

from lit_research.errors import UserError
from lit_research.lean import LeanServer


def real_lean() -> LeanServer:
    """Return the embedded Lean, or skip the test where this machine has none."""
    embedded = pytest.importorskip("lit_research.lean.embedded")
    try:
        return embedded.EmbeddedLean()
    except UserError as error:
        pytest.skip(str(error))
