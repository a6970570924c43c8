"""The warm start: a small model learns to write proofs and lemmas before the first round.

The paper starts from a prover of 7B parameters. A model built from nothing learns first from
proofs that a search over tactics finds in Lean, of easy statements that are no targets, and from
variations of these statements, so that it can answer both kinds of prompts. Both players start as
it.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from lightning.pytorch.utilities import rank_zero_info

from lit_research.errors import UserError
from lit_research.files import write_atomic
from lit_research.lean import Attempt, LeanServer, Statement, Verdict, parse_statement
from lit_research.methods.base import datamodule
from lit_research.methods.self_play.archive import Archive
from lit_research.methods.self_play.players import SOLVER
from lit_research.methods.self_play.search import Provable, TacticSearch
from lit_research.methods.self_play.updates import Sample, Update, make_batches, train_player
from lit_research.methods.self_play.variations import vary, with_alternatives
from lit_research.storage import cache_root, writing

if TYPE_CHECKING:
    from lit_research.methods.self_play.formats import Format
    from lit_research.methods.self_play.module import SelfPlay
    from lit_research.methods.self_play.reading import Theorem

UNCONDITIONED = 0.25  # share of the lemmas that are learned without their target, for the ablation
FORMAT = "1"  # of the cached proofs


@dataclass(frozen=True)
class WarmStart:
    """Supervised training before the first round.

    Args:
        depth: lines of a proof that the search looks for, at most.
        width: unfinished proofs of a statement that the search goes on with.
        checks: attempts of the search at a statement, at most.
        proofs: of a statement to learn from, at most.
        lemmas: variations of each statement to learn as lemmas for it, at most.
        prove_lemmas: search for proofs of the lemmas too, and learn from them: without it a small
            Solver proves hardly any conjecture of the kinds that the targets are seldom of.
        alternatives: of the proved statements with further alternatives in their conclusions to
            learn from, for each statement: a Solver that has never seen any proves none.
        epochs: passes over all of it.
        batch_size: examples of a step.
        lr: peak of the learning rate; it rises over a tenth of the steps and falls to 0.
    """

    depth: int = 8
    width: int = 3
    checks: int = 60
    proofs: int = 2
    lemmas: int = 3
    prove_lemmas: bool = False
    alternatives: int = 0
    epochs: int = 10
    batch_size: int = 64
    lr: float = 2e-3

    def __post_init__(self) -> None:
        counts = ("depth", "width", "checks", "proofs", "lemmas", "epochs", "batch_size")
        for name in (*counts, "alternatives"):
            least = int(name in counts)
            if getattr(self, name) < least:
                raise UserError(
                    f"{name} is {getattr(self, name)}, in warm_start of SelfPlay: give {least} or "
                    "more"
                )
        if not self.lr > 0:
            raise UserError(f"lr is {self.lr}, in warm_start of SelfPlay: give a number above 0")


class Remembering(LeanServer):
    """A server that asks another only for what a run's archive does not know.

    Args:
        lean: the other one.
        archive: of the run.
    """

    def __init__(self, lean: LeanServer, archive: Archive) -> None:
        self.lean, self.archive, self.counts = lean, archive, lean.counts

    @property
    def description(self) -> str:
        """That of the other."""
        return self.lean.description

    def verify(self, attempts: Sequence[Attempt]) -> list[Verdict]:
        """Return the verdicts, remembered or new."""
        return self.archive.verify(self.lean, attempts)


def warm_up(module: SelfPlay, settings: WarmStart) -> None:
    """Find proofs, train one model on proofs and lemmas, and let both players start as it.

    Raises:
        UserError: the data module has no statements for it, or none of them was proved.
    """
    theorems = list(getattr(datamodule(module.trainer), "warm", []))
    if not theorems:
        raise UserError(
            "warm_start is set, in model.init_args of SelfPlay, but the data has no statements for "
            "it: give data.init_args.warm, or leave warm_start out for a model that can write "
            "proofs"
        )
    # One process searches: another could find other proofs, and learn something else. All open
    # their archives before that, since they tell each other where the run lies.
    trainer, lean = module.trainer, Remembering(module.lean, module.archive)
    texts = _lessons(module, theorems, settings, lean) if trainer.is_global_zero else []
    _train(module, examples(module, trainer.strategy.broadcast(texts)), settings)
    module.players.copy_solver_to_conjecturer()
    known = [theorem.id for theorem in datamodule(trainer).targets]
    module.state.history.append([0, 0, module.state.share_solved(known)])


def _lessons(
    module: SelfPlay, theorems: list[Theorem], settings: WarmStart, lean: LeanServer
) -> list[tuple[str, str]]:
    """Return prompts with the answers to learn: proofs that Lean accepts, and lemmas."""
    start, seed = time.perf_counter(), module.hparams["seed"]
    proofs = found_proofs(theorems, settings, lean)
    proved = sum(map(bool, proofs))
    if not proved:
        raise UserError(
            f"the search proved none of {len(theorems)} statements, in warm_start of SelfPlay: "
            "raise depth and width, or give easier ones"
        )
    rank_zero_info(
        f"warm start: {proved} of {len(theorems)} statements proved by search in "
        f"{time.perf_counter() - start:.0f} s; training on them"
    )
    lemmas = draw_lemmas(theorems, settings, seed)
    subjects: list[Provable] = list(theorems)
    if settings.prove_lemmas:
        asked = [Attempt(lemma.text, "", theorem.header) for theorem, _, lemma in lemmas]
        subjects += asked
        proofs = proofs + found_proofs(asked, settings, lean)
    more = proved_alternatives(subjects, proofs, settings.alternatives, seed, lean)
    subjects += more
    proofs = proofs + [[attempt.proof] for attempt in more]
    form = module.form
    return [*proof_answers(form, subjects, proofs), *lemma_answers(form, lemmas)]


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


def draw_lemmas(
    theorems: Sequence[Theorem], settings: WarmStart, seed: int
) -> list[tuple[Theorem, bool, Statement]]:
    """Return variations of statements: whose, whether its target is to be shown, the lemma."""
    draw = random.Random(seed)
    lemmas: list[tuple[Theorem, bool, Statement]] = []
    for theorem in theorems:
        for _ in range(settings.lemmas):
            lemma = vary(_parsed(theorem), draw, edits=draw.randint(1, 2))
            is_shown = draw.random() >= UNCONDITIONED
            if lemma is not None:
                lemmas.append((theorem, is_shown, lemma))
    return lemmas


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
            offered = with_alternatives(_parsed(theorem), draw, draw.randint(1, 3))
            if offered is not None:
                statement, choice = offered
                proof = "\n".join([*choice, draw.choice(found)])
                made.append(Attempt(statement.text, proof, theorem.header))
    made = list(dict.fromkeys(made))
    return [a for a, verdict in zip(made, lean.verify(made), strict=True) if verdict.proved]


def lemma_answers(
    form: Format, lemmas: Sequence[tuple[Theorem, bool, Statement]]
) -> list[tuple[str, str]]:
    """Return what a Conjecturer is asked and what it is to answer."""
    return [
        (
            form.conjecturer_prompt(_parsed(theorem) if is_shown else None),
            form.write_conjecture(lemma),
        )
        for theorem, is_shown, lemma in lemmas
    ]


def proof_answers(
    form: Format, theorems: Sequence[Provable], proofs: Sequence[Sequence[str]]
) -> list[tuple[str, str]]:
    """Return what a Solver is asked and what it is to answer, once for each proof."""
    return [
        (form.solver_prompt(statement, theorem.header), form.write_proof(statement, proof))
        for theorem, of_theorem in zip(theorems, proofs, strict=True)
        for statement in [_parsed(theorem)]
        for proof in of_theorem
    ]


def examples(module: SelfPlay, texts: Sequence[tuple[str, str]]) -> list[Sample]:
    """Return prompts with the answers that are to be learned, as tokens."""
    tokenizer = datamodule(module.trainer).tokenizer
    prompts = module.table.writer.encode([prompt for prompt, _ in texts])
    answers = tokenizer([answer for _, answer in texts], add_special_tokens=False, verbose=False)
    end = tokenizer.eos_token_id
    return [
        Sample(prompt, [*answer, end])
        for prompt, answer in zip(prompts, answers["input_ids"], strict=True)
    ]


def _parsed(theorem: Provable) -> Statement:
    statement = parse_statement(theorem.statement)
    assert statement is not None, "the data module refuses what is no statement"
    return statement


def _train(module: SelfPlay, samples: list[Sample], settings: WarmStart) -> None:
    update = Update(batch_size=settings.batch_size, epochs=settings.epochs)
    seed = module.hparams["seed"]
    steps = len(make_batches(samples, update, seed))
    optimizer = module.optimizer(module.players.parameters_of(SOLVER))
    rates = torch.optim.lr_scheduler.LambdaLR(optimizer, _rise_and_fall(steps))
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    rates.base_lrs = [settings.lr] * len(optimizer.param_groups)

    def after_step(step: int, loss: torch.Tensor) -> None:
        rates.step()
        if step % max(1, steps // 10) == 0:
            rank_zero_info(f"warm start: step {step} of {steps}, loss {loss:.3f} nats a token")
        if step % 10 == 0:
            for logger in module.trainer.loggers:
                logger.log_metrics({"warm_start/loss": float(loss)}, step)

    train_player(
        module, SOLVER, samples, update, optimizer, cispo=False, seed=seed, after_step=after_step
    )


def _rise_and_fall(steps: int) -> Callable[[int], float]:
    rise = max(1, steps // 10)
    return lambda step: min((step + 1) / rise, (steps - step) / max(1, steps - rise), 1.0)
