"""OpenThoughts: recipes for reasoning data, found by controlled experiment.

``Recipe`` makes rows (question, reasoning, answer) in the paper's six steps, each with its
strategies; ``RecipeRows`` gives them to the student, ``ReasoningSFT``, through its data module
``ReasoningRows``; ``hparams_for`` has the published settings. ``ReasoningWorld`` has questions,
sources with planted faults and teachers whose truth is known; ``WordedWorld`` has texts with
planted duplicates and leaks.
"""

from lit_research.methods.openthoughts.choosing import Keep, Mix
from lit_research.methods.openthoughts.cleaning import (
    Decontaminate,
    ExactDuplicates,
    NearDuplicates,
)
from lit_research.methods.openthoughts.data import ReasoningRows
from lit_research.methods.openthoughts.formats import Imported, export_rows, read_row
from lit_research.methods.openthoughts.hparams import HYPERPARAMETERS, Hyperparameters, hparams_for
from lit_research.methods.openthoughts.labelled import (
    LabelledAnswers,
    LabelledFile,
    PlantedAnswers,
)
from lit_research.methods.openthoughts.mixed_recipes import MixedRecipes
from lit_research.methods.openthoughts.module import ReasoningSFT
from lit_research.methods.openthoughts.question_rows import Questions
from lit_research.methods.openthoughts.question_scores import (
    AskLLM,
    Difficulty,
    EmbeddingDistance,
    FastText,
    ResponseLength,
)
from lit_research.methods.openthoughts.reasoning_world import Planted, ReasoningWorld
from lit_research.methods.openthoughts.recipe import Recipe
from lit_research.methods.openthoughts.recipe_rows import RecipeRows
from lit_research.methods.openthoughts.rows import RowSource
from lit_research.methods.openthoughts.strategies import (
    AllAnswers,
    AnswerFilter,
    EnglishAnswers,
    FastTextAnswers,
    LongestAnswers,
    NoAnswerFilter,
    QuestionFilter,
    RandomAnswers,
    RandomQuestions,
    ShortestAnswers,
    TopQuestions,
)
from lit_research.methods.openthoughts.teachers import Annotate, EngineTeacher, Taught, Teacher
from lit_research.methods.openthoughts.verified import VerifiedAnswers, Verify
from lit_research.methods.openthoughts.worded_world import WordedWorld
from lit_research.methods.openthoughts.world_rows import WorldRows
from lit_research.methods.openthoughts.world_stages import (
    WorldDifficulty,
    WorldQuestions,
    WorldTeacher,
)
from lit_research.methods.openthoughts.written_questions import ExtractQuestions, WriteQuestions

__all__ = [
    "HYPERPARAMETERS",
    "AllAnswers",
    "Annotate",
    "AnswerFilter",
    "AskLLM",
    "Decontaminate",
    "Difficulty",
    "EmbeddingDistance",
    "EngineTeacher",
    "EnglishAnswers",
    "ExactDuplicates",
    "ExtractQuestions",
    "FastText",
    "FastTextAnswers",
    "Hyperparameters",
    "Imported",
    "Keep",
    "LabelledAnswers",
    "LabelledFile",
    "LongestAnswers",
    "Mix",
    "MixedRecipes",
    "NearDuplicates",
    "NoAnswerFilter",
    "Planted",
    "PlantedAnswers",
    "QuestionFilter",
    "Questions",
    "RandomAnswers",
    "RandomQuestions",
    "ReasoningRows",
    "ReasoningSFT",
    "ReasoningWorld",
    "Recipe",
    "RecipeRows",
    "ResponseLength",
    "RowSource",
    "ShortestAnswers",
    "Taught",
    "Teacher",
    "TopQuestions",
    "VerifiedAnswers",
    "Verify",
    "WordedWorld",
    "WorldDifficulty",
    "WorldQuestions",
    "WorldRows",
    "WorldTeacher",
    "WriteQuestions",
    "export_rows",
    "hparams_for",
    "read_row",
]
