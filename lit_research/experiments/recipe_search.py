"""``RecipeSearch``: the regularised recipe, found by coordinate descent over ordinary runs.

The state of a search is on disk: each trial is a run of the command with a result file of its own
(see ``lit_research.experiments.arms``). A search that is run again reads what is finished, resumes
what was interrupted, and so ends as one that was never stopped.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import ClassVar

import torch
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from lit_research.errors import UserError
from lit_research.experiments.command import Command
from lit_research.experiments.coordinate_search import Round, coordinate_descent
from lit_research.experiments.grid import PAPER_GRID, Grid
from lit_research.experiments.search_report import figure, recipe, table, verdict
from lit_research.experiments.trials import Trials, find_trial, ordered_axes
from lit_research.figures import add_figure, add_text, code_block
from lit_research.files import write_atomic
from lit_research.methods.base import DataModule, Method
from lit_research.ranges import COUNT, check_range

Batch = dict[str, Tensor]


class RecipeSearch(Method):
    """Find the learning rate, weight decay and epochs that no neighbour on a grid betters.

    "Pre-training under infinite compute" (Kim et al. 2025, arXiv 2509.14786), section 3. A training
    step is a round: the neighbours of the best point that are not known yet are trained, side by
    side on an executor, and the best of all is the next centre. A trial's score is its validation
    loss after the last step, the mean over ``seeds``; one that diverged counts as infinite.
    ``recipe.json`` in the run's folder has the best point, the certificate and all trials. Feed it
    with ``SearchRounds``.

    Args:
        trial: config of a trial, such as ``Pretrain``'s: an absolute path, or relative to the
            package's configs. Without ``trainer.max_steps``, since ``epochs`` sets the length.
        start: where to begin: a value of the grid for each axis.
        grid: values of ``lr``, ``weight_decay`` and ``epochs``, or of some of them; None is the
            paper's grid.
        frozen: axes that keep their value of ``start``; the paper's standard recipe freezes
            ``weight_decay`` at 0.1.
        seeds: the seeds of each trial (weights and order of the data).
        jobs: runs side by side, in processes of this machine with one thread each.
        executor: a ``concurrent.futures.Executor`` in the place of ``jobs``, by class path, or the
            path of a callable that returns one. Those of ``lit_research.experiments.executors``
            (Slurm, Ray, Dask) are for clusters whose machines share ``folder``.
        folder: where the trials and their results are kept; searches may share it.
    """

    decisive_curves = {"loss of the best trial so far (nats per token)": ["search/best_loss"]}
    reading: ClassVar[str] = (
        "CUSTOM SCALARS shows the validation loss of the best trial by round, which falls until no "
        "neighbour is better. IMAGES shows the loss along each axis of the grid, where the best "
        "trial should have a worse one on each side."
    )

    def __init__(
        self,
        trial: str,
        start: dict[str, float],
        grid: dict[str, list[float]] | None = None,
        frozen: list[str] | None = None,
        seeds: list[int] | None = None,
        jobs: int = 1,
        executor: str | Executor | None = None,
        folder: str = "runs/recipe_search",
    ) -> None:
        super().__init__()
        where = "in model.init_args of RecipeSearch"
        axes = PAPER_GRID.axes if grid is None else ordered_axes(grid, where)
        self.grid = Grid(axes, tuple(frozen or ()))
        self.grid.point(start)  # refuses one that is not on the grid
        of_trial = [0] if seeds is None else list(seeds)
        if not of_trial or len(set(of_trial)) < len(of_trial) or min(of_trial) < 0:
            raise UserError(f"seeds is {seeds}, {where}: give different numbers of 0 or more")
        if jobs < 1 or (executor is not None and jobs != 1):
            raise UserError(
                f"jobs is {jobs} and executor {executor!r}, {where}: give 1 or more jobs, or an "
                "executor alone, which knows how many run side by side"
            )
        self.trials = Trials(
            self.grid,
            find_trial(trial, self.grid, where),
            of_trial,
            Path(folder).absolute(),  # an executor's workers may stand in another folder
            jobs=jobs,
            executor=executor,
        )
        self.keep_hyperparameters()
        self.automatic_optimization = False
        self.found: Round | None = None

    def configure_optimizers(self) -> None:
        """Return none: the trials have theirs."""
        warnings.filterwarnings("ignore", ".*this fit will run with no optimizer")

    def setup(self, stage: str) -> None:
        """Refuse what would have no effect on a search, or a wrong one."""
        trainer = self.trainer
        if trainer.world_size > 1:
            raise UserError(
                f"the search runs as {trainer.world_size} processes, in trainer: give devices 1 "
                "and num_nodes 1; jobs or executor in model.init_args run trials side by side"
            )
        # Whole rounds are steps of no optimiser, which max_steps counts; fast_dev_run sets both.
        as_given = not getattr(trainer, "fast_dev_run", False)
        if as_given and (trainer.max_steps != -1 or trainer.max_epochs != 1):
            raise UserError(
                f"max_steps is {trainer.max_steps} and max_epochs {trainer.max_epochs}, in "
                "trainer: leave max_steps out and give max_epochs 1; a search ends by its "
                "certificate or after data.init_args.max_rounds"
            )
        if trainer.precision != "32-true":  # trials in this process would inherit its autocast
            raise UserError(
                f"precision is {trainer.precision}, in trainer of the search: give it in the "
                f"trial's config, {self.trials.config}"
            )
        self._command()

    def _command(self) -> Command:
        """Return what runs the trials: the command that runs the search."""
        command: Command | None = getattr(self.trainer, "command", None)
        if command is None:
            raise UserError(
                f"the trainer is a plain {type(self.trainer).__name__}, for RecipeSearch; must be "
                "that of lit_research.cli.main, which runs the trials too"
            )
        return command

    def on_train_start(self) -> None:
        """Begin at ``start``; what is on disk already is read and not run again."""
        evaluate = partial(self.trials.evaluate, command=self._command())
        self._rounds = coordinate_descent(self.grid, self.hparams["start"], evaluate)

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """Run one round; stop where no neighbour is better."""
        try:
            self.found = next(self._rounds)
        except BaseException:  # no later hook of a module is called
            self.trials.close()
            raise
        self._report(self.found)
        if self.found.done:
            self.trainer.should_stop = True

    def on_train_end(self) -> None:
        """Print all trials and the certificate."""
        self.trials.close()
        if self.found is not None:
            rank_zero_info(f"\n{self._text(self.found)}\n\nWritten to {self._recipe_file}.")

    def _report(self, found: Round) -> None:
        values = {f"search/{name}": value for name, value in self.grid.named(found.best).items()}
        values |= {"search/best_loss": found.loss, "search/round": float(found.number)}
        for name, value in values.items():
            self.log(name, value, prog_bar=name == "search/best_loss", logger=False, batch_size=1)
        for logger in self.trainer.loggers:  # each round, whatever log_every_n_steps is
            logger.log_metrics(values, found.number)
        content = recipe(self.grid, found, self.trials.of_seeds)
        write_atomic(self._recipe_file, json.dumps(content, indent=1) + "\n")
        add_text(self.trainer, "search/trials", code_block(self._text(found)), found.number)
        add_figure(self.trainer, "search/axes", lambda: figure(self.grid, found), found.number)

    def _text(self, found: Round) -> str:
        rows = table(self.grid, found, self.trials.of_seeds)
        return f"{rows}\n\n{verdict(self.grid, found)}"

    @property
    def _recipe_file(self) -> Path:
        return Path(self.trainer.log_dir or ".") / "recipe.json"


class SearchRounds(DataModule):
    """The rounds of a ``RecipeSearch``: one batch each, one epoch in all.

    Args:
        max_rounds: rounds after which a search ends without a certificate.
    """

    def __init__(self, max_rounds: int = 30) -> None:
        super().__init__()
        check_range(COUNT, "in data.init_args of SearchRounds", max_rounds=max_rounds)
        self.keep_hyperparameters()

    def train_dataloader(self) -> _Rounds:
        """Return one batch a round."""
        return _Rounds(self.hparams["max_rounds"])


class _Rounds:
    """Empty batches. (Lightning would take a list for a list of loaders.)"""

    def __init__(self, number: int) -> None:
        self.number = number

    def __len__(self) -> int:
        return self.number

    def __iter__(self) -> Iterator[Batch]:
        # The key that the throughput callback counts: the tokens are the trials', not the search's.
        for _ in range(self.number):
            yield {"input_ids": torch.empty(0, dtype=torch.long)}
