"""A source, an engine that counts its calls, and runs of the command on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lit_research.cli import main
from lit_research.lm.engines import Completion, Engine, Prompts, Sampling
from tests.helpers import tiny

ROOM = "lit_research.methods.megadocs"
COUNTING = f"{__name__}.CountingEngine"
TEXT = "Document number {i} says that the river is long. It also says that fish {i} are quick."


class CountingEngine(Engine):
    """Answers each prompt with a text of its own; the calls are counted for all engines.

    Args:
        answer: with the fields ``{seed}`` and ``{sample}``.
        refuses: a word of prompts that are refused.
        fails: a word of prompts that cannot be answered.
    """

    asked: list[str] = []

    def __init__(
        self,
        answer: str = "Here is the text:\nAnswer {sample} of {seed} tells of a river.",
        refuses: str | None = None,
        fails: str | None = None,
    ) -> None:
        self.answer, self.refuses, self.fails = answer, refuses, fails

    def card(self) -> dict[str, Any]:
        return {"engine": "CountingEngine", "answer": self.answer}

    def complete(self, prompts: Prompts, sampling: Sampling) -> list[list[Completion]]:
        return [
            [self._one(str(prompt), seed, index, sample) for sample in range(sampling.n)]
            for index, (prompt, seed) in enumerate(zip(prompts, sampling.seed, strict=True))  # type: ignore[arg-type]
        ]

    def _one(self, prompt: str, seed: int, index: int, sample: int) -> Completion:
        self.asked.append(prompt)
        if self.fails is not None and self.fails in prompt:
            return Completion.failure("no", weight_version=0, prompt_index=index, sample=sample)
        text = self.answer.format(seed=seed % 1000, sample=sample)
        if self.refuses is not None and self.refuses in prompt:
            text = "I'm sorry, but I can't help with that."
        return Completion(text, (), (), "stop", 0, index, sample, None, len(text.split()))


def write_source(folder: Path, documents: int = 12, text: str = TEXT) -> str:
    """Write documents with the ids d0, d1, ... as JSONL; return the path."""
    import json

    path = folder / "source.jsonl"
    rows = [{"id": f"d{i}", "text": text.format(i=i)} for i in range(documents)]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return str(path)


def predict(folder: Path, changes: dict[str, Any] | None = None) -> Any:
    """Run ``predict`` of ``MegadocWriter`` with the folders ``texts`` and ``megadocs``."""
    folder.mkdir(exist_ok=True)
    data = {
        "source": str(folder / "source.jsonl"),
        "texts": str(folder / "texts"),
        "folder": str(folder / "megadocs"),
        "tokenizer": "bytes",
        "batch_size": 4,
        "sequence_length": 32,
        "validation_fraction": 0.2,
        "test_fraction": 0,
        "near_duplicate": None,
        "cache_dir": str(folder / "cache"),
    }
    model = {
        "generator": {"class_path": f"{ROOM}.Rephrase", "init_args": {"prompt": "Say {text}"}},
        "engine": {"class_path": COUNTING},
        "generations": 2,
        "seed": 3,
        "building": {"form": "stitched"},
    }
    base = tiny(folder)
    base["model"] = {"class_path": f"{ROOM}.MegadocWriter", "init_args": model}
    base["data"] = {"class_path": f"{ROOM}.MegadocCorpus", "init_args": data}
    for key, value in (changes or {}).items():
        *path, last = key.split(".")
        section = base
        for part in path:
            section = section[part]
        if value is ...:
            section.pop(last)
        else:
            section[last] = value
    return main({"subcommand": "predict", "predict": base})


def read(folder: Path) -> tuple[Any, dict[str, Any]]:
    """Return the rows and the card of a ``datasets`` folder."""
    import json

    from datasets import load_from_disk

    return load_from_disk(str(folder)), json.loads((folder / "card.json").read_text())
