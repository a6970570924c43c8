"""Final answers compared with keys by the real math-verify, in real processes."""

import os
import pickle
import signal
from pathlib import Path

import pytest

from lit_research.class_paths import make_object
from lit_research.errors import UserError
from lit_research.evals import MathVerifier, Verifier
from lit_research.evals.math_notation import plain_notation, words
from lit_research.methods.verifier_quality import measure_verifier
from tests.evals.attempts import attempt
from tests.evals.labelled import LABELLED

ITEMS = [item for items in LABELLED.values() for item in items]
ENDLESS = r"\prod_{k=1}^{100000000} k"
REPEATING = {key for key, _, _ in ITEMS if "overline" in key}


@pytest.fixture(scope="module")
def verifier():
    with MathVerifier(workers=1, cpu_s=20.0, timeout_s=300.0) as made:
        yield made


def children():
    """Processes that this one has started."""
    tasks = Path("/proc/self/task").glob("*/children")
    return {int(pid) for task in tasks for pid in task.read_text().split()}


def test_the_labelled_answers(verifier):
    attempts = [attempt(final, key) for key, final, _ in ITEMS]
    labels = [label for _, _, label in ITEMS]
    found = measure_verifier(verifier, attempts, labels)
    assert len(ITEMS) >= 60
    assert [ITEMS[index] for index in found.mistakes] == []
    assert found.counts == {
        "right": 53,
        "wrong": 29,
        "cannot tell: words": 5,
        "cannot tell: notation": 2,
        "cannot tell: rounding": 1,
    }
    assert found.cannot_tell_right.count == 1


def test_keys_are_right_by_themselves_or_refused_by_name(verifier):
    keys = dict.fromkeys(key for key, _, _ in ITEMS if key not in REPEATING)
    verifier.check_keys([attempt(key=key, name=key) for key in keys])
    for key, reason in {
        r"\frac{1}{": "unparsed: the key",
        "": "no final answer: none",
        r"0.\overline{3}": "notation: a repeating decimal",
        "1" * 2000: "too long: the key has 2000 characters",
    }.items():
        with pytest.raises(UserError, match=f"is refused by MathVerifier \\({reason}\\)"):
            verifier.check_keys([attempt(key=key), attempt(key="5", name="other")])
    with pytest.raises(UserError, match="key of 'q' is None, of MathVerifier; must be a text"):
        verifier.verify([attempt("5")])


def test_it_cannot_tell_without_a_final_answer_that_it_reads(verifier):
    given = {
        "no final answer: none": attempt(key="5", text="it is 5"),
        "no final answer: malformed: '\\\\boxed{5' is not closed": attempt(
            key="5", text=r"\boxed{5"
        ),
        "too long: the final answer has 2000 characters": attempt("1" * 2000, "5"),
        "unparsed: the final answer": attempt(r"\frac{1}{", "1/2"),
        "words: 'solution' and not 'none'": attempt("no solution", r"\emptyset"),
    }
    verdicts = verifier.verify([*given.values(), attempt(key="1/2", text=r"so \boxed{0.5}")])
    assert [verdict.reason for verdict in verdicts] == [*given, ""]
    assert verdicts[-1].is_right


def test_an_answer_has_so_much_cpu_time_and_the_others_are_not_lost():
    given = [attempt("0.5", "1/2"), attempt(ENDLESS, "2"), attempt("1/3", "1/2")]
    with MathVerifier(workers=1, cpu_s=1.5, timeout_s=300.0) as verifier:
        first, slow, last = verifier.verify(given)
    assert slow.reason == "timeout: over 1.5 s of CPU time"
    assert (first.outcome, last.outcome) == ("right", "wrong")


def test_a_process_that_does_not_return_is_killed_and_replaced():
    given = [attempt("0.5", "1/2"), attempt("1/3", "1/2")]
    with MathVerifier(workers=1, cpu_s=5.0, timeout_s=10.0) as verifier:
        before = children()
        verifier.verify(given[:1])
        [worker] = children() - before
        os.kill(worker, signal.SIGSTOP)
        stuck, other = verifier.verify(given)
        assert stuck.reason == "timeout: no answer in 10 s"
        assert other.is_wrong
        [replaced] = children() - before
        assert replaced != worker
    assert children() == before


def test_a_config_names_it_and_a_copy_has_processes_of_its_own(verifier):
    config = {"class_path": "lit_research.evals.MathVerifier", "init_args": {"cpu_s": 2}}
    made = make_object(Verifier, config)
    card = made.card()
    assert card.pop("math-verify").startswith("0.")
    assert card == {
        "name": "MathVerifier",
        "cpu_s": 2.0,
        "timeout_s": 20.0,
        "memory_mb": 2048,
        "float_rounding": 6,
        "max_characters": 1000,
    }
    with pickle.loads(pickle.dumps(verifier)) as copied:
        assert copied.card() == verifier.card()
    with pytest.raises(UserError, match=r"timeout_s is 5.0, of MathVerifier; must be above 5.0"):
        MathVerifier(timeout_s=5.0)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (r"$\boxed{\frac12}$.", r"\frac12"),
        (r"\(\left( 1,\, 2 \right)\)", "( 1,  2 )"),
        (r"1 & 2 \\ 3", r"1 & 2 \\ 3"),
        ("2 pi", r"2 \pi"),
        ("epic", "epic"),
        ("1.5e-3", r"1.5\times 10^{-3}"),
        ("2e", "2e"),
        ("2 1/3", r"2\frac{1}{3}"),
        ("x12 1/3", "x12 1/3"),
        ("x<=√5", r"x\le \sqrt{5}"),
    ],
)
def test_notation(text, plain):
    assert plain_notation(text) == plain


def test_words_are_those_of_the_answer_and_none_of_its_mathematics():
    assert words(r"5 \text{ cm}") == ("cm",)
    assert words(r"\sin x + \frac{1}{2} \begin{array}{ccc} a \end{array} or sqrt(2)") == ()
    assert words(r"5 m") == ("m",)
    assert words("the sum of m") == ("the", "sum")
