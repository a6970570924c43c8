"""``ReasoningWorld``: questions with known answers, sources with planted faults, and teachers.

Rows are plain dicts with the columns ``COLUMNS``: ``answer`` is the key that a source gives,
``trace`` and ``final`` are a teacher's (None before), ``final`` is the answer that it states.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np

from lit_research.errors import UserError
from lit_research.methods.openthoughts.questions import (
    DOMAINS,
    MAX_STEPS,
    OFF_DOMAIN,
    Solution,
    answers,
    draw,
    slip,
    solve,
    texts,
    word_question,
)
from lit_research.ranges import COUNT, Range, check_range
from lit_research.seeds import derive_seed, resolve_seed

Row = dict[str, Any]
SourceName = Literal["good", "easy", "duplicated", "mislabelled", "off_domain", "leaked"]
TeacherName = Literal["T0", "T1", "T2", "T3"]

COLUMNS = ("id", "question_id", "question", "answer", "trace", "final", "source", "domain")
ITEM_COLUMNS = ("id", "question", "answer", "difficulty", "domain")
SPLITS = ("validation", "test")

DUPLICATED, MISLABELLED, LEAKED, WRONG = 0.4, 0.3, 0.02, 0.2
"""Shares: duplicates, wrong keys, evaluation questions that leak, wrong finals of T3."""
EASY_STEPS = 2
VARIATIONS = ("exact", "case", "spacing")

_WHERE = "in init_args of ReasoningWorld"
_CHUNK = 4096
# A trace begins with one of these, and one of the others is between its steps.
_OPENINGS = ("", "- ", "> ", ": ")
_SEPARATORS = (" ", "; ", ", ", "\n")


@dataclass(frozen=True)
class Planted:
    """What is wrong with a row of a source, by design.

    Attributes:
        kind: ``exact``, ``case`` or ``spacing`` (a duplicate), ``mislabelled`` or ``leak``; of
            ``WordedWorld`` one of its ``GRADES`` or ``LEAKS``.
        of: id of the row that it duplicates, or of the evaluation item that leaks; the true answer
            of a mislabelled row.
    """

    kind: str
    of: str


def exact_count(share: float, count: int) -> int:
    """Return ``share`` of ``count``, rounded to the nearest integer, halves up."""
    return int(share * count + 0.5)


class ReasoningWorld:
    """Questions about numbers modulo 97, of known difficulty.

    All draws depend on the seed and on what is drawn. No training question is an evaluation
    question, but for those that the source ``leaked`` plants. The first rows of a source without
    planted rows (``good``, ``easy``, ``off_domain``) are the same for every size.

    Args:
        seed: of the world; None takes ``seed_everything``.
        evaluation: items of the validation split, and of the test split.
        largest: largest operand of a step; the first number of a question is below 97. Larger ones
            are harder to learn: a student has to see most of the 97 x ``largest`` steps.

    Raises:
        UserError: a number is out of range.
    """

    def __init__(self, seed: int | None = None, evaluation: int = 300, largest: int = 9) -> None:
        check_range(COUNT, _WHERE, evaluation=evaluation)
        check_range(Range(at_least=2, at_most=96), _WHERE, largest=largest)
        self.seed, self.evaluation, self.largest = resolve_seed(seed), evaluation, largest

    # Evaluations.

    def items(self, split: str) -> list[Row]:
        """Return the items of ``validation`` or ``test``, with the columns ``ITEM_COLUMNS``."""
        if split not in SPLITS:
            raise UserError(f"split is {split!r}, of ReasoningWorld; must be one of {SPLITS}")
        return self._items[split]

    @cached_property
    def _items(self) -> dict[str, list[Row]]:
        count = len(SPLITS) * self.evaluation
        questions = self._questions("evaluation", count, MAX_STEPS, set())
        items: dict[str, list[Row]] = {split: [] for split in SPLITS}
        for number, (question, answer, domain) in enumerate(questions):
            split = SPLITS[number % len(SPLITS)]
            items[split].append(
                {
                    "id": f"{split}-{number // len(SPLITS):04d}",
                    "question": question,
                    "answer": answer,
                    "difficulty": len(solve(question).results),
                    "domain": domain,
                }
            )
        return items

    @cached_property
    def evaluation_questions(self) -> frozenset[str]:
        """The questions of both splits."""
        return frozenset(item["question"] for split in SPLITS for item in self.items(split))

    # Sources.

    def source(self, name: SourceName, count: int) -> list[Row]:
        """Return the rows of a source, in random order, without traces.

        Args:
            name: ``good``; ``easy`` (at most two steps); ``duplicated`` (40% of the rows are
                duplicates: exact, in capitals, or with other space); ``mislabelled`` (30% of the
                keys are a digit off); ``off_domain`` (words to be reversed); ``leaked`` (good, with
                2% of the evaluation questions among them).
            count: number of rows.

        Raises:
            UserError: there is no such source, or it has fewer questions.
        """
        return self._made(name, count)[0]

    def planted(self, name: SourceName, count: int) -> dict[str, Planted]:
        """Return what is planted in a source, by id of the row."""
        return self._made(name, count)[1]

    def _made(self, name: str, count: int) -> tuple[list[Row], dict[str, Planted]]:
        if name not in get_args(SourceName):
            raise UserError(
                f"source is {name!r}, of ReasoningWorld; must be one of {get_args(SourceName)}"
            )
        check_range(COUNT, "of ReasoningWorld", count=count)
        makers: Mapping[str, Any] = {
            "duplicated": self._duplicated,
            "mislabelled": self._mislabelled,
            "leaked": self._leaked,
        }
        if name in makers:
            made: tuple[list[Row], dict[str, Planted]] = makers[name](count)
            return made
        if name == "off_domain":
            return self._rows(name, self._words(count)), {}
        steps = EASY_STEPS if name == "easy" else MAX_STEPS
        return self._rows(name, self._fresh(name, count, steps)), {}

    def _fresh(self, name: str, count: int, steps: int = MAX_STEPS) -> list[tuple[str, str, str]]:
        return self._questions(name, count, steps, set(self.evaluation_questions))

    def _words(self, count: int) -> list[tuple[str, str, str]]:
        random, known = self._random("off_domain"), dict[str, None]()
        while len(known) < count:
            known[word_question(random)] = None
        return [(question, solve(question).answer, OFF_DOMAIN) for question in known]

    def _duplicated(self, count: int) -> tuple[list[Row], dict[str, Planted]]:
        copies = exact_count(DUPLICATED, count)
        originals = self._fresh("duplicated", count - copies)
        random = self._random("duplicated, planted")
        of = random.integers(len(originals), size=copies)
        made = [_duplicate(originals[index], number) for number, index in enumerate(of.tolist())]
        place = random.permutation(count)  # of each original, then of each copy
        rows = self._rows("duplicated", placed([*originals, *(copy for _, copy in made)], place))
        ids = [row["id"] for row in rows]
        planted = {
            ids[place[len(originals) + number]]: Planted(kind, ids[place[of[number]]])
            for number, (kind, _) in enumerate(made)
        }
        return rows, planted

    def _mislabelled(self, count: int) -> tuple[list[Row], dict[str, Planted]]:
        rows = self._rows("mislabelled", self._fresh("mislabelled", count))
        random, planted = self._random("mislabelled, planted"), dict[str, Planted]()
        for index in random.permutation(count)[: exact_count(MISLABELLED, count)].tolist():
            row = rows[index]
            planted[row["id"]] = Planted("mislabelled", row["answer"])
            row["answer"] = slip(row["answer"], random)
        return rows, planted

    def _leaked(self, count: int) -> tuple[list[Row], dict[str, Planted]]:
        items = [item for split in SPLITS for item in self.items(split)]
        leaks = max(1, exact_count(LEAKED, len(items)))
        if count < leaks:
            raise UserError(
                f"count is {count}, of the source leaked, which has {leaks} leaks; must be at "
                f"least {leaks}"
            )
        random = self._random("leaked, planted")
        chosen = [items[index] for index in random.permutation(len(items))[:leaks].tolist()]
        leaking = [(item["question"], item["answer"], item["domain"]) for item in chosen]
        place = random.permutation(count)
        good = self._fresh("leaked", count - leaks) if count > leaks else []
        rows = self._rows("leaked", placed([*leaking, *good], place))
        planted = {
            rows[place[number]]["id"]: Planted("leak", item["id"])
            for number, item in enumerate(chosen)
        }
        return rows, planted

    def _questions(
        self, what: str, count: int, steps: int, known: set[str]
    ) -> list[tuple[str, str, str]]:
        """Return different questions that are not ``known``, with answers and domains."""
        found, chunk = list[tuple[str, str, str]](), 0
        while len(found) < count:
            drawn = draw(self._random(what, chunk), _CHUNK, self.largest, steps)
            columns = zip(texts(drawn), answers(drawn).tolist(), drawn.domain.tolist(), strict=True)
            before = len(known)
            for question, answer, domain in columns:
                if question not in known:
                    known.add(question)
                    found.append((question, str(answer), DOMAINS[domain]))
            if len(known) - before < _CHUNK // 100:
                raise UserError(
                    f"{count} questions are wanted and hardly more than {len(found)} are "
                    f"different, of the source {what!r} of ReasoningWorld with largest "
                    f"{self.largest}; lower the number, or raise largest"
                )
            chunk += 1
        return found[:count]

    @staticmethod
    def _rows(source: str, questions: Sequence[tuple[str, str, str]]) -> list[Row]:
        return [
            {
                "id": f"{source}-{number:06d}",
                "question_id": f"{source}-{number:06d}",
                "question": question,
                "answer": answer,
                "trace": None,
                "final": None,
                "source": source,
                "domain": domain,
            }
            for number, (question, answer, domain) in enumerate(questions)
        ]

    # Teachers.

    def annotate(
        self,
        rows: Sequence[Mapping[str, Any]],
        teacher: TeacherName,
        *,
        answers: int = 1,
        trust_key: bool = True,
    ) -> list[Row]:
        """Return rows with the trace and the final answer of a teacher, which reads the question.

        T0 states the answer alone, T1 the result of each step. T2 writes every step, and where in
        the question it is: without that, a student loses its place before it errs in arithmetic. T3
        is T2 with a wrong final, a digit off, in exactly 20% of the rows that are returned (the
        nearest number). Which ones depends on the seed and the ids.

        Args:
            rows: with the columns ``COLUMNS``.
            teacher: its name.
            answers: rows of each question. Traces have 16 forms, which differ in how they begin and
                separate steps; one question's answers have different ones, as long as there are.
            trust_key: whether the last step of a trace comes to the row's key even if the key is
                wrong, as where solutions come with their source; otherwise the teacher's own.

        Raises:
            UserError: there is no such teacher, or a question is none of this world.
        """
        if teacher not in get_args(TeacherName):
            raise UserError(
                f"teacher is {teacher!r}, of ReasoningWorld; must be one of {get_args(TeacherName)}"
            )
        check_range(COUNT, "of annotate", answers=answers)
        made = list[Row]()
        for row in rows:
            solution = solve(row["question"])
            stated = row["answer"] if trust_key else solution.answer
            for sample in range(answers):
                name = row["id"] if answers == 1 else f"{row['id']}-{sample}"
                made.append({**row, "id": name, "final": stated, "trace": solution})
        if teacher == "T3":
            self._err(made)
        for number, row in enumerate(made):
            form = derive_seed(self.seed, "form", row["question_id"]) + number % answers
            row["trace"] = written(row["trace"], row["final"], teacher, form)
        return made

    def _err(self, rows: list[Row]) -> None:
        """Make the finals of an exact share of the rows wrong."""
        order = sorted(rows, key=lambda row: derive_seed(self.seed, "wrong", row["id"]))
        for row in order[: exact_count(WRONG, len(rows))]:
            random = self._random("slip", row["id"])
            row["final"] = slip(row["final"], random, but=[row["trace"].answer])

    def _random(self, *what: object) -> np.random.Generator:
        return np.random.default_rng(derive_seed(self.seed, "ReasoningWorld", *what))


def written(solution: Solution, final: str, teacher: str, form: int) -> str:
    """Return a trace whose last step comes to ``final``.

    Args:
        solution: of the question.
        final: the answer that the teacher states.
        teacher: its name.
        form: number of the form, which repeat after 16.
    """
    if teacher == "T0":
        return ""
    between, begin = divmod(form % (len(_OPENINGS) * len(_SEPARATORS)), len(_OPENINGS))
    steps = [*solution.results[:-1], final]
    if teacher != "T1":
        parts = zip(solution.places, solution.steps, steps, strict=True)
        steps = [
            f"{before}{step}={result}{after}" if step else result
            for (before, after), step, result in parts
        ]
    return _OPENINGS[begin] + _SEPARATORS[between].join(steps)


def _duplicate(original: tuple[str, str, str], number: int) -> tuple[str, tuple[str, str, str]]:
    """Return the kind of a duplicate, and the duplicate; case and space differ at most.

    The kinds take turns; a question without letters has other space instead of capitals.
    """
    question, *rest = original
    kind = VARIATIONS[number % len(VARIATIONS)]
    if kind == "case" and question.upper() == question:
        kind = "spacing"
    text = {"exact": question, "case": question.upper(), "spacing": f"  {question}\n"}[kind]
    return kind, (text, rest[0], rest[1])


def placed(values: Sequence[Any], place: np.ndarray) -> list[Any]:
    """Return the values with value ``i`` at ``place[i]``."""
    return [values[index] for index in np.argsort(place).tolist()]
