"""Engines of the tests: a pure function of (prompt, seed), and one that stops on the way."""

from __future__ import annotations

import hashlib

from lit_research.lm.engines import Completion, Engine


class Hashing(Engine):
    """Writes a hash of prompt, seed and sample; fails, refuses or is silent on demand."""

    thread_safe = True

    def __init__(self, name: str = "hashing", stop_at: int | None = None) -> None:
        self.name, self.stop_at, self.calls = name, stop_at, 0
        self.down = False

    def card(self):
        return {"engine": self.name}

    def complete(self, prompts, sampling):
        self.calls += 1
        if self.calls - 1 == self.stop_at:
            raise KeyboardInterrupt
        n, seed = sampling.n, sampling.seed
        seeds = [seed] * len(prompts) if isinstance(seed, int) else seed
        pairs = enumerate(zip(prompts, seeds, strict=True))
        return [[self._one(p, s, k, index) for k in range(n)] for index, (p, s) in pairs]

    def _one(self, prompt, seed, sample, index):
        if self.down or prompt.startswith("fail"):
            return Completion.failure(
                f"{prompt}\nafter 3 tries", weight_version=0, prompt_index=index
            )
        text = hashlib.md5(f"{prompt} {seed} {sample}".encode()).hexdigest()
        text = "" if prompt == "silent" else "I cannot" if prompt == "refuse" else text
        return Completion(text, (1,) * len(text), (), "stop" if text else "length", 0, index)
