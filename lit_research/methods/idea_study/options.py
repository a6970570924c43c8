"""``Analysis``: what is decided before the reviews are in, and frozen in a file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

from lit_research.errors import UserError
from lit_research.files import write_atomic
from lit_research.methods.idea_study.comparisons import CORRECTIONS, Side
from lit_research.ranges import NOT_NEGATIVE, Range, check_range
from lit_research.seeds import resolve_seed
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
        seed: of permutations, draws and simulations; None takes ``seed_everything``.
    """

    reference: str = "Human"
    treatment: str = "AI"
    alpha: float = 0.05
    side: Side = "one-sided"
    correction: Correction = "bh"
    exclude: list[str] = field(default_factory=list)
    resamples: int = 9_999
    simulations: int = 2_000
    seed: int | None = None

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

    def with_seed(self) -> Analysis:
        """Return the same with a seed that is a number."""
        return replace(self, seed=resolve_seed(self.seed))

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
