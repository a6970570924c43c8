"""LongCodeBench: a long-context exam on code, which grades itself."""

from lit_research.methods.longcode.answers import parse_all
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
from lit_research.methods.longcode.check_questions import check_questions
from lit_research.methods.longcode.comparisons import Comparison, compare
from lit_research.methods.longcode.counters import Characters, FolderTokenizer, make_counter
from lit_research.methods.longcode.counting import Counter, TokenCounter
from lit_research.methods.longcode.data import CodeExam
from lit_research.methods.longcode.export_inspect import export_inspect
from lit_research.methods.longcode.export_lm_eval import export_lm_eval
from lit_research.methods.longcode.folders import ItemSet
from lit_research.methods.longcode.gates import gate_closed_book, gate_options
from lit_research.methods.longcode.grading import Grader, Verdict
from lit_research.methods.longcode.issues import read_issues
from lit_research.methods.longcode.item_sources import (
    ItemFolder,
    ItemSource,
    MutationRepairs,
    PackageQuestions,
    ReleasedItems,
    ReleaseRepairs,
)
from lit_research.methods.longcode.items import Item, Origin, QuestionItem, RepairItem, Span
from lit_research.methods.longcode.ladder_settings import LadderSettings
from lit_research.methods.longcode.ladders import Ladder
from lit_research.methods.longcode.module import LongCodeExam
from lit_research.methods.longcode.mutation_repairs import build_mutations
from lit_research.methods.longcode.option_solver import OptionLikelihood
from lit_research.methods.longcode.predictions import read_predictions, write_predictions
from lit_research.methods.longcode.prompts import PromptStyle
from lit_research.methods.longcode.published_instances import import_instances
from lit_research.methods.longcode.published_ladder import PublishedLadder
from lit_research.methods.longcode.published_questions import export_questions, import_questions
from lit_research.methods.longcode.published_repairs import export_repairs, import_repairs
from lit_research.methods.longcode.question_builder import build_questions
from lit_research.methods.longcode.question_why import write_why
from lit_research.methods.longcode.rag import RetrievalLadder, RetrievalSettings
from lit_research.methods.longcode.reader import RepoReader
from lit_research.methods.longcode.records import Graded, Status
from lit_research.methods.longcode.release_repairs import build_release_repairs
from lit_research.methods.longcode.releases import read_release
from lit_research.methods.longcode.repair_checks import check_repairs
from lit_research.methods.longcode.repair_solvers import Enumerator
from lit_research.methods.longcode.repo_sequences import RepoSequences
from lit_research.methods.longcode.report import ExamReport, report_of
from lit_research.methods.longcode.rungs import Rung, ask_question, ask_repair
from lit_research.methods.longcode.searching import OptionSearch
from lit_research.methods.longcode.simulated_solvers import SimulatedSolver
from lit_research.methods.longcode.synthetic_repo import SyntheticRepo
from lit_research.methods.longcode.tiktoken_counter import Tiktoken
from lit_research.methods.longcode.trees import SourceTree
from lit_research.methods.longcode.written import WrittenAnswer, WrittenPatch

__all__ = [
    "AskedQuestion",
    "AskedRepair",
    "Characters",
    "CodeExam",
    "Comparison",
    "Counter",
    "Enumerator",
    "ExamReport",
    "FolderTokenizer",
    "Graded",
    "Grader",
    "Item",
    "ItemFolder",
    "ItemSet",
    "ItemSource",
    "Ladder",
    "LadderSettings",
    "LongCodeExam",
    "LongestOption",
    "MutationRepairs",
    "NullPatch",
    "OptionLikelihood",
    "OptionOverlap",
    "OptionSearch",
    "OraclePatch",
    "Origin",
    "PackageQuestions",
    "PromptStyle",
    "PublishedLadder",
    "QuestionItem",
    "QuestionSolver",
    "RandomLetter",
    "ReleaseRepairs",
    "ReleasedItems",
    "RepairItem",
    "RepairSolver",
    "Reply",
    "RepoReader",
    "RepoSequences",
    "RetrievalLadder",
    "RetrievalSettings",
    "Rung",
    "SimulatedSolver",
    "SourceTree",
    "Span",
    "Status",
    "SyntheticRepo",
    "Tiktoken",
    "TokenCounter",
    "Verdict",
    "WrittenAnswer",
    "WrittenPatch",
    "ask_question",
    "ask_repair",
    "build_mutations",
    "build_questions",
    "build_release_repairs",
    "check_questions",
    "check_repairs",
    "compare",
    "export_inspect",
    "export_lm_eval",
    "export_questions",
    "export_repairs",
    "gate_closed_book",
    "gate_options",
    "import_instances",
    "import_questions",
    "import_repairs",
    "make_counter",
    "parse_all",
    "read_issues",
    "read_predictions",
    "read_release",
    "report_of",
    "write_predictions",
    "write_why",
]
