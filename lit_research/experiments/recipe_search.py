"""``RecipeSearch``: the regularised recipe, found by coordinate descent over ordinary runs.

The state of a search is on disk: each trial is a run of the command with its own result file (see
``lit_research.experiments.arm_runs``). A search that is started again reads finished trials,
resumes interrupted ones, and so ends like an uninterrupted search.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import torch
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from lit_research.errors import UserError
from lit_research.experiments.coordinate_search import Round, check_budget, coordinate_descent
from lit_research.experiments.grid import PAPER_GRID, Grid
from lit_research.experiments.outer_run import check_outer, command_of
from lit_research.experiments.search_report import figure, recipe, table, verdict
from lit_research.experiments.trials import (
    Trials,
    check_options,
    find_trial_config,
    ordered_axes,
)
from lit_research.figures import add_figure, add_text, code_block
from lit_research.files import write_atomic
from lit_research.methods.base import DataModule, Method
from lit_research.ranges import COUNT, check_range

Batch = dict[str, Tensor]


class RecipeSearch(Method):
    """Find a learning rate, weight decay, epochs and more with no better neighbour on a grid.

    "Pre-training under infinite compute" (Kim et al. 2025, arXiv 2509.14786), section 3. A training
    step is a round: the neighbours of the best point that were not tried yet are trained, in
    parallel on an executor, and the best of all is the next centre. A trial's score is its
    validation loss after the last step, averaged over ``seeds``; a diverged trial counts as
    infinite. ``recipe.json`` in the run's folder has the best point, the certificate and all
    trials. Its data module is ``SearchRounds``.

    Args:
        trial: config of a trial, such as ``Pretrain``'s: an absolute path, or relative to the
            package's configs. Without ``trainer.max_steps``, since ``epochs`` or ``passes`` sets
            the length.
        start: the first point: a value of the grid for each axis.
        grid: values of ``lr``, ``weight_decay`` and ``epochs``, or of some of them; None means the
            paper's grid. Of a ``MixedCorpus`` also ``passes`` over the real text, in the place of
            ``epochs``, and ``share``.
        frozen: axes that keep their value in ``start``; the paper's standard recipe freezes
            ``weight_decay`` at 0.1.
        budget: points to try, exactly: the search goes on after its certificate, or ends without
            one. For arms that are compared, each tuned by a search of its own. None ends with the
            certificate.
        options: dotted keys of the trials' config and their values, what tells this arm from
            others: ``{data.init_args.synthetic: runs/mine}``.
        seeds: the seeds of each trial (weights and order of the data).
        jobs: runs in parallel, in processes of this machine with one thread each.
        executor: a ``concurrent.futures.Executor`` instead of ``jobs``, by class path, or the path
            of a callable that returns one. Those of ``lit_research.experiments.executors``
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
        budget: int | None = None,
        options: dict[str, Any] | None = None,
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
        check_budget(self.grid, budget, where)
        check_options(options or {}, self.grid, where)
        trial_seeds = [0] if seeds is None else list(seeds)
        if not trial_seeds or len(set(trial_seeds)) < len(trial_seeds) or min(trial_seeds) < 0:
            raise UserError(
                f"seeds is {seeds}, {where}; must be different numbers, each at least 0"
            )
        if jobs < 1 or (executor is not None and jobs != 1):
            raise UserError(
                f"jobs is {jobs} and executor is {executor!r}, {where}; jobs must be at least 1, "
                "and 1 with an executor, which decides how many run in parallel"
            )
        self.trials = Trials(
            self.grid,
            find_trial_config(trial, self.grid, where),
            trial_seeds,
            Path(folder).absolute(),  # an executor's workers may have another working directory
            jobs=jobs,
            executor=executor,
            options=options,
        )
        self.keep_hyperparameters()
        self.automatic_optimization = False
        self.last_round: Round | None = None

    def configure_optimizers(self) -> None:
        """Return none: the trials have theirs."""
        warnings.filterwarnings("ignore", ".*this fit will run with no optimizer")

    def setup(self, stage: str) -> None:
        """Refuse what would have no effect on a search, or a wrong one."""
        check_outer(self.trainer, "RecipeSearch")

    def on_train_start(self) -> None:
        """Begin at ``start``; trials that are on disk already are read and not run again."""
        command = command_of(self.trainer, "RecipeSearch")
        evaluate = partial(self.trials.evaluate, command=command)
        start, budget = self.hparams["start"], self.hparams["budget"]
        self._rounds = coordinate_descent(self.grid, start, evaluate, budget)

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """Run one round; stop if no neighbour is better, or the budget is used up."""
        try:
            self.last_round = next(self._rounds)
        except BaseException:  # no later hook of a module is called
            self.trials.close()
            raise
        self._report(self.last_round)
        if self.last_round.done:
            self.trainer.should_stop = True

    def on_train_end(self) -> None:
        """Print all trials and the certificate."""
        self.trials.close()
        if self.last_round is not None:
            rank_zero_info(f"\n{self._text(self.last_round)}\n\nWritten to {self._recipe_file}.")

    def _report(self, last_round: Round) -> None:
        values = {
            f"search/{name}": value for name, value in self.grid.named(last_round.best).items()
        }
        values |= {"search/best_loss": last_round.loss, "search/round": float(last_round.number)}
        for name, value in values.items():
            self.log(name, value, prog_bar=name == "search/best_loss", logger=False, batch_size=1)
        for logger in self.trainer.loggers:  # each round, whatever log_every_n_steps is
            logger.log_metrics(values, last_round.number)
        content = recipe(self.grid, last_round, self.trials.seed_losses)
        write_atomic(self._recipe_file, json.dumps(content, indent=1) + "\n")
        add_text(
            self.trainer, "search/trials", code_block(self._text(last_round)), last_round.number
        )
        add_figure(
            self.trainer, "search/axes", lambda: figure(self.grid, last_round), last_round.number
        )

    def _text(self, last_round: Round) -> str:
        rows = table(self.grid, last_round, self.trials.seed_losses)
        return f"{rows}\n\n{verdict(self.grid, last_round)}"

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
        # The key that the throughput callback counts: the search itself reads no tokens.
        for _ in range(self.number):
            yield {"input_ids": torch.empty(0, dtype=torch.long)}
