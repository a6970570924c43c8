"""Blinded review forms: items under random names, the key in another place, and their import."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from lit_research.errors import UserError
from lit_research.files import write_atomic
from lit_research.methods.idea_study.ideas import Idea, check_ideas
from lit_research.methods.idea_study.style import StyleGap, strip_style, style_gaps
from lit_research.ranges import COUNT, check_range
from lit_research.seeds import derive_seed
from lit_research.storage import content_hash

_FORMULA = ("=", "+", "-", "@", "\t")  # what a spreadsheet would run


@dataclass(frozen=True)
class Forms:
    """What reviewers are given.

    Args:
        folder: of the forms, one CSV a reviewer; give this folder to reviewers.
        key: JSON file with the idea and arm of each item; keep it from reviewers. Must not be in
            ``folder``.
        reviewers: their number.
        per_idea: reviewers of each idea.
        metrics: scores that they give.
        lowest: score of the scale.
        highest: score of the scale.
        phrases: taken out of every text; what only one arm writes.
        stage: before or after execution, for the key.
    """

    folder: str = "runs/idea_study/forms"
    key: str = "runs/idea_study/key.json"
    reviewers: int = 4
    per_idea: int = 2
    metrics: list[str] = field(
        default_factory=lambda: ["novelty", "excitement", "effectiveness", "overall"]
    )
    lowest: int = 1
    highest: int = 10
    phrases: list[str] = field(default_factory=list)
    stage: str = "before"

    def __post_init__(self) -> None:
        """Refuse what cannot be filled in, and a key among the forms."""
        where = "in model.init_args.forms"
        check_range(COUNT, where, reviewers=self.reviewers, per_idea=self.per_idea)
        if self.per_idea > self.reviewers:
            raise UserError(
                f"per_idea is {self.per_idea} and reviewers {self.reviewers}, {where}; must be no "
                "more than the reviewers: each reads an idea once"
            )
        if not self.metrics or len(set(self.metrics)) < len(self.metrics):
            raise UserError(f"metrics is {self.metrics}, {where}; must be different names")
        if self.lowest >= self.highest:
            raise UserError(
                f"lowest is {self.lowest} and highest {self.highest}, {where}; must be a scale"
            )
        if self.stage not in ("before", "after"):
            raise UserError(f"stage is {self.stage!r}, {where}; must be before or after")
        if Path(self.folder).resolve() in Path(self.key).resolve().parents:
            raise UserError(
                f"key is {self.key} and folder {self.folder}, {where}; must be apart: who has the "
                "key is not blind"
            )


def write_forms(ideas: Sequence[Idea], forms: Forms, seed: int = 0) -> list[StyleGap]:
    """Write the forms and their key; return what style still tells of the arms.

    Every idea goes to ``per_idea`` reviewers, who have as many as each other, give or take one, in
    an order of their own. Nothing of a form follows from the arm.

    Args:
        ideas: of two arms; texts are stripped of their style.
        forms: where, and what is asked.
        seed: of names and orders. Who knows it and the ideas can undo the blinding.

    Raises:
        UserError: there are not two arms, a text is empty without its style, or the key of other
            forms is there already.
    """
    ideas = check_ideas(list(ideas), "for the forms")
    texts = {idea.id: strip_style(idea.text, forms.phrases) for idea in ideas}
    if empty := next((name for name, text in texts.items() if not text), None):
        raise UserError(f"the text of {empty!r} is empty without its style; must have words")
    arms = sorted({idea.arm for idea in ideas})
    if len(arms) != 2:
        raise UserError(
            f"the ideas are of {len(arms)} arms ({', '.join(arms)}), for the forms; must be two"
        )
    files, key = _assign(ideas, texts, forms, seed)
    content = {"forms": asdict(forms), "items": key, "hash": content_hash(json.dumps(files))}
    text = json.dumps(content, indent=1) + "\n"
    if Path(forms.key).exists() and Path(forms.key).read_text() != text:
        raise UserError(
            f"{forms.key} is the key of other forms, for model.init_args.forms; must be a new "
            "path: without its key a filled form is lost"
        )
    write_atomic(Path(forms.key), text)
    for name, form in files.items():
        path = Path(forms.folder) / name
        if not path.exists():  # a form that is there may be filled in
            write_atomic(path, form)
    sides = [[texts[idea.id] for idea in ideas if idea.arm == arm] for arm in reversed(arms)]
    return style_gaps(*sides)


def _assign(
    ideas: Sequence[Idea], texts: dict[str, str], forms: Forms, seed: int
) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Return the forms by file name, and the key by item."""
    rng = np.random.default_rng(derive_seed("idea_study", "forms", seed))
    order = [ideas[k] for k in rng.permutation(len(ideas))]
    piles: list[list[Idea]] = [[] for _ in range(forms.reviewers)]
    for idea in order:  # to those who have fewest, by lot among equals
        by_load = sorted(rng.permutation(len(piles)), key=lambda n: len(piles[n]))
        for n in by_load[: forms.per_idea]:
            piles[n].append(idea)
    files, key = {}, {}
    for number, pile in enumerate(piles, 1):
        out = io.StringIO(newline="")
        writer = csv.writer(out)
        writer.writerow(["item", "text", *forms.metrics, "comment"])
        for k in rng.permutation(len(pile)):
            idea = pile[k]
            item = f"{derive_seed('item', seed, number, idea.id, digest_size=5):010x}"
            text = texts[idea.id]
            shown = f" {text}" if text.startswith(_FORMULA) else text
            writer.writerow([item, shown, *("" for _ in forms.metrics), ""])
            key[item] = {
                "idea": idea.id,
                "arm": idea.arm,
                "topic": idea.topic,
                "reviewer": f"reviewer_{number}",
            }
        files[f"reviewer_{number}.csv"] = out.getvalue()
    return files, dict(sorted(key.items()))
