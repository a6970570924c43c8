"""Writing and reading conjectures and proofs, and verifying proofs, spread over all processes.

Generation and verification overlap: while Lean verifies a batch, the next one is generated.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from lit_research.lean import Attempt, Statement, Verdict
from lit_research.lean.corpus import Theorem
from lit_research.lm import weights_fingerprint
from lit_research.lm.engines import Completion
from lit_research.methods.self_play.archive import generation_key
from lit_research.methods.self_play.extraction import Extracted, deduplicate
from lit_research.methods.self_play.game import Game
from lit_research.methods.self_play.players import CONJECTURER, SOLVER, Role
from lit_research.methods.self_play.problems import Problem, Rollout
from lit_research.methods.self_play.rewards import overlong_weight, uses_try
from lit_research.seeds import derive_seed


def problem_of(theorem: Theorem, index: int) -> Problem:
    """Return a theorem as a problem to attempt.

    Args:
        theorem: of a data module, which refuses text that is not a statement.
        index: of the theorem in its set.
    """
    return Problem(theorem.id, theorem.parsed, theorem.header, index)


def write_conjectures(
    game: Game, round_: int, targets: Sequence[Problem]
) -> list[tuple[Problem, list[int], Completion]]:
    """Write the conjectures of a round; return target, prompt and completion of each."""
    rules, writer, worker = game.rules, game.writer, game.worker
    n = rules.conjectures
    prompts = writer.encode(
        [
            game.form.conjecturer_prompt(target.statement if rules.conditioned else None)
            for target in worker.share(targets)
        ]
    )
    weights = weights_fingerprint(game.players.model(CONJECTURER)) + CONJECTURER
    groups: list[list[Completion]] = []
    size = max(1, writer.batch_size(CONJECTURER) // n)
    for first in range(0, len(prompts), size):
        batch = prompts[first : first + size]
        indices = [worker.index(i) for i in range(first, first + len(batch))]
        groups += _write(
            game, CONJECTURER, batch, n=n, seed_path=(round_,), indices=indices, weights=weights
        )
    gathered = worker.gather(list(zip(prompts, groups, strict=True)))
    return [
        (target, prompt, completion)
        for target, (prompt, group) in zip(targets, gathered, strict=True)
        for completion in group
    ]


def read_conjectures(
    game: Game,
    written: list[tuple[Problem, list[int], Completion]],
    targets: Sequence[Statement],
) -> tuple[list[Problem], list[Extracted]]:
    """Return the valid, new conjectures, and what was extracted from each text.

    Args:
        game: whose ``form`` reads the texts.
        written: the result of ``write_conjectures``.
        targets: a conjecture that equals one of them is a duplicate.
    """
    read = [
        Extracted(reason=completion.finish_reason)
        if completion.failed
        else game.form.read_conjecture(completion.text, name=f"conjecture_{number}")
        for number, (_, _, completion) in enumerate(written)
    ]
    read = deduplicate(read, targets)
    problems = [
        Problem(
            name=f"conjecture/{target.name}/{number}",
            statement=extracted.statement,
            header=target.header,
            target=target.target,
            conjecture=completion,
            conjecture_prompt=prompt,
        )
        for number, ((target, prompt, completion), extracted) in enumerate(
            zip(written, read, strict=True)
        )
        if extracted.statement is not None
    ]
    return problems, read


def attempt(game: Game, problems: Sequence[Problem], k: int, seed_path: tuple[Any, ...]) -> None:
    """Attempt each problem k times; fills in ``prompt`` and ``rollouts``.

    Args:
        game: whose Solver attempts them.
        problems: of all processes; each process attempts its share.
        k: attempts at each.
        seed_path: round and purpose, from which the seeds of the sampling are derived.
    """
    writer, worker = game.writer, game.worker
    prompts = writer.encode([game.form.solver_prompt(p.statement, p.header) for p in problems])
    for problem, prompt in zip(problems, prompts, strict=True):
        problem.prompt = prompt
    share = worker.share(problems)
    order = sorted(range(len(share)), key=lambda i: len(share[i].prompt))
    weights = weights_fingerprint(game.players.model(SOLVER)) + SOLVER
    size = max(1, writer.batch_size(SOLVER) // k)
    pending: list[tuple[list[int], Future[list[list[Rollout]]]]] = []
    with ThreadPoolExecutor(2) as pool:
        for first in range(0, len(order), size):
            rows = order[first : first + size]
            batch = [share[i].prompt for i in rows]
            indices = [worker.index(i) for i in rows]
            groups = _write(
                game, SOLVER, batch, n=k, seed_path=seed_path, indices=indices, weights=weights
            )
            pending.append((rows, pool.submit(_judge, game, [share[i] for i in rows], groups)))
    by_row: dict[int, list[Rollout]] = {}
    for rows, future in pending:
        by_row |= dict(zip(rows, future.result(), strict=True))
    gathered = worker.gather([by_row[i] for i in range(len(share))])
    for problem, rollouts in zip(problems, gathered, strict=True):
        problem.rollouts = rollouts


def _write(
    game: Game,
    role: Role,
    prompts: list[list[int]],
    *,
    n: int,
    seed_path: tuple[Any, ...],
    indices: Sequence[int],
    weights: str,
) -> list[list[Completion]]:
    """Return completions: from the archive if these weights have written them before.

    The seed of a prompt depends on ``seed_path`` and its index among the prompts of all processes,
    so that the number of processes does not change the result.
    """
    writer, seeds = game.writer, [_seed(game.seed, *seed_path, role, index) for index in indices]
    sampling = [writer.max_new_tokens, writer.temperature, writer.top_p]
    key = generation_key(weights, prompts, n, sampling, seeds)
    groups = game.archive.generation(key)
    if groups is None:
        version = int(seed_path[0])
        groups = writer.write(role, prompts, n=n, seed=seeds, version=version)
        game.archive.keep_generation(key, version, groups)
    return groups


def _seed(*parts: Any) -> int:
    return derive_seed(*parts, digest_size=7, separator="/")


def _judge(
    game: Game, problems: list[Problem], groups: list[list[Completion]]
) -> list[list[Rollout]]:
    read = [[_read_proof(game, completion) for completion in group] for group in groups]
    attempts = [
        Attempt(problem.statement.text, extracted.text, problem.header)
        for problem, group in zip(problems, read, strict=True)
        for extracted in group
        if extracted.text is not None
    ]
    verdicts = iter(game.verifier.verify(attempts))
    return [
        [
            _rollout(
                game,
                completion,
                extracted.text,
                next(verdicts)
                if extracted.text is not None
                else Verdict(False, f"unreadable: {extracted.reason}"),
            )
            for completion, extracted in zip(completions, group, strict=True)
        ]
        for completions, group in zip(groups, read, strict=True)
    ]


def _read_proof(game: Game, completion: Completion) -> Extracted:
    if completion.failed:
        return Extracted(reason=completion.finish_reason)
    return game.form.read_proof(completion.text)


def _rollout(game: Game, completion: Completion, proof: str | None, verdict: Verdict) -> Rollout:
    """Return an attempt with its verdict, its penalty and whether the rules exclude it."""
    rules, tokens = game.rules, len(completion.token_ids)
    penalty = overlong_weight(tokens, game.writer.max_new_tokens, rules.overlong)
    return Rollout(
        completion, proof, verdict, penalty, is_excluded=rules.drop_try and uses_try(proof or "")
    )
