"""Writing and judging: conjectures, attempts and their verdicts, shared among processes.

Generation and verification overlap: while Lean judges a batch, the next one is being written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from lit_research.lean import Attempt, LeanServer, Statement, Verdict
from lit_research.lm import weights_fingerprint
from lit_research.lm.engines import Completion
from lit_research.methods.self_play.archive import Archive, generation_key
from lit_research.methods.self_play.extraction import Extracted, deduplicate
from lit_research.methods.self_play.formats import Format
from lit_research.methods.self_play.players import CONJECTURER, SOLVER, Role, Writer
from lit_research.methods.self_play.problems import Problem, Rollout
from lit_research.methods.self_play.rewards import overlong_weight, uses_try
from lit_research.methods.self_play.rules import Rules
from lit_research.metrics import gather_objects

T = TypeVar("T")


def _gather(items: list[T], rank: int, world: int) -> list[T]:
    """Put together the parts that the processes have: process r has items r, r + world, ..."""
    if world == 1:
        return items
    parts = gather_objects(items)
    merged: list[Any] = [None] * sum(map(len, parts))
    for number, part in enumerate(parts):
        merged[number::world] = part
    return merged


class Table:
    """Where the players sit: writer, reader, referee and archive of one process.

    Args:
        writer: writes with the live weights.
        form: of prompts and answers.
        lean: judges.
        archive: of the process.
        rules: say what of an attempt may be learned from.
        seed: of all sampling.
        rank: number of the process.
        world: number of processes.
    """

    def __init__(
        self,
        writer: Writer,
        form: Format,
        lean: LeanServer,
        archive: Archive,
        rules: Rules,
        *,
        seed: int,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.writer, self.form, self.lean, self.archive = writer, form, lean, archive
        self.rules = rules
        self.seed, self.rank, self.world = seed, rank, world

    def _seed(self, *place: Any) -> int:
        text = "/".join(map(str, (self.seed, *place)))
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest(), "big")

    def _write(
        self,
        role: Role,
        prompts: list[list[int]],
        *,
        n: int,
        place: tuple[Any, ...],
        numbers: Sequence[int],
        weights: str,
    ) -> list[list[Completion]]:
        """Write, unless these very weights have written it before.

        What is written for a prompt follows from the place and its number among the prompts of all
        processes, so that the number of processes changes nothing.
        """
        writer, seed = self.writer, [self._seed(*place, role, number) for number in numbers]
        sampling = [writer.max_new_tokens, writer.temperature, writer.top_p]
        key = generation_key(weights, prompts, n, sampling, seed)
        groups = self.archive.generation(key)
        if groups is None:
            version = int(place[0])
            groups = writer.write(role, prompts, n=n, seed=seed, version=version)
            self.archive.keep_generation(key, version, groups)
        return groups

    def share(self, items: Sequence[T]) -> list[T]:
        """Return this process's part of ``items``."""
        return list(items[self.rank :: self.world])

    def _number(self, own: int) -> int:
        """Return the number among all items of the ``own``-th item of this process's part."""
        return self.rank + own * self.world

    def gather(self, part: list[T]) -> list[T]:
        """Return all items, given the part of each process."""
        return _gather(part, self.rank, self.world)

    def conjecture(
        self, round_: int, targets: Sequence[Problem], n: int, conditioned: bool
    ) -> list[tuple[Problem, list[int], Completion]]:
        """Write n conjectures for each target; return (target, prompt, completion) of each."""
        own = self.share(targets)
        texts = [self.form.conjecturer_prompt(t.statement if conditioned else None) for t in own]
        prompts = self.writer.encode(texts)
        weights = weights_fingerprint(self.writer.players.model(CONJECTURER)) + CONJECTURER
        groups: list[list[Completion]] = []
        size = max(1, self.writer.batch_size // n)
        for first in range(0, len(prompts), size):
            part = prompts[first : first + size]
            numbers = [self._number(i) for i in range(first, first + len(part))]
            groups += self._write(
                CONJECTURER, part, n=n, place=(round_,), numbers=numbers, weights=weights
            )
        shared = self.gather(list(zip(prompts, groups, strict=True)))
        return [
            (target, prompt, completion)
            for target, (prompt, group) in zip(targets, shared, strict=True)
            for completion in group
        ]

    def read_conjectures(
        self, written: list[tuple[Problem, list[int], Completion]], targets: Sequence[Statement]
    ) -> tuple[list[Problem], list[Extracted]]:
        """Return the conjectures that can be played, and what was read in each text.

        Args:
            written: see ``conjecture``.
            targets: no conjecture may be one of them.
        """
        read = [
            Extracted(reason=completion.finish_reason)
            if completion.failed
            else self.form.read_conjecture(completion.text, name=f"conjecture_{number}")
            for number, (_, _, completion) in enumerate(written)
        ]
        read = deduplicate(read, targets)
        problems = [
            Problem(
                name=f"conjecture/{target.name}/{number}",
                statement=found.statement,
                header=target.header,
                target=target.target,
                conjecture=completion,
                conjecture_prompt=prompt,
            )
            for number, ((target, prompt, completion), found) in enumerate(
                zip(written, read, strict=True)
            )
            if found.statement is not None
        ]
        return problems, read

    def attempt(self, problems: Sequence[Problem], k: int, place: tuple[Any, ...]) -> None:
        """Attempt each problem k times; fills in ``prompt`` and ``rollouts``.

        Args:
            problems: of all processes; each process works on its part.
            k: attempts at each.
            place: round and purpose; the sampling follows from the seed and this.
        """
        prompts = self.writer.encode(
            [self.form.solver_prompt(p.statement, p.header) for p in problems]
        )
        for problem, prompt in zip(problems, prompts, strict=True):
            problem.prompt = prompt
        own = self.share(problems)
        order = sorted(range(len(own)), key=lambda i: len(own[i].prompt))
        weights = weights_fingerprint(self.writer.players.model(SOLVER)) + SOLVER
        size = max(1, self.writer.batch_size // k)
        judged: list[tuple[list[int], Future[list[list[Rollout]]]]] = []
        with ThreadPoolExecutor(2) as pool:
            for first in range(0, len(order), size):
                rows = order[first : first + size]
                part = [own[i].prompt for i in rows]
                numbers = [self._number(i) for i in rows]
                groups = self._write(
                    SOLVER, part, n=k, place=place, numbers=numbers, weights=weights
                )
                judged.append((rows, pool.submit(self._judge, [own[i] for i in rows], groups)))
        found: dict[int, list[Rollout]] = {}
        for rows, future in judged:
            found |= dict(zip(rows, future.result(), strict=True))
        shared = self.gather([found[i] for i in range(len(own))])
        for problem, rollouts in zip(problems, shared, strict=True):
            problem.rollouts = rollouts

    def _judge(
        self, problems: list[Problem], groups: list[list[Completion]]
    ) -> list[list[Rollout]]:
        read = [[self._read(completion) for completion in group] for group in groups]
        attempts = [
            Attempt(problem.statement.text, found.text, problem.header)
            for problem, group in zip(problems, read, strict=True)
            for found in group
            if found.text is not None
        ]
        verdicts = iter(self.archive.verify(self.lean, attempts))
        return [
            [
                self._rollout(
                    completion,
                    found.text,
                    next(verdicts)
                    if found.text is not None
                    else Verdict(False, f"unreadable: {found.reason}"),
                )
                for completion, found in zip(completions, group, strict=True)
            ]
            for completions, group in zip(groups, read, strict=True)
        ]

    def _rollout(self, completion: Completion, proof: str | None, verdict: Verdict) -> Rollout:
        """Return an attempt with what the rules say of it."""
        rules, tokens = self.rules, len(completion.token_ids)
        penalty = overlong_weight(tokens, self.writer.max_new_tokens, rules.overlong)
        is_excluded = rules.drop_try and uses_try(proof or "")
        return Rollout(completion, proof, verdict, penalty, is_excluded)

    def _read(self, completion: Completion) -> Extracted:
        if completion.failed:
            return Extracted(reason=completion.finish_reason)
        return self.form.read_proof(completion.text)
