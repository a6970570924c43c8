"""LongCodeBench: a long-context exam on code, which grades itself."""

from lit_research.methods.longcode.counting import TokenCounter
from lit_research.methods.longcode.folders import ItemSet
from lit_research.methods.longcode.items import Item, Origin, QuestionItem, RepairItem, Span
from lit_research.methods.longcode.records import Graded, Status
from lit_research.methods.longcode.trees import SourceTree

__all__ = [
    "Graded",
    "Item",
    "ItemSet",
    "Origin",
    "QuestionItem",
    "RepairItem",
    "SourceTree",
    "Span",
    "Status",
    "TokenCounter",
]
