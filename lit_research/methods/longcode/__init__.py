"""LongCodeBench: a long-context exam on code, which grades itself."""

from lit_research.methods.longcode.asking import (
    AskedQuestion,
    AskedRepair,
    QuestionSolver,
    RepairSolver,
    Reply,
)
from lit_research.methods.longcode.baselines import (
    LongestOption,
    NullPatch,
    OptionOverlap,
    OraclePatch,
    RandomLetter,
)
from lit_research.methods.longcode.comparisons import Comparison, compare
from lit_research.methods.longcode.counting import TokenCounter
from lit_research.methods.longcode.data import CodeExam
from lit_research.methods.longcode.folders import ItemSet
from lit_research.methods.longcode.item_sources import (
    ItemFolder,
    ItemSource,
    PackageQuestions,
    ReleasedItems,
)
from lit_research.methods.longcode.items import Item, Origin, QuestionItem, RepairItem, Span
from lit_research.methods.longcode.module import LongCodeExam
from lit_research.methods.longcode.option_solver import OptionLikelihood
from lit_research.methods.longcode.reader import RepoReader
from lit_research.methods.longcode.records import Graded, Status
from lit_research.methods.longcode.repo_sequences import RepoSequences
from lit_research.methods.longcode.report import ExamReport, report_of
from lit_research.methods.longcode.searching import OptionSearch
from lit_research.methods.longcode.simulated_solvers import SimulatedSolver
from lit_research.methods.longcode.trees import SourceTree
from lit_research.methods.longcode.written import WrittenAnswer, WrittenPatch

__all__ = [
    "AskedQuestion",
    "AskedRepair",
    "CodeExam",
    "Comparison",
    "ExamReport",
    "Graded",
    "Item",
    "ItemFolder",
    "ItemSet",
    "ItemSource",
    "LongCodeExam",
    "LongestOption",
    "NullPatch",
    "OptionLikelihood",
    "OptionOverlap",
    "OptionSearch",
    "OraclePatch",
    "Origin",
    "PackageQuestions",
    "QuestionItem",
    "QuestionSolver",
    "RandomLetter",
    "ReleasedItems",
    "RepairItem",
    "RepairSolver",
    "Reply",
    "RepoReader",
    "RepoSequences",
    "SimulatedSolver",
    "SourceTree",
    "Span",
    "Status",
    "TokenCounter",
    "WrittenAnswer",
    "WrittenPatch",
    "compare",
    "report_of",
]
