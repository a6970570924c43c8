"""``Analysis``: what is decided before the reviews are in, frozen in a file; and its results."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lit_research.methods.idea_study.adjusted import Ancova, ancova
from lit_research.methods.idea_study.agreement import Agreement, agreement
from lit_research.methods.idea_study.comparisons import Comparison
from lit_research.methods.idea_study.components import Design, fit_components
from lit_research.methods.idea_study.core import (
    Correlation,
    Fall,
    by_idea,
    by_review,
    change_scores,
    change_scores_without,
    correlations,
    falls,
    other_metrics,
)
from lit_research.methods.idea_study.mixed import Mixed, mixed_models
from lit_research.methods.idea_study.options import Analysis
from lit_research.methods.idea_study.powers import Power, power
from lit_research.methods.idea_study.resampled import Resampled, resample
from lit_research.methods.idea_study.study import Study
from lit_research.seeds import resolve_seed


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
    seed = resolve_seed(analysis.seed)
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
        resampled=resample(study, resamples=analysis.resamples, seed=seed),
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
            seed=resolve_seed(analysis.seed),
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
    return None if isinstance(value, float) and not math.isfinite(value) else value
