"""Questions of kind ``returns``: what a call returns, found by running it in the sandbox."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lit_research.methods.longcode.items import Span
from lit_research.methods.longcode.question_closures import Closures
from lit_research.methods.longcode.question_facts import Fact
from lit_research.methods.longcode.question_runs import Job, Outcome, run_jobs
from lit_research.methods.longcode.question_scan import FunctionNode, Scan
from lit_research.seeds import derive_seed

_PER_FUNCTION = 16  # questions of one function at most
_CALLS = 48
_NOUNS = "amber brook cedar delta ember flint grove heron inlet jasper kelp larch maple"
_WORDS = _NOUNS.split()
_ALL_FORMS = (
    "{0} {1} {2}|{1}-{0}_{2}|{2}.{1}.{0}|{0}/{2}/{1}|{1}, {2}; {0}|{2}={0}&{1}|{0}{1}|"
    "{1}\\n{0}\\n  {2}|<{2}> {0}|{0}:{3}:{1}|{3}.{4}|{4}|#{3}{4}0|'{2} {1}'|  {0}  {1}|{2}({0})|"
    "{0}_{4}.{1}|2024-0{3}-1{3}|{0}%{1}|[{2}, {0}]"
)
_FORMS = _ALL_FORMS.split("|")


@dataclass(frozen=True)
class _Call:
    name: str
    place: str
    file: str
    arguments: tuple[str, ...]
    evidence: tuple[Span, ...]


def returns_facts(scan: Scan, seed: int) -> Iterator[Fact | str]:
    """Yield what calls of pure functions with literal arguments return.

    Each call is run twice, in two sandboxes with other hash seeds, and in two orders; where the
    results of one call differ, the function is dropped.

    Args:
        scan: the package.
        seed: of the arguments.
    """
    jobs: list[Job] = []
    calls: list[list[_Call]] = []
    closures = Closures(scan)
    for one in scan.definitions:
        if one.is_class or one.scopes or not scan.is_asked_about(one.file):
            continue
        spans = closures.of(one)
        if isinstance(spans, str):
            yield spans
        elif not (place := scan.place(one)):
            yield "name defined more than once"
        else:
            assert not isinstance(one.node, ast.ClassDef)
            rng = random.Random(derive_seed(seed, "arguments", one.file, one.qualname))
            made = list(dict.fromkeys(_arguments(one.node, rng)))
            calls.append([_Call(one.name, place, one.file, args, spans) for args in made])
            jobs.append(Job("\n".join(map(scan.source, spans)) + "\n", one.name, tuple(made)))
    first, again = run_jobs(jobs), run_jobs(jobs, backwards=True)
    for group, results, repeated in zip(calls, first, again, strict=True):
        yield from _facts(scan, group, results, repeated)


def _facts(
    scan: Scan,
    group: Sequence[_Call],
    results: Sequence[Outcome | None],
    repeated: Sequence[Outcome | None],
) -> Iterator[Fact | str]:
    seen: set[str] = set()
    # Two orders of a small set are often the same by chance, those of all calls are not.
    stable = list(results) == list(repeated)
    for call, result in zip(group, results, strict=True):
        if result is None:
            yield "the call fails"
        elif not stable:
            yield "another result when run again"
        elif result.type in ("NoneType", "bool"):
            yield "type with fewer than four values"
        elif result.text in call.arguments:
            yield "returns its argument"
        elif result.text in seen or len(seen) >= _PER_FUNCTION:
            yield "enough of this function"
        else:
            seen.add(result.text)
            where = "" if " in " not in call.place else f", of {call.place},"
            question = (
                f"In the package `{scan.package}`, what does the call "
                f"`{call.name}({', '.join(call.arguments)})`{where} return?"
            )
            yield Fact("returns", result.type, question, result.text, call.evidence)


def _arguments(node: FunctionNode, rng: random.Random) -> Iterator[tuple[str, ...]]:
    """Yield arguments of a function that it may take: as its annotations say, else any."""
    arguments = node.args
    required = [*arguments.posonlyargs, *arguments.args]
    required = required[: len(required) - len(arguments.defaults)]
    needs_names = any(default is None for default in arguments.kw_defaults)
    if not 1 <= len(required) <= 3 or needs_names:
        return
    words = rng.sample(_WORDS, 3)
    kinds = [_kinds(one) for one in required]
    for number in range(_CALLS):
        # Of one call all arguments that may be of any kind are of the same one, or mixed at last.
        drawn = [kind[number % len(kind)] for kind in kinds]
        if number >= _CALLS * 2 // 3:
            drawn = [rng.choice(kind) for kind in kinds]
        yield tuple(_value(kind, words, rng) for kind in drawn)


def _kinds(argument: ast.arg) -> tuple[str, ...]:
    text = ast.unparse(argument.annotation).strip("'\"") if argument.annotation else ""
    head = text.split("[")[0].split(".")[-1].split(" |")[0].lower()
    if head in ("int", "float", "str", "bytes", "bool"):
        return (head,)
    if head in ("list", "sequence", "iterable", "tuple", "collection", "iterator"):
        inner = next((kind for kind in ("str", "float", "int") if kind in text.lower()), "")
        return (f"list {inner}",) if inner else ("list int", "list str")
    if text and head not in ("any", "optional", "union", "object", "anystr", "text", "t"):
        return ("str",)
    return ("str", "int", "str", "list int", "list str", "str")


def _value(kind: str, words: Sequence[str], rng: random.Random) -> str:
    if kind == "int":
        return repr(rng.choice([rng.randint(2, 9), rng.randint(10, 99), rng.randint(100, 5000)]))
    if kind == "float":
        return repr(rng.randint(1, 400) / rng.choice([2, 4, 8, 10]))
    if kind == "bool":
        return repr(rng.random() < 0.5)
    if kind.startswith("list"):
        inner = kind.split()[1]
        return f"[{', '.join(_value(inner, words, rng) for _ in range(rng.randint(2, 4)))}]"
    shuffled = rng.sample(list(words), len(words))
    if rng.random() < 0.3:
        shuffled[0] = shuffled[0].capitalize()
    form = rng.choice(_FORMS) if rng.random() < 0.8 else "{0}"
    text = form.replace("\\n", "\n").format(*shuffled, rng.randint(1, 9), rng.randint(10, 99))
    return repr(text.encode() if kind == "bytes" else text)
