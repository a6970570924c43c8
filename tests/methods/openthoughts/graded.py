"""How often planted duplicates and leaks are found, by kind; as a table with a tokenizer's folder.

``python -m tests.methods.openthoughts.graded FOLDER`` prints the tables of the method's README.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

import datasets

from lit_research.methods.openthoughts import ExactDuplicates, NearDuplicates, WordedWorld
from lit_research.methods.openthoughts.reasoning_world import SPLITS
from lit_research.methods.openthoughts.worded_world import GRADES, LEAKS
from lit_research.stages import Pipeline, Selection
from lit_research.stages.sources import Rows
from lit_research.stats import wilson
from lit_research.text import EvaluationSet, decontaminate, load_tokenizer

EACH, CLEAN = 400, 3000
RULES = {
    "exact": ExactDuplicates(),
    "near": NearDuplicates(),
    "near, by MinHash": NearDuplicates(all_pairs=0),
    "near, numbers must match": NearDuplicates(numbers_must_match=True),
}


def rejected(rows, stage: Selection, folder: Path) -> dict[str, str]:
    """Return the ids that a stage rejects, with what it says of each."""
    steps = {"rows": Rows(rows), "kept": stage}
    outcome = Pipeline(steps, folder).run(shown=False).outcome
    found = {record["row"]["id"]: record["detail"] for record in outcome.rejected()}
    assert set(outcome.table()["id"].to_pylist()) == {row["id"] for row in rows} - found.keys()
    return found


def duplicates(world: WordedWorld, rule: str, folder: Path, each=EACH) -> Counter[str]:
    """Count the copies that a rule finds, by grade, and ``others``: pairs that are not planted."""
    rows, planted = world.duplicated(each, CLEAN // 10)
    counts = Counter[str]()
    for name, detail in rejected(rows, RULES[rule], folder).items():
        of = detail.split()[1]
        pairs = {(name, of), (of, name)}
        copy = next((a for a, b in pairs if a in planted and planted[a].of == b), None)
        counts["others" if copy is None else planted[copy].kind] += 1
    return counts


def own_tokenizer(world: WordedWorld, folder: Path) -> str:
    """Return the folder of a BPE that is trained on the world's questions."""
    texts = [row["question"] for row in world.rows(2000)]
    pool = datasets.Dataset.from_dict({"id": texts, "text": texts})
    load_tokenizer("bpe:4096", documents=pool, cache_dir=folder)
    return str(next(folder.glob("tokenizers/*/tokenizer.json")).parent)


def evaluation(world: WordedWorld) -> EvaluationSet:
    """Return the items of both splits."""
    items = [item for split in SPLITS for item in world.items(split)]
    return EvaluationSet("w", *(tuple(item[key] for item in items) for key in ("question", "id")))


def leaks(world: WordedWorld, tokenizer: str, each=EACH, clean=CLEAN):
    """Return by kind, ``clean`` among them, the rows that each rule drops, and that any does.

    And the ids of these; and the share of n-gram leaks that name the item that was planted.
    """
    rows, planted = world.leaked(each, clean, tokenizer)
    texts = [(row["id"], row["question"]) for row in rows]
    found = decontaminate(texts, [evaluation(world)], tokenizer=tokenizer)
    counts, dropped, named = Counter[tuple[str, str]](), dict[str, str](), list[bool]()
    for leak in found.leaks:
        kind = planted[leak.id].kind if leak.id in planted else "clean"
        counts[kind, leak.rule] += 1
        dropped[leak.id] = kind
        if kind != "clean" and leak.rule == "ngram":
            named.append(leak.item_id == planted[leak.id].of)
    counts.update((kind, "any") for kind in dropped.values())
    return counts, dropped.keys(), sum(named) / len(named)


def share(count: int, of: int) -> str:
    """Return a share with its Wilson interval."""
    low, high = wilson(count, of)
    return f"{count} of {of} [{low:.3f}, {high:.3f}]"


def main(tokenizer: str | None = None) -> None:
    """Print the tables of the README."""
    world = WordedWorld(seed=0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = {rule: duplicates(world, rule, folder / rule.replace(" ", "-")) for rule in RULES}
        print(f"| copy | {' | '.join(RULES)} |\n|---|{'---|' * len(RULES)}")
        for grade in GRADES:
            row = " | ".join(share(counts[grade], EACH) for counts in found.values())
            print(f"| {grade} | {row} |")
        print("others:", {rule: counts["others"] for rule, counts in found.items()})
        tokenizer = tokenizer or own_tokenizer(world, folder)
        counts, _, named = leaks(world, tokenizer)
        print("| row | by 13-gram | by similarity | dropped |\n|---|---|---|---|")
        for kind in (*LEAKS, "clean"):
            of = CLEAN if kind == "clean" else EACH
            row = [share(counts[kind, rule], of) for rule in ("ngram", "similarity", "any")]
            print(f"| {kind} | {' | '.join(row)} |")
        print(f"n-gram leaks that name the planted item: {named:.4f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
