"""``Analysis``: what is decided before the reviews are in, frozen in a file; and its results."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from lit_research.errors import UserError
from lit_research.files import write_atomic
from lit_research.methods.idea_study.adjusted import Ancova, ancova
from lit_research.methods.idea_study.agreement import Agreement, agreement
from lit_research.methods.idea_study.core import (
    CORRECTIONS,
    Comparison,
    Correlation,
    Fall,
    Side,
    by_idea,
    by_review,
    change_scores,
    change_scores_without,
    correlations,
    falls,
    other_metrics,
)
from lit_research.methods.idea_study.mixed import Mixed, mixed_models
from lit_research.methods.idea_study.resampled import Resampled, resample
from lit_research.methods.idea_study.reviews import Study
from lit_research.methods.idea_study.simulated import Design, Power, fit_components, power
from lit_research.ranges import NOT_NEGATIVE, Range, check_range
from lit_research.storage import content_hash

_WHERE = "in analysis"
Correction = Literal["none", "bh", "holm", "bonferroni"]


@dataclass(frozen=True)
class Analysis:
    """What is decided before reviews are seen; the defaults are those of the paper.

    Args:
        reference: name of the arm that the other is compared with.
        treatment: name of that other arm.
        alpha: level of all tests.
        side: of the test of the main claim, the change of ideas (T-C).
        correction: for the number of metrics: none, bh (false discovery rate), holm or bonferroni.
        exclude: ideas without which the main claim is tested again (T-E).
        resamples: permutations, and bootstrap draws.
        simulations: simulated studies for the power; 0 leaves it out.
        seed: of permutations, draws and simulations.
    """

    reference: str = "Human"
    treatment: str = "AI"
    alpha: float = 0.05
    side: Side = "one-sided"
    correction: Correction = "bh"
    exclude: list[str] = field(default_factory=list)
    resamples: int = 9_999
    simulations: int = 2_000
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what no verb can use."""
        check_range(Range(above=0, below=1), _WHERE, alpha=self.alpha)
        check_range(Range(at_least=99), _WHERE, resamples=self.resamples)
        check_range(NOT_NEGATIVE, _WHERE, simulations=self.simulations)
        for name, known in (("side", get_args(Side)), ("correction", tuple(CORRECTIONS))):
            if getattr(self, name) not in known:
                raise UserError(
                    f"{name} is {getattr(self, name)!r}, {_WHERE}; must be {' or '.join(known)}"
                )
        if self.reference == self.treatment:
            raise UserError(
                f"reference and treatment are both {self.reference!r}, {_WHERE}; must be two arms"
            )

    @property
    def hash(self) -> str:
        """Hash of all of it."""
        return content_hash(json.dumps(asdict(self), sort_keys=True))


def freeze(path: str | Path, analysis: Analysis) -> None:
    """Write an analysis to a file, once: before the reviews are in.

    Raises:
        UserError: the file is there and has another analysis.
    """
    file = Path(path)
    if file.exists():
        check_frozen(file, analysis)
        return
    content = {"hash": analysis.hash, "analysis": asdict(analysis)}
    write_atomic(file, json.dumps(content, indent=2) + "\n")


def check_frozen(path: str | Path, analysis: Analysis) -> None:
    """Refuse an analysis that is not the frozen one.

    Raises:
        UserError: there is no such file, it was edited, or it has another analysis.
    """
    file = Path(path)
    if not file.is_file():
        raise UserError(
            f"{path} is not there, for frozen; must be the file that predict wrote before the "
            "reviews were in"
        )
    try:
        content = json.loads(file.read_text())
        was, known = Analysis(**content["analysis"]), content["hash"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise UserError(f"{path} is no frozen analysis ({error!r}); restore the file") from error
    if was.hash != known:
        raise UserError(
            f"{path} was edited: its analysis has the hash {was.hash}, and it says {known}; "
            "restore the file"
        )
    if was != analysis:
        ours, theirs = asdict(analysis), asdict(was)
        changed = [f"{k} is {ours[k]!r}, was {theirs[k]!r}" for k in ours if ours[k] != theirs[k]]
        raise UserError(
            f"the analysis is not the one frozen in {path} ({'; '.join(changed)}); restore it, or "
            "leave frozen out and say so"
        )


@dataclass(frozen=True)
class Results:
    """Everything that an analysis computes; what needs single reviews is empty for means.

    Attributes:
        by_review: T-A.
        controls: T-A of the controls.
        before: T-B before execution.
        after: T-B after it.
        other: T-B of what is scored after execution only.
        change: T-C.
        falls: of each arm.
        resampled: T-C by permutation and bootstrap.
        correlations: T-D.
        without: T-E; empty where nothing is excluded.
        ancova: after at equal scores before.
        mixed: models over reviews.
        agreement: of reviewers of one idea, by stage.
        power: by metric, of the tests, for the effects and variances that were found.
    """

    by_review: list[Comparison]
    controls: list[Comparison]
    before: list[Comparison]
    after: list[Comparison]
    other: list[Comparison]
    change: list[Comparison]
    falls: list[Fall]
    resampled: list[Resampled]
    correlations: list[Correlation]
    without: list[Comparison]
    ancova: list[Ancova]
    mixed: list[Mixed]
    agreement: list[Agreement]
    power: Mapping[str, list[Power]]


def analyse(
    study: Study,
    analysis: Analysis,
    published: tuple[list[Comparison], list[Comparison]] | None = None,
) -> Results:
    """Compute all tables.

    Args:
        study: the reviews.
        analysis: the options.
        published: T-A as it was printed, for a study of means.

    Raises:
        UserError: an idea to exclude is not in the study.
    """
    single = not study.after.are_means
    table_a = by_review(study) if single else (published or ([], []))
    simulated = single and analysis.simulations
    return Results(
        *table_a,
        before=by_idea(study, "before"),
        after=by_idea(study, "after"),
        other=other_metrics(study),
        change=change_scores(study),
        falls=falls(study),
        resampled=resample(study, resamples=analysis.resamples, seed=analysis.seed),
        correlations=correlations(study),
        without=change_scores_without(study, analysis.exclude) if analysis.exclude else [],
        ancova=ancova(study),
        mixed=mixed_models(study) if single else [],
        agreement=agreement(study) if single else [],
        power=_powers(study, analysis) if simulated else {},
    )


def _powers(study: Study, analysis: Analysis) -> dict[str, list[Power]]:
    design = Design.of(study)
    return {
        metric: power(
            fit_components(study, metric),
            design,
            alpha=analysis.alpha,
            studies=analysis.simulations,
            seed=analysis.seed,
        )
        for metric in study.metrics
    }


def as_json(results: Results) -> dict[str, Any]:
    """Return the results as JSON data; what is undefined is null."""
    return _plain(asdict(results))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and value != value else value
