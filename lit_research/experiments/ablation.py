"""``Ablation``: a recipe found by controlled experiment, one step after the other.

Every trial is a run of the command with its own result file (``lit_research.experiments.arm_runs``)
so that an ablation which is started again reads what is finished and resumes the rest.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import numpy as np
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from lit_research.errors import UserError
from lit_research.experiments.arm_runs import run_arms
from lit_research.experiments.command import Command
from lit_research.experiments.equal_sizes import check_equal_rows, check_equal_sizes
from lit_research.experiments.executors.factory import make_executor
from lit_research.experiments.greedy_steps import (
    Compared,
    Options,
    Scored,
    check_steps,
    greedy,
    options_of,
)
from lit_research.experiments.held_out import check_held_out
from lit_research.experiments.outer_run import check_outer, command_of
from lit_research.experiments.trial_config import read_trial
from lit_research.figures import add_text, code_block
from lit_research.files import write_atomic
from lit_research.methods.arms import Arm, Results
from lit_research.methods.base import Method
from lit_research.ranges import Range, check_range
from lit_research.stats import Inference, paired_t

Batch = dict[str, Tensor]
_WHERE = "in model.init_args of Ablation"
# Options of arms, with classes by path in them, which a parser would build from ``dict[str, Any]``.
Plain: TypeAlias = dict
CONFIRM = 10_000
"""First seed of the confirmation, which no selection reaches."""
ROWS = "val/train_rows"
"""What a trial logs, if its rows can be counted: how many it trained on."""


class Ablation(Method):
    """Change one step of a recipe at a time, train the same student, and keep what is better.

    OpenThoughts (Guha et al. 2025, arXiv 2506.04178), section 3. A training step compares the
    strategies of a step at the winners of the steps before it, over the same seeds, each of which
    draws rows, initial weights and order. ``lit_research.stats.choose`` decides: a winner, or a tie
    that goes to the cheapest. At the end the chosen recipe and the baseline are trained on fresh
    seeds and scored once on held-out items; how much of the gain is left is printed.
    ``ablation.json`` in the run's folder has all of it. Its data module is ``SearchRounds``.

    Args:
        trial: config of a trial, such as ``ReasoningSFT``'s: an absolute path, or relative to the
            package's configs.
        steps: of each step its strategies, and of each strategy dotted keys of the trial's config
            with their values; the first strategy is the baseline.
        seeds: of each arm, 0 to ``seeds`` - 1.
        score: logged metric that decides; higher is better.
        cost: logged metric by which ties are decided, lower is better; None: the order of the
            strategies.
        alpha: chance of a false winner in a step.
        against_baseline: the baseline of a step stays unless another is better.
        beside: further comparisons of the same arms, by name, with options for all of them, that
            are reported and decide nothing: equal training tokens beside equal rows.
        not_compute_controlled: of a step the strategies that may differ from its baseline in n or
            in steps: they are trained and shown, and cannot be chosen. Else that is refused.
        confirm: options of the confirmation, which must name the held-out items; those that trials
            ask are refused.
        confirm_seeds: fresh seeds of the confirmation; 0 leaves it out.
        jobs: runs in parallel, in processes of this machine with one thread each.
        executor: a ``concurrent.futures.Executor`` instead of ``jobs``, by class path.
        folder: where the trials and their results are kept.
    """

    decisive_curves = {
        "score of the chosen recipe so far (its own unit)": ["ablation/chosen_score"]
    }
    reading: ClassVar[str] = (
        "TEXT shows the strategies of each step with the intervals of their differences, and at "
        "the end the chosen recipe and the baseline on items that no choice has seen."
    )

    def __init__(
        self,
        trial: str,
        steps: dict[str, dict[str, Plain]],
        seeds: int = 5,
        score: str = "val/accuracy",
        cost: str | None = None,
        alpha: float = 0.05,
        against_baseline: bool = False,
        beside: dict[str, Plain] | None = None,
        not_compute_controlled: dict[str, list[str]] | None = None,
        confirm: Plain | None = None,
        confirm_seeds: int = 0,
        jobs: int = 1,
        executor: str | Executor | None = None,
        folder: str = "runs/ablation",
    ) -> None:
        super().__init__()
        check_range(Range(at_least=2, at_most=1000), _WHERE, seeds=seeds)
        check_range(Range(at_least=0, at_most=1000), _WHERE, confirm_seeds=confirm_seeds)
        check_steps(steps, _WHERE)
        _check_confirmation(confirm, confirm_seeds)
        self.steps, self.work = steps, Path(folder).absolute()
        self.keep_hyperparameters()
        self.automatic_optimization = False
        self._compared: list[Compared] = []
        self._beside: dict[str, dict[str, Any]] = {}
        self._confirmed: dict[str, Any] | None = None

    def configure_optimizers(self) -> None:
        """Return none: the trials have theirs."""
        warnings.filterwarnings("ignore", ".*this fit will run with no optimizer")

    def setup(self, stage: str) -> None:
        """Refuse what would have no effect on an ablation, or a wrong one."""
        check_outer(self.trainer, "Ablation")
        config, confirm = read_trial(self.hparams["trial"], _WHERE), self.hparams["confirm"]
        check_equal_sizes(config, self.steps, self.hparams["not_compute_controlled"] or {}, _WHERE)
        if confirm:
            check_held_out(config, self.steps, confirm, _WHERE)

    def on_train_start(self) -> None:
        """Begin with the first step; trials that are on disk already are read."""
        args = self.hparams
        self._rounds: Iterator[Compared] = greedy(
            self.steps,
            lambda arms: self._scored(arms),
            alpha=args["alpha"],
            against_baseline=args["against_baseline"],
            uncontrolled=args["not_compute_controlled"],
        )

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """Compare the strategies of a step; after the last one, confirm."""
        compared = next(self._rounds, None)
        if compared is not None:
            self._compared.append(compared)
            self._report_step(compared)
        if len(self._compared) == len(self.steps):
            if self.hparams["confirm_seeds"]:
                self._confirm()
            self.trainer.should_stop = True

    def on_train_end(self) -> None:
        """Print all steps and the confirmation."""
        rank_zero_info(f"\n{self._text()}\n\nWritten to {self._file}.")

    # Trials.

    def _arms(self, arms: Mapping[str, Options]) -> dict[str, Arm]:
        made = {}
        for name, options in arms.items():
            text = json.dumps(options, sort_keys=True, default=str)
            short = hashlib.sha256(text.encode()).hexdigest()[:8]
            made[name] = Arm(f"arm-{short}", self.hparams["trial"], dict(options))
        return made

    def _run(self, arms: Mapping[str, Arm], seeds: range) -> Results:
        command: Command = command_of(self.trainer, "Ablation")
        args = self.hparams
        different = {arm.name: arm for arm in arms.values()}  # the chosen may be the baseline
        with make_executor(args["executor"], args["jobs"]) as executor:
            return run_arms(different.values(), seeds, self.work, command, executor)

    def _scored(self, arms: Mapping[str, Options], seeds: range | None = None) -> dict[str, Scored]:
        made = self._arms(arms)
        results = self._run(made, seeds or range(self.hparams["seeds"]))
        score, cost = self.hparams["score"], self.hparams["cost"]
        found: dict[str, Scored] = {}
        for place, (name, arm) in enumerate(made.items()):
            measured = results[arm.name]
            for metric in (score, *([cost] if cost else [])):
                if metric not in measured:
                    raise UserError(
                        f"a trial logs no {metric!r}, {_WHERE}; must be one of "
                        f"{', '.join(sorted(measured))}"
                    )
            price = float(np.mean(measured[cost])) if cost else float(place)
            found[name] = Scored(tuple(measured[score]), price, tuple(measured.get(ROWS, ())))
        return found

    def _report_step(self, compared: Compared) -> None:
        number = len(self._compared)
        rows = {name: arm.rows for name, arm in compared.controlled.items() if arm.rows}
        check_equal_rows(rows, compared.step, _WHERE)
        for name, options in (self.hparams["beside"] or {}).items():
            before = dict(compared.chosen)
            arms = {
                one: {**options_of(self.steps, {**before, compared.step: one}), **options}
                for one in compared.arms
            }
            scored = self._scored(arms)
            self._beside.setdefault(compared.step, {})[name] = {
                one: list(arm.scores) for one, arm in scored.items()
            }
        best = compared.arms[compared.choice.name]
        values = {"ablation/chosen_score": float(np.mean(best.scores))}
        for logger in self.trainer.loggers:
            logger.log_metrics(values, number)
        add_text(self.trainer, f"ablation/{compared.step}", code_block(compared.table()), number)
        self._write()

    def _confirm(self) -> None:
        """Train the chosen recipe and the baseline on fresh seeds, with the held-out items."""
        args = self.hparams
        recipes = {"chosen": self._compared[-1].chosen, "baseline": {}}
        arms = {
            name: {**options_of(self.steps, chosen), **args["confirm"]}
            for name, chosen in recipes.items()
        }
        scored = self._scored(arms, range(CONFIRM, CONFIRM + args["confirm_seeds"]))
        gain = np.subtract(scored["chosen"].scores, scored["baseline"].scores)
        self._confirmed = {
            "scores": {name: list(arm.scores) for name, arm in scored.items()},
            "gain": _plain(paired_t(gain)) if len(gain) > 1 else {"effect": float(gain[0])},
            "gain_at_selection": self._gain_at_selection(),
        }
        self._write()

    def _gain_at_selection(self) -> float:
        """Return the sum over the steps of the chosen strategy's mean minus the baseline's."""
        total = 0.0
        for one in self._compared:
            baseline = next(iter(one.arms.values()))
            total += float(np.mean(one.arms[one.choice.name].scores) - np.mean(baseline.scores))
        return total

    # Reports.

    def _text(self) -> str:
        parts = [f"{one.step}\n{one.table()}" for one in self._compared]
        if self._confirmed is not None:
            now, before = self._confirmed["gain"], self._confirmed["gain_at_selection"]
            interval = now.get("interval")
            shown = f" [{interval[0]:.4g}, {interval[1]:.4g}]" if interval else ""
            parts.append(
                f"Chosen minus baseline on held-out items and fresh seeds: {now['effect']:.4g}"
                f"{shown}; the sum of the gains at selection was {before:.4g}, so "
                f"{before - now['effect']:.4g} of it was luck or does not add up."
            )
        return "\n\n".join(parts)

    def _write(self) -> None:
        content = {
            "steps": [
                {
                    "step": one.step,
                    "scores": {name: list(arm.scores) for name, arm in one.arms.items()},
                    "costs": {name: arm.cost for name, arm in one.arms.items()},
                    "chosen": one.choice.name,
                    "verdict": one.choice.verdict,
                    "tied": list(one.choice.tied),
                    "not_compute_controlled": list(one.uncontrolled),
                    "beside": self._beside.get(one.step, {}),
                }
                for one in self._compared
            ],
            "confirmation": self._confirmed,
        }
        write_atomic(self._file, json.dumps(content, indent=1) + "\n")

    @property
    def _file(self) -> Path:
        return Path(self.trainer.log_dir or ".") / "ablation.json"


def _plain(found: Inference) -> dict[str, Any]:
    return {"effect": found.effect, "interval": list(found.interval), "p": found.p}


def _check_confirmation(confirm: Mapping[str, Any] | None, seeds: int) -> None:
    if seeds and not confirm:
        raise UserError(
            f"confirm_seeds is {seeds} without confirm, {_WHERE}; give the options that name the "
            "held-out items, such as {data.init_args.validation: held_out.jsonl}"
        )
    if confirm and not seeds:
        raise UserError(
            f"confirm is given with confirm_seeds 0, {_WHERE}; give the number of fresh seeds"
        )
