"""Self-Guided Self-Play: a Solver, a Conjecturer and a Guide, with proofs verified by Lean 4."""

from lit_research.lean.corpus import Theorem
from lit_research.methods.self_play.data import Theorems
from lit_research.methods.self_play.formats import FencedFormat, Format, PlainFormat
from lit_research.methods.self_play.game import Game
from lit_research.methods.self_play.guides import Grade, Guide, LanguageModelGuide, RuleGuide
from lit_research.methods.self_play.module import SelfPlay
from lit_research.methods.self_play.objectives import (
    Cispo,
    ExpertIteration,
    MicroBatch,
    Objective,
    Reinforce,
    ReinforceHalf,
    Stp,
)
from lit_research.methods.self_play.players import Players
from lit_research.methods.self_play.problems import Problem, Rollout, Sample
from lit_research.methods.self_play.rules import Rules
from lit_research.methods.self_play.state import PlayState
from lit_research.methods.self_play.updates import Update
from lit_research.methods.self_play.warm_start import TacticSearch, WarmStart

__all__ = [
    "Cispo",
    "ExpertIteration",
    "FencedFormat",
    "Format",
    "Game",
    "Grade",
    "Guide",
    "LanguageModelGuide",
    "MicroBatch",
    "Objective",
    "PlainFormat",
    "PlayState",
    "Players",
    "Problem",
    "Reinforce",
    "ReinforceHalf",
    "Rollout",
    "RuleGuide",
    "Rules",
    "Sample",
    "SelfPlay",
    "Stp",
    "TacticSearch",
    "Theorem",
    "Theorems",
    "Update",
    "WarmStart",
]
