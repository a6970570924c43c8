"""Proofs to learn from: found by a search in Lean once on a machine, then read from its cache."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from pathlib import Path

from lit_research.files import write_atomic
from lit_research.lean import Attempt, LeanServer, Statement
from lit_research.lean.corpus import with_alternatives
from lit_research.methods.self_play.warm_start.search import Provable, TacticSearch
from lit_research.methods.self_play.warm_start.settings import WarmStart
from lit_research.storage import cache_root, writing

FORMAT = "1"  # of the cached proofs


def found_proofs(
    theorems: Sequence[Provable], settings: WarmStart, lean: LeanServer
) -> list[list[str]]:
    """Return proofs of each theorem, shortest first; found once on a machine, then read.

    Args:
        theorems: with a header and a statement each.
        settings: of the search.
        lean: judges.
    """
    texts = [[theorem.header, theorem.statement] for theorem in theorems]
    options = [settings.depth, settings.width, settings.checks]
    key = json.dumps([FORMAT, lean.description, options, texts])
    name = f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"
    file = cache_root(None) / "self_play" / name
    with writing(file.parent):  # before the search, which takes minutes
        file.parent.mkdir(parents=True, exist_ok=True)
        found = _read(file)
    if found is None:
        search = TacticSearch(
            lean, depth=settings.depth, width=settings.width, checks=settings.checks
        )
        found = search.prove(theorems)
        with writing(file.parent):
            write_atomic(file, json.dumps(found, ensure_ascii=False))
    return [proofs[: settings.proofs] for proofs in found]


def _read(file: Path) -> list[list[str]] | None:
    """Return the proofs in a file of the cache; None where there are none, or it is damaged."""
    try:
        found: list[list[str]] = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return found


def proved_alternatives(
    theorems: Sequence[Provable],
    proofs: Sequence[Sequence[str]],
    count: int,
    seed: int,
    lean: LeanServer,
) -> list[Attempt]:
    """Return proved statements that offer up to three alternatives to what was proved.

    Args:
        theorems: what was to be proved.
        proofs: of each.
        count: how many to make of each that was proved.
        seed: of the drawing.
        lean: judges.
    """
    draw = random.Random(seed)
    made: list[Attempt] = []
    for theorem, found in zip(theorems, proofs, strict=True):
        for _ in range(count if found else 0):
            offered = with_alternatives(parsed(theorem), draw, draw.randint(1, 3))
            if offered is not None:
                statement, choice = offered
                proof = "\n".join([*choice, draw.choice(found)])
                made.append(Attempt(statement.text, proof, theorem.header))
    made = list(dict.fromkeys(made))
    return [a for a, verdict in zip(made, lean.verify(made), strict=True) if verdict.proved]


def parsed(theorem: Provable) -> Statement:
    """Return the parts of a theorem's statement."""
    assert theorem.parsed is not None, "the data module refuses what is no statement"
    return theorem.parsed
