"""``LongCodeExam``: a solver takes an exam on code, at growing length, and is graded."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

from lightning.pytorch.utilities import rank_zero_info, rank_zero_only
from torch import Tensor

from lit_research.errors import UserError, nearest
from lit_research.figures import add_figure, add_text, code_block
from lit_research.files import write_json
from lit_research.lm import IGNORE
from lit_research.methods.base import Method, data_of, run_folder
from lit_research.methods.item_indices import Batch
from lit_research.methods.longcode.answers import DEFAULT_RULE, RULES
from lit_research.methods.longcode.asking import QuestionSolver, RepairSolver, Step
from lit_research.methods.longcode.core import Asked
from lit_research.methods.longcode.data import CodeExam
from lit_research.methods.longcode.exam_log import ExamLog
from lit_research.methods.longcode.examination import Examination
from lit_research.methods.longcode.grading import Grader
from lit_research.methods.longcode.patches import diff_text
from lit_research.methods.longcode.predictions import write_predictions
from lit_research.methods.longcode.records import Graded
from lit_research.methods.longcode.report import ExamReport, report_of
from lit_research.ranges import COUNT, SHARE, check_range
from lit_research.storage import cache_root, content_hash

_WHERE = "in model.init_args of LongCodeExam"
REPORT = "report.json"


class LongCodeExam(Method):
    """Ask a solver about code at growing length, and report with the uncertainty of the numbers.

    ``test`` grades: questions by the letter, repairs by the tests of the item in a sandbox.
    ``predict`` only asks: its answers are lines of JSON, and patches also in SWE-bench's format.
    Every record is on disk before the next batch is asked: the same command goes on where it was
    stopped. LongCodeBench, Rando et al. 2025 (arXiv 2505.07897).

    Args:
        solver: of questions, such as ``OptionLikelihood`` or ``WrittenAnswer``; None asks none.
        repairer: of faults, such as ``WrittenPatch``; None asks none.
        folder: of the records; None: one beside the run's folder, in ``exams``, whose name follows
            from all that determines the answers, so that the same exam has the same folder.
        rule: how a letter is read from a written answer: ``strict``, ``paper``, ``boxed`` or
            ``first_letter``. The report has the others beside it.
        effective_share: a length is effective if its accuracy stays above this share of that of the
            shortest one.
        jobs: repairs that are graded side by side; the sandbox runs one a core.
        name: of the solver, in files for other graders.

    Raises:
        UserError: an argument is out of range, or there is neither a solver nor a repairer.
    """

    decisive_curves = {}
    reading: ClassVar[str] = (
        "test prints a table by length and writes it to report.json; IMAGES shows the accuracy by "
        "length and by the depth of the evidence. Read the intervals first: with 50 questions "
        "their half-width is 14 points."
    )
    defines = ()
    needs = {"batches": ("item_set", "groups")}
    returns = ()

    def __init__(
        self,
        solver: QuestionSolver | None = None,
        repairer: RepairSolver | None = None,
        folder: str | None = None,
        rule: str = DEFAULT_RULE,
        effective_share: float = 0.85,
        jobs: int = 2,
        name: str = "lit_research",
    ) -> None:
        super().__init__()
        check_range(COUNT, _WHERE, jobs=jobs)
        check_range(SHARE, _WHERE, effective_share=effective_share)
        if rule not in RULES:
            raise UserError(f"rule is {rule!r}, {_WHERE}; {nearest(rule, RULES)}")
        if solver is None and repairer is None:
            raise UserError(f"solver and repairer are None, {_WHERE}; give one of them or both")
        self.keep_hyperparameters()
        self.solver, self.repairer = solver, repairer
        self._open = ExitStack()

    @property
    def has_weights(self) -> bool:
        """True: it trains nothing."""
        return True

    @property
    def data(self) -> CodeExam:
        """The data module.

        Raises:
            UserError: it is another one.
        """
        return data_of(self, CodeExam)

    def setup(self, stage: str) -> None:
        """Refuse items that nobody is asked about.

        Raises:
            UserError: there are questions and no solver, or faults and no repairer.
        """
        items = self.data.item_set
        for found, solver, name in (
            (items.questions, self.solver, "solver"),
            (items.repairs, self.repairer, "repairer"),
        ):
            if bool(found) != (solver is not None):
                have = f"there are {len(found)} items for it"
                raise UserError(
                    f"{name} is {type(solver).__name__ if solver else None} and {have}, {_WHERE}; "
                    "give a solver where there are questions and a repairer where there are "
                    "faults, and no other"
                )

    def on_test_start(self) -> None:
        """Load the solvers, and begin the exam or go on with it."""
        self._begin(grades=True)

    def on_predict_start(self) -> None:
        """Load the solvers, and begin to ask or go on with it."""
        self._begin(grades=False)

    def _begin(self, *, grades: bool) -> None:
        data, args = self.data, self.hparams
        solvers = [one for one in (self.solver, self.repairer) if one is not None]
        for one in solvers:
            one.prepare(data.shortest, self.device)
        card = {
            "data": data.card,
            "solvers": [one.card() for one in solvers],
            "rule": args["rule"],
            "graded": grades,
        }
        self._log = ExamLog(self._folder(card), card)
        self._known: dict[Step, Graded] = {
            step: record
            for step, record in self._log.read().items()
            if record.status != "infrastructure"
        }
        if self._known:
            rank_zero_info(f"{len(self._known)} answers are there already, in {self._log.folder}.")
        grader, executor = None, None
        if grades and self.repairer is not None:
            grader = Grader(data.item_set.trees, cache_root() / "longcode" / "verdicts")
            executor = self._open.enter_context(ThreadPoolExecutor(args["jobs"]))
        self._examination = Examination(
            self._log,
            self.solver,
            self.repairer,
            args["rule"],
            data.hparams["repairs"],
            grader,
            executor,
            self.global_rank,
        )

    def _folder(self, card: dict[str, Any]) -> Path:
        if self.hparams["folder"] is not None:
            return Path(self.hparams["folder"]).expanduser()
        folder = run_folder(self.trainer)
        if folder is None:
            raise UserError(
                f"folder is None and the run has no folder of its own, {_WHERE}; give a folder"
            )
        return folder.parent / "exams" / content_hash(json.dumps(card))[:12]

    def test_step(self, batch: Batch, batch_idx: int) -> dict[str, Tensor]:
        """Ask and grade a batch of groups."""
        self._take(batch)
        return {}

    def predict_step(self, batch: Batch, batch_idx: int) -> int:
        """Ask a batch of groups; return the number of answers."""
        return self._take(batch)

    def _take(self, batch: Batch) -> int:
        # A rank without groups of its own skips another's.
        groups = batch["items"][batch["labels"] != IGNORE].tolist()
        asked: list[Asked] = [one for group in groups for one in self.data.asked(group)]
        missing = [one for one in asked if one.step not in self._known]
        for record in self._examination.take(missing) if missing else ():
            self._known[Step(record.item, record.bucket, record.rotation, record.repeat)] = record
        return len(missing)

    def on_test_end(self) -> None:
        """End what grades."""
        self._open.close()

    def on_test_epoch_end(self) -> None:
        """Log the accuracies of all ranks, print them as a table, and write the report."""
        self.trainer.strategy.barrier()
        records = self._records()
        report = report_of(records, share=self.hparams["effective_share"])
        for name, value in report.metrics().items():
            self.log_result(f"test/{name}", value)
        self._show(report)

    def _records(self) -> list[Graded]:
        """Return the records of all ranks, in a fixed order."""
        records = self._log.read()
        return [records[step] for step in sorted(records, key=_order)]

    def _show(self, report: ExamReport) -> None:
        text = report.table()
        add_text(self.trainer, "test/report", code_block(text))
        for name, draw in report.figures().items():
            add_figure(self.trainer, f"test/{name}", draw)
        rank_zero_only(write_json)(self._log.folder / REPORT, report.as_json())
        rank_zero_info(f"\n{text}\nAnswers and {REPORT}: {self._log.folder}")

    def on_predict_epoch_end(self) -> None:
        """Write the patches of all ranks for SWE-bench's own graders."""
        self.trainer.strategy.barrier()
        if not self.trainer.is_global_zero:
            return
        folder, items = self._log.folder, self.data.item_set.repairs
        patches = {
            record.item: patch
            for record in self._records()
            if record.task == "repair" and (patch := diff_text(record.output)) is not None
        }
        if items and self.data.hparams["repairs"] == "diff":
            write_predictions(items, patches, folder / "predictions", self.hparams["name"])
        rank_zero_info(f"Answers: {folder}")


def _order(step: Step) -> tuple[str, int, int, int]:
    return step.item, step.bucket, step.rotation, step.repeat
