"""Plans: what a replica claims, decided and hashed before its seeds are run, and its verdicts.

Ten true nulls judged by 90% intervals give a false "reproduced" in 40% of the replicas, and three
seeds see only effects of 2.8 standard deviations. So a plan names few primary claims with the
smallest effect that would matter and the number of seeds; they are decided together, by one-sided
paired t-tests with Holm's correction. A run keeps the hash of the plan that it was made under.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml

from lit_research.errors import UserError, nearest
from lit_research.methods.claims import Claim, Role, Verdict
from lit_research.stats import Inference, equivalent, holm, no_worse, paired_t, seeds_needed

Kind = Literal["greater", "no_worse", "equivalent"]
MOST_PRIMARY = 4
PILOT_SEEDS = 1000  # the first seed of pilots, which no plan reaches


@dataclass(frozen=True)
class PlannedClaim:
    """A claim before it is known whether it holds.

    Args:
        id: key of its effects, which the replica returns: one value a seed, above 0 for the claim.
        claim: the claim in one sentence.
        unit: of the effect.
        kind: ``greater`` than the smallest effect of interest, ``no_worse`` than 0 by a margin, or
            ``equivalent`` to 0 within it.
        smallest: the smallest effect of interest, for ``greater``.
        margin: the difference that would not matter, for the other two.

    Raises:
        UserError: a margin is missing, or a value has no effect.
    """

    id: str
    claim: str
    unit: str
    kind: Kind = "greater"
    smallest: float = 0.0
    margin: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in ("greater", "no_worse", "equivalent"):
            raise UserError(f"kind is {self.kind!r}; give greater, no_worse or equivalent")
        if self.kind == "greater":
            if self.margin is not None or not self.smallest >= 0:
                raise UserError(
                    f"smallest is {self.smallest} and margin {self.margin}, with kind greater; "
                    "give a smallest effect of 0 or more, and no margin"
                )
        elif self.smallest or self.margin is None or not self.margin > 0:
            raise UserError(
                f"smallest is {self.smallest} and margin {self.margin}, with kind {self.kind}; "
                "give a margin above 0, and no smallest effect"
            )

    def test(self, effects: Sequence[float] | np.ndarray) -> Inference:
        """Return the one-sided test of the claim on one effect a seed."""
        if self.margin is None:
            return paired_t(effects, null=self.smallest, alternative="greater")
        return (no_worse if self.kind == "no_worse" else equivalent)(effects, self.margin)

    def is_contradicted(self, interval: tuple[float, float]) -> bool:
        """Return whether the 90% interval of the effect excludes the claim."""
        low, high = interval
        if self.margin is None:
            return high < 0
        return high < -self.margin or (self.kind == "equivalent" and low > self.margin)


@dataclass(frozen=True)
class Plan:
    """What is run and how it is decided.

    Args:
        method: the replica's.
        seeds: number of seeds, 0 to ``seeds`` - 1.
        primary: the claims that decide, at most four; they share ``alpha``.
        secondary: the others, each judged by itself.
        alpha: chance of even one false "reproduced" among the primary claims.
        second_look: number of seeds at which the claims may be judged once more; alpha is then
            split in halves between the looks.
        hash: of what the plan says.

    Raises:
        UserError: a number is out of range, or two claims have one id.
    """

    method: str
    seeds: int
    primary: tuple[PlannedClaim, ...]
    secondary: tuple[PlannedClaim, ...] = ()
    alpha: float = 0.05
    second_look: int | None = None
    hash: str = ""

    def __post_init__(self) -> None:
        if not 1 <= len(self.primary) <= MOST_PRIMARY:
            raise UserError(
                f"primary names {len(self.primary)} claims; give 1 to {MOST_PRIMARY}, the others "
                "are secondary"
            )
        if not 2 <= self.seeds <= PILOT_SEEDS or not 0 < self.alpha < 1:
            raise UserError(
                f"seeds is {self.seeds} and alpha {self.alpha}; give 2 to {PILOT_SEEDS} seeds and "
                "a level above 0 and below 1"
            )
        if self.second_look is not None and not self.seeds < self.second_look <= PILOT_SEEDS:
            raise UserError(
                f"second_look is {self.second_look} with {self.seeds} seeds; give more, up to "
                f"{PILOT_SEEDS}, or leave it out"
            )
        ids = [claim.id for claim in (*self.primary, *self.secondary)]
        if len(set(ids)) < len(ids):
            raise UserError(f"the claims are {', '.join(ids)}; give each an id of its own")

    @property
    def level(self) -> float:
        """The level of one look."""
        return self.alpha if self.second_look is None else self.alpha / 2

    def check_seeds(self, seeds: int) -> None:
        """Refuse to look at another time than planned.

        Raises:
            UserError: there is no look at so many seeds.
        """
        looks = [self.seeds, *([] if self.second_look is None else [self.second_look])]
        if seeds not in looks:
            raise UserError(
                f"{seeds} seeds are not in the plan of {self.method}, which looks at "
                f"{' and '.join(map(str, looks))}; give --seeds {looks[0]}"
            )

    def judge(self, effects: Mapping[str, Sequence[float]]) -> list[Claim]:
        """Judge the claims; primary ones are reproduced if their adjusted p is below the level.

        Args:
            effects: one value a seed for each claim, by its id.

        Raises:
            UserError: effects of a claim are missing, or are not of the planned seeds.
        """
        for claim in (*self.primary, *self.secondary):
            if claim.id not in effects:
                hint = nearest(claim.id, effects)
                raise UserError(f"the replica gives no effects of the claim {claim.id!r}; {hint}")
            self.check_seeds(len(effects[claim.id]))
        tests = [claim.test(effects[claim.id]) for claim in self.primary]
        adjusted = holm([1.0 if np.isnan(test.p) else test.p for test in tests])
        claims = [
            self._judged(claim, "primary", test, float(p))
            for claim, test, p in zip(self.primary, tests, adjusted, strict=True)
        ]
        for claim in self.secondary:
            test = claim.test(effects[claim.id])
            claims.append(self._judged(claim, "secondary", test, test.p))
        return claims

    def _judged(self, claim: PlannedClaim, role: Role, test: Inference, p: float) -> Claim:
        contradicted = claim.is_contradicted(test.interval)
        verdict: Verdict = (
            "reproduced" if p < self.level else "contradicted" if contradicted else "unresolved"
        )
        smallest = claim.smallest if claim.margin is None else -claim.margin
        return Claim(
            f"{claim.claim} ({claim.unit})",
            verdict,
            test.effect,
            test.interval,
            test.n,
            role=role,
            alpha=self.level,
            smallest=smallest,
            plan=self.hash,
        )

    def propose(self, effects: Mapping[str, Sequence[float]], power: float = 0.9) -> dict[str, Any]:
        """Return what a pilot says of each primary claim, with the seeds for a power.

        The level is Bonferroni's, alpha over the number of primary claims, so that Holm's has at
        least this power.

        Args:
            effects: of the pilot's seeds, by id.
            power: to reach for each claim.

        Returns:
            By id: ``mean``, ``sd``, ``seeds`` (None where the pilot's mean is not beyond what the
            claim is tested against).
        """
        proposals = {}
        for claim in self.primary:
            values = np.asarray(effects[claim.id], dtype=float)
            mean, sd = float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else 0.0
            room = mean - claim.smallest if claim.margin is None else claim.margin + mean
            if claim.kind == "equivalent" and claim.margin is not None:
                room = claim.margin - abs(mean)
            seeds = None
            if room > 0:
                level = self.level / len(self.primary)
                seeds = seeds_needed(room, max(sd, 1e-12), power=power, alpha=level)
            proposals[claim.id] = {"mean": mean, "sd": sd, "seeds": seeds}
        return proposals


def load_plan(path: Path) -> Plan:
    """Read a plan; its hash is that of what it says, whatever its comments and order of keys.

    Raises:
        UserError: the file is no plan, or a value in it is out of range.
    """
    try:
        content = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise UserError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    given = _fields(Plan, content, str(path))
    for part in ("primary", "secondary"):
        entries = given.get(part, [])
        if not isinstance(entries, list):
            raise UserError(f"{part} is no list, in {path}; give a list of claims")
        given[part] = tuple(
            _made(PlannedClaim, entry, f"{path}, {part}, claim {number}")
            for number, entry in enumerate(entries, 1)
        )
    text = json.dumps(content, sort_keys=True)
    return _made(Plan, {**given, "hash": hashlib.sha256(text.encode()).hexdigest()[:12]}, str(path))


def _fields(kind: type, content: Any, where: str) -> dict[str, Any]:
    """Return a mapping whose keys are fields of a dataclass, none missing."""
    known = [field.name for field in fields(kind) if field.name != "hash"]
    if not isinstance(content, dict):
        raise UserError(f"{where} holds no mapping; give the keys {', '.join(known)}")
    for key in content:
        if key not in known:
            raise UserError(f"unknown key {key!r}, in {where}; {nearest(str(key), known)}")
    return dict(content)


def _made(kind: type, content: Any, where: str) -> Any:
    """Build a dataclass from plain data; errors say where it stands."""
    given = content if "hash" in content else _fields(kind, content, where)
    try:
        return kind(**given)
    except UserError as error:
        raise UserError(f"{error}; in {where}") from error
    except TypeError as error:
        raise UserError(f"{where} is incomplete or of a wrong type: {error}") from error
