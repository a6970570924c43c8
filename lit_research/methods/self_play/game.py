"""``Game``: everything that a round is played with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from lit_research.methods.self_play.archive import Archive, ArchivedLean
from lit_research.methods.self_play.formats import Format, PlainFormat
from lit_research.methods.self_play.guides import Guide
from lit_research.methods.self_play.objectives import Objective, build_objective
from lit_research.methods.self_play.players import Players, Role, Writer
from lit_research.methods.self_play.rules import Rules
from lit_research.methods.self_play.state import PlayState
from lit_research.methods.self_play.updates import Update
from lit_research.methods.self_play.worker import Worker


@dataclass
class Game:
    """Everything that one process plays a round with; needs no Trainer.

    Attributes:
        writer: generates text with the current weights of the players.
        verifier: verifies proofs, and caches the verdicts in the archive.
        state: carried from round to round; a round changes it.
        rules: of a round.
        form: of prompts and answers.
        guide: grades conjectures; None is the ablation without a Guide.
        update: how players are trained on the samples of a round.
        optimizers: the optimiser of each player that is trained.
        worker: this process among all processes.
        seed: of all sampling.
        objective: of the Solver, built from the rules.
    """

    writer: Writer
    verifier: ArchivedLean
    state: PlayState = field(default_factory=PlayState)
    rules: Rules = field(default_factory=Rules)
    form: Format = field(default_factory=PlainFormat)
    guide: Guide | None = None
    update: Update = field(default_factory=Update)
    optimizers: Mapping[Role, torch.optim.Optimizer] = field(default_factory=dict)
    worker: Worker = field(default_factory=Worker)
    seed: int = 0
    objective: Objective = field(init=False)

    def __post_init__(self) -> None:
        self.objective = build_objective(self.rules.objective)

    @property
    def players(self) -> Players:
        """The models of Solver and Conjecturer."""
        return self.writer.players

    @property
    def archive(self) -> Archive:
        """The archive of everything that the run has generated and verified."""
        return self.verifier.archive
