"""The methods: one folder each, all with the same files. See ``README.md`` for how to add one.

``Method`` and ``DataModule`` are what every method derives from.
"""

from lit_research.methods.base import DataModule, Method

__all__ = ["DataModule", "Method"]
