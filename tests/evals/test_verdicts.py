"""Three outcomes, of which none is taken for another; answer keys that a verifier refuses."""

import pytest

from lit_research.class_paths import make_object
from lit_research.errors import UserError
from lit_research.evals import Attempt, Verdict, Verifier, count_verdicts
from tests.evals.attempts import attempt


class Equal(Verifier):
    """Right if equal; of a key with a question mark it cannot tell."""

    def __init__(self, sign: str = "?") -> None:
        self.sign, self.is_closed = sign, False

    def card(self):
        return {"name": "Equal", "sign": self.sign}

    def verify(self, attempts):
        return [
            Verdict.cannot_tell("unclear: a question mark")
            if self.sign in one.key
            else Verdict("right" if one.final == one.key else "wrong")
            for one in attempts
        ]

    def close(self):
        self.is_closed = True


def test_a_verdict_has_three_outcomes_and_no_truth_value():
    right, unclear = Verdict("right"), Verdict.cannot_tell("timeout: 3 s")
    assert (right.is_right, right.is_wrong) == (True, False)
    assert (unclear.is_right, unclear.is_wrong) == (False, False)
    with pytest.raises(TypeError, match="neither true nor false; compare its outcome"):
        bool(right)
    with pytest.raises(ValueError, match="outcome is 'perhaps', in Verdict"):
        Verdict("perhaps")
    with pytest.raises(ValueError, match="must say why it cannot tell"):
        Verdict("cannot tell")


def test_counts_keep_what_cannot_be_told_apart_from_wrong():
    given = [Verdict("wrong"), *(Verdict.cannot_tell(f"timeout: {s} s") for s in (3, 4))]
    assert count_verdicts(given) == {"right": 0, "wrong": 1, "cannot tell: timeout": 2}
    assert count_verdicts([]) == {"right": 0, "wrong": 0}


def test_a_verifier_is_named_by_class_path_and_closed_by_with():
    config = {"class_path": f"{__name__}.Equal", "init_args": {"sign": "!"}}
    verifier = make_object(Verifier, config)
    assert verifier.card() == {"name": "Equal", "sign": "!"}
    with verifier as same:
        assert same is verifier
    assert verifier.is_closed


def test_a_key_that_its_own_verifier_refuses_is_named_once():
    good = [attempt(key="4", name="a"), attempt(key="5", name="b")]
    Equal().check_keys(good)
    bad = [*good, attempt(key="6?", name="c"), attempt(key="6?", name="c")]
    message = (
        r"the answer key '6\?' of 'c' is refused by Equal \(unclear: a question mark\), in x.yaml; "
        r"must be right as an answer to its own question \(1 of 3 keys are refused\)"
    )
    with pytest.raises(UserError, match=message):
        Equal().check_keys(bad, "in x.yaml")
    with pytest.raises(UserError, match="key of 'd' is None, in the attempts; must be a text for"):
        Equal().check_keys([attempt(name="d")])


def test_attempts_at_one_question_are_grouped_by_its_name_or_its_text():
    assert attempt(name="q7").group == "q7"
    assert Attempt("1 + 1?", "2").group == "1 + 1?"
