"""``Selection``: which of the written texts become the synthetic corpus, and when there are enough.

Everything here is a function of the shards in their order, not of when or by which process they
were written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lit_research.errors import UserError
from lit_research.generation import TextJob
from lit_research.methods.sbp.filters import Filters
from lit_research.text.cache import encode, plain_copy

if TYPE_CHECKING:
    from datasets import Dataset

NOT_NEEDED = "not needed"
_HOPELESS = 100  # texts of which every one is refused, after which it is no use to go on


@dataclass
class _Shard:
    """What the filters say of each text of a shard alone, and its tokens."""

    reasons: list[str | None]
    tokens: list[int]

    @property
    def passed(self) -> int:
        return sum(t for t, reason in zip(self.tokens, self.reasons, strict=True) if reason is None)


class Selection:
    """Decides how many shards are needed, and why each of their texts is refused.

    A first number of shards has as many tokens that pass the filters of single texts as are asked
    for. Where duplicates among them leave too few, more shards are taken, in proportion, and so
    on: the numbers follow from the shards' content.

    Args:
        filters: what is refused.
        tokenizer: of the training.
        corpus: the documents that the texts are made from, R.
        seeds: returns the token ids of the d1 that a text names as its source; empty: none.
        target: tokens to keep, with the end of each text.
        most: number of shards that there can be.
        job: has the shards.
    """

    def __init__(
        self,
        filters: Filters,
        tokenizer: Any,
        corpus: Dataset,
        seeds: Callable[[str], Sequence[int]],
        *,
        target: int,
        most: int,
        job: TextJob,
    ) -> None:
        self.filters, self.seeds = filters, seeds
        self._backend, self._end = plain_copy(tokenizer), tokenizer.eos_token_id
        self.target, self.most, self.job = target, most, job
        self._corpus = list(zip(corpus["id"], corpus["text"], strict=True))
        self._shards: list[_Shard] = []
        self._kept: dict[int, int] = {}

    def needed(self) -> int | None:
        """Return the number of shards that suffice, at most all; None if too few are there yet.

        Raises:
            UserError: nothing of the first texts passes the filters.
        """
        goal = float(self.target)
        while True:
            count = self._first_with(goal)
            if count is None:
                return None
            kept = self._kept_tokens(count)
            if kept >= self.target or count == self.most:
                return count
            passed = sum(shard.passed for shard in self._shards[:count])
            goal = max(passed + 1.0, passed * self.target / max(kept, passed / 2))

    def review(self, rows: Dataset) -> list[str | None]:
        """Return why each row of the first shards is refused; see ``TextJob.finish``."""
        count = next(n for n in range(1, self.most + 1) if self._rows_of(n) == len(rows))
        reasons, tokens = self._reasons(count), self._tokens(count)
        total = 0
        for row, reason in enumerate(reasons):
            if reason is not None:
                continue
            if total >= self.target:
                reasons[row] = NOT_NEEDED
            total += tokens[row]
        return reasons

    def check(self, count: int) -> int:
        """Return the tokens that ``count`` shards leave; refuse too few.

        Raises:
            UserError: they are fewer than asked for.
        """
        kept = self._kept_tokens(count)
        if kept < self.target:
            reasons = Counter(reason for reason in self._reasons(count) if reason)
            found = ", ".join(f"{number}x {reason}" for reason, number in reasons.most_common())
            raise UserError(
                f"{kept} of synthetic_tokens {self.target} are left of {self._rows_of(count)} "
                f"texts ({found or 'none refused'}), in data.init_args of SyntheticCorpus; raise "
                "max_texts, relax the filters, or ask for fewer tokens"
            )
        return self.kept_tokens(count)

    def kept_tokens(self, count: int) -> int:
        """Return the tokens of the synthetic corpus, with the ends of texts."""
        total = 0
        for reason, tokens in zip(self._reasons(count), self._tokens(count), strict=True):
            if reason is None and total < self.target:
                total += tokens
        return total

    def _first_with(self, goal: float) -> int | None:
        """Return the first number of shards whose texts by themselves reach the goal."""
        passed = 0
        for shard in range(self.most):
            if shard == len(self._shards):
                if not self.job.has(shard):
                    return None
                self._shards.append(self._read(shard))
                self._refuse_hopeless()
            passed += self._shards[shard].passed
            if passed >= goal:
                return shard + 1
        return self.most

    def _read(self, shard: int) -> _Shard:
        rows = self.job.rows([shard])
        reasons: list[str | None] = []
        tokens: list[int] = []
        encoded = encode(self._backend, [text or "" for text in rows["text"]], self._end)
        columns = zip(rows["text"], rows["finish_reason"], rows["source_id"], encoded, strict=True)
        for text, finish_reason, source, ids in columns:
            failed = text is None
            finished = finish_reason != "length"
            seed = self.seeds(source)
            reason = (
                None if failed else self.filters.reason(text, ids[:-1], seed, finished=finished)
            )
            reasons.append("failed" if failed else reason)
            tokens.append(len(ids))
        return _Shard(reasons, tokens)

    def _refuse_hopeless(self) -> None:
        reasons = [reason for shard in self._shards for reason in shard.reasons]
        if len(reasons) >= _HOPELESS and None not in reasons:
            counts = Counter(reasons).most_common()
            found = ", ".join(f"{number}x {reason}" for reason, number in counts)
            raise UserError(
                f"each of the first {len(reasons)} texts is refused ({found}), in "
                "data.init_args.filters of SyntheticCorpus; relax the filters, or train the "
                "synthesizer longer"
            )

    def _rows_of(self, count: int) -> int:
        return sum(len(shard.reasons) for shard in self._shards[:count])

    def _tokens(self, count: int) -> list[int]:
        return [tokens for shard in self._shards[:count] for tokens in shard.tokens]

    def _reasons(self, count: int) -> list[str | None]:
        """Return why each text of the first shards is refused, duplicates included."""
        reasons = [reason for shard in self._shards[:count] for reason in shard.reasons]
        left = [row for row, reason in enumerate(reasons) if reason is None]
        texts = self.job.rows(range(count))["text"] if left else []
        found = self.filters.duplicate_reasons(
            [(str(row), texts[row]) for row in left], self._corpus
        )
        for row, reason in zip(left, found, strict=True):
            reasons[row] = reason
        return reasons

    def _kept_tokens(self, count: int) -> int:
        if count not in self._kept:
            columns: Sequence[Any] = (self._reasons(count), self._tokens(count))
            self._kept[count] = sum(t for reason, t in zip(*columns, strict=True) if reason is None)
        return self._kept[count]
