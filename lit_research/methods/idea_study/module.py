"""``IdeaStudy``: the analysis of a study of ideas, and the blinded forms that it begins with."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from lit_research.figures import add_figure, add_text, text_table
from lit_research.files import write_atomic, write_json
from lit_research.methods.base import Method, data_of
from lit_research.methods.idea_study.analysis import analyse, as_json
from lit_research.methods.idea_study.conclusions import conclude
from lit_research.methods.idea_study.data import IdeaReviews
from lit_research.methods.idea_study.forms import Forms, write_forms
from lit_research.methods.idea_study.options import Analysis, check_frozen, freeze
from lit_research.methods.idea_study.pictures import fall_figure, gap_figure
from lit_research.methods.idea_study.report import render, scalars
from lit_research.seeds import resolve_seed


class IdeaStudy(Method):
    """Compare ideas of two arms before and after their execution.

    "The Ideation-Execution Gap" (Si, Hashimoto, Yang 2025, arXiv 2506.20803). ``test`` computes
    every table, with intervals, one- and two-sided p-values and all corrections, and writes
    ``report.md`` and ``report.json`` into the run's folder; its numbers are logged as ``test/...``.
    ``predict`` writes blinded review forms and freezes the analysis. There is nothing to train.

    Args:
        analysis: what is decided before reviews are seen; None takes the paper's choices.
        frozen: file of the frozen analysis. ``predict`` writes it, once; ``test`` refuses an
            analysis that is another one, and puts the hash into the report. None: not frozen.
        forms: what ``predict`` asks of reviewers; None: two reviews an idea by four reviewers.
        seed: of the forms; None takes ``seed_everything``.
    """

    decisive_curves = {}
    reading: ClassVar[str] = (
        "TEXT has the report with every table. IMAGES shows each idea before and after its "
        "execution, and how much more the treatment falls, by each way to estimate it."
    )
    returns = ()
    defines = ()

    def __init__(
        self,
        analysis: Analysis | None = None,
        frozen: str | None = None,
        forms: Forms | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        self.keep_hyperparameters()
        self.analysis, self.forms = (analysis or Analysis()).with_seed(), forms or Forms()
        self.seed = resolve_seed(seed)

    @property
    def has_weights(self) -> bool:
        """True: it trains nothing."""
        return True

    @property
    def data(self) -> IdeaReviews:
        """The data module.

        Raises:
            UserError: it is another one.
        """
        return data_of(self, IdeaReviews)

    def test_step(self, batch: Tensor, batch_idx: int) -> None:
        """Analyse the study, and write and log the report."""
        analysis, frozen = self.analysis, self.hparams["frozen"]
        if frozen is not None:
            check_frozen(frozen, analysis)
        study = self.data.study(analysis.reference, analysis.treatment)
        source = self.data.source
        results = analyse(study, analysis, source.printed_by_review() if source else None)
        text = render(study, results, analysis, frozen)
        for name, value in scalars(study, results, analysis).items():
            self.log_result(name, value)
        add_text(self.trainer, "test/report", text)
        add_figure(self.trainer, "test/before_and_after", lambda: gap_figure(study))
        add_figure(self.trainer, "test/fall", lambda: fall_figure(study, results))
        if self.trainer.is_global_zero:
            folder = Path(self.trainer.log_dir or ".")
            write_atomic(folder / "report.md", text)
            content: dict[str, Any] = {
                "analysis": vars(analysis),
                "hash": analysis.hash,
                "frozen": frozen,
                "conclusions": [vars(one) for one in conclude(study, results, analysis)],
                "tables": as_json(results),
            }
            write_json(folder / "report.json", content)
            rank_zero_info(f"Written to {folder / 'report.md'}:\n\n{_opening(text)}")

    def predict_step(self, batch: Tensor, batch_idx: int) -> int:
        """Write the forms and the key, and freeze the analysis; return the number of forms."""
        if not self.trainer.is_global_zero:
            return 0
        frozen = self.hparams["frozen"]
        if frozen is not None:  # first: it may be refused
            freeze(frozen, self.analysis)
        gaps = write_forms(self.data.ideas(), self.forms, self.seed)
        rows = [("style", "AUC", "means")] + [
            (gap.feature, f"{gap.auc:.2f}", f"{gap.means[0]:.3g}, {gap.means[1]:.3g}")
            for gap in gaps
        ]
        where = f" The analysis {self.analysis.hash} is frozen in {frozen}." if frozen else ""
        rank_zero_info(
            f"Forms for {self.forms.reviewers} reviewers are in {self.forms.folder}, their key in "
            f"{self.forms.key}.{where}\nWhat style still tells of the arms (0.5 is nothing):\n"
            f"{text_table(rows)}"
        )
        return self.forms.reviewers


def _opening(report: str) -> str:
    """Return the paragraph of conclusions."""
    return report.split("## Conclusions\n\n")[1].split("\n\n")[0]
