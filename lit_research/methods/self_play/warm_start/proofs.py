"""Proofs to train on: found by a search in Lean, and cached on the machine."""

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


def find_proofs(
    theorems: Sequence[Provable], settings: WarmStart, lean: LeanServer
) -> list[list[str]]:
    """Return proofs of each theorem, shortest first, from the cache or else by search.

    Args:
        theorems: to prove.
        settings: of the search.
        lean: verifies proofs.
    """
    texts = [[theorem.header, theorem.statement] for theorem in theorems]
    options = [settings.depth, settings.width, settings.checks]
    key = json.dumps([FORMAT, lean.description, options, texts])
    name = f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"
    file = cache_root(None) / "self_play" / name
    with writing(file.parent):  # before the search, which takes minutes
        file.parent.mkdir(parents=True, exist_ok=True)
        all_proofs = _read(file)
    if all_proofs is None:
        search = TacticSearch(
            lean, depth=settings.depth, width=settings.width, checks=settings.checks
        )
        all_proofs = search.prove(theorems)
        with writing(file.parent):
            write_atomic(file, json.dumps(all_proofs, ensure_ascii=False))
    return [proofs[: settings.proofs] for proofs in all_proofs]


def _read(file: Path) -> list[list[str]] | None:
    """Return the proofs in a cached file; None if it is missing or damaged."""
    try:
        proofs: list[list[str]] = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return proofs


def proved_alternatives(
    theorems: Sequence[Provable],
    proofs: Sequence[Sequence[str]],
    count: int,
    seed: int,
    lean: LeanServer,
) -> list[Attempt]:
    """Return proved statements with up to three disjuncts added to the conclusion of a theorem.

    Args:
        theorems: to vary.
        proofs: of each theorem; theorems without any are skipped.
        count: number of statements to draw for each theorem.
        seed: of the draws.
        lean: verifies proofs.
    """
    rng = random.Random(seed)
    attempts: list[Attempt] = []
    for theorem, theorem_proofs in zip(theorems, proofs, strict=True):
        for _ in range(count if theorem_proofs else 0):
            drawn = with_alternatives(parsed(theorem), rng, rng.randint(1, 3))
            if drawn is not None:
                statement, tactics = drawn
                proof = "\n".join([*tactics, rng.choice(theorem_proofs)])
                attempts.append(Attempt(statement.text, proof, theorem.header))
    attempts = list(dict.fromkeys(attempts))
    verdicts = lean.verify(attempts)
    return [a for a, verdict in zip(attempts, verdicts, strict=True) if verdict.proved]


def parsed(theorem: Provable) -> Statement:
    """Return the parsed statement of a theorem."""
    assert theorem.parsed is not None, "the data module refuses text that is not a statement"
    return theorem.parsed
