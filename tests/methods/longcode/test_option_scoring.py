"""Scores of options: those of the harness's rule, shared over rotations, refused where too long."""

import math

import pytest
import torch

from lit_research.errors import UserError
from lit_research.lm import export_hf
from lit_research.methods.longcode.asking import AskedQuestion, Step
from lit_research.methods.longcode.items import LETTERS, Origin, QuestionItem
from lit_research.methods.longcode.option_scoring import (
    OptionScores,
    check_context,
    encode_prompt,
    over_rotations,
    score_options,
)
from lit_research.methods.longcode.option_solver import OptionLikelihood
from lit_research.methods.longcode.prompts import PromptStyle
from tests.lm.models import CONFIGS, bytes_tokenizer
from tests.lm.test_continuations import expected, model_of, tokens_read

TOKENIZER = bytes_tokenizer()
CODE = "def f(x=3):\n    return x\n" * 4
ITEM = QuestionItem("q1", "default", "What is x?", ("3", "four", "5", "sixty"), 0, "t", Origin("p"))
OTHER = QuestionItem("q2", "default", "And y?", ("one", "two", "3", "4"), 2, "t", Origin("p"))


def long_model(name="llama", positions=2048):
    CONFIGS["longer"] = {**CONFIGS[name], "max_position_embeddings": positions}
    try:
        return model_of("longer")
    finally:
        del CONFIGS["longer"]


def prompts(items=(ITEM, OTHER), **options):
    made = []
    for item in items:
        for rotation in range(4):
            shown, _ = item.rotated(rotation)
            text = "".join(PromptStyle().parts(item, CODE, rotation))
            made.append(encode_prompt(TOKENIZER, item.id, rotation, text, shown, **options))
    return made


def test_scores_are_the_log_probabilities_of_letters_and_texts():
    model, asked = long_model(), prompts([ITEM])
    for one, found in zip(asked, score_options(model, asked, chunk=50), strict=True):
        answers = [*one.letters, *one.texts]
        theirs = [float(s.sum()) for s in expected(model, [(one.prompt, a) for a in answers])]
        assert found.letters + found.texts == pytest.approx(theirs, abs=1e-9)
        shown, _ = ITEM.rotated(one.rotation)
        assert [TOKENIZER.decode(t) for t in one.texts] == [f" {option}" for option in shown]
        per_byte = [a / len(o) for a, o in zip(theirs[4:], shown, strict=True)]
        assert found.by("text_per_byte") == pytest.approx(per_byte, abs=1e-9)
        for rule in ("letter", "text", "text_per_byte"):
            scores = found.by(rule)
            assert found.chosen(rule) == scores.index(max(scores))


def test_the_code_is_read_once_for_all_questions_rotations_and_options():
    model, asked = long_model(), prompts()
    score_options(model, asked[:1])
    seen = tokens_read(model)
    score_options(model, asked)
    shared = len(CODE)
    apart = sum(len(one.prompt) - shared for one in asked)
    answers = sum(len(a) for one in asked for a in one.texts)
    assert sum(seen) < shared + apart + 3 * answers
    assert sum(seen) < sum(len(one.prompt) for one in asked)


def test_white_space_at_the_end_of_a_prompt_belongs_to_the_answer():
    one = encode_prompt(TOKENIZER, "q", 0, "ab \n", ("x", "y", "z", "w"))
    assert TOKENIZER.decode(one.prompt) == "ab"
    assert TOKENIZER.decode(one.letters[2]) == " \n C"
    assert (len(one.prompt), one.longest) == (2, 5)
    with pytest.raises(UserError, match="the prompt has no tokens"):
        encode_prompt(TOKENIZER, "q", 0, " ", ("x", "y", "z", "w"))


def test_what_does_not_fit_is_refused_and_the_rest_is_scored():
    asked = prompts()
    limit = asked[0].longest  # of the first question; the second is shorter
    assert max(one.longest for one in asked[4:]) < limit
    found = score_options(long_model(positions=limit - 1), asked)
    assert [one.refusal is None for one in found] == [False] * 4 + [True] * 4
    assert str(limit) in found[0].refusal
    assert found[0].chosen("letter") is found[0].letters is None
    fitting = score_options(long_model(positions=limit), asked)
    assert [one.refusal for one in fitting] == [None] * 8


def test_a_model_whose_positions_end_before_the_shortest_prompt_is_refused_up_front():
    with pytest.raises(UserError, match=r"64 tokens .* 1024, of me; must be at least"):
        check_context(model_of("llama"), 1024, "of me")
    check_context(model_of("llama"), 64, "of me")
    check_context(model_of("mamba2"), 10**6, "of me")


def test_a_preference_for_a_letter_cancels_over_the_rotations():
    bias, belief = torch.tensor([3.0, 0.0, 0.0, 0.0]), torch.tensor([0.0, 0.0, 0.5, 0.0])
    scores = [
        OptionScores("q", r, tuple((bias + belief.roll(r)).tolist()), None, (1, 1, 1, 1))
        for r in range(4)
    ]
    assert {one.chosen("letter") for one in scores} == {0}
    mean = over_rotations(scores, "letter")
    assert mean.index(max(mean)) == 2
    assert mean[0] == pytest.approx(mean[1]) == pytest.approx(mean[3])
    assert math.exp(mean[2] - mean[0]) == pytest.approx(math.exp(0.5))
    assert over_rotations(scores, "text") is None
    with pytest.raises(UserError, match="must be of one item"):
        over_rotations([], "letter")


def ask(item, rotation):
    shown, correct = item.rotated(rotation)
    context, rest = PromptStyle().parts(item, CODE, rotation)
    step = Step(item.id, 1024, rotation)
    return AskedQuestion(step, item, shown, correct, context, rest, 500, 0.5)


@pytest.mark.parametrize("rule", ["letter", "text", "text_per_byte"])
@pytest.mark.parametrize("name", ["llama", "ttt"])
def test_the_solver_chooses_by_its_rule(name, rule, tmp_path):
    model = long_model() if name == "llama" else model_of("ttt")
    export_hf(model.float(), TOKENIZER, tmp_path / "model")
    solver = OptionLikelihood(str(tmp_path / "model"), rule, prefill_chunk=40)
    solver.prepare(128, torch.device("cpu"))
    asked = [ask(item, rotation) for item in (ITEM, OTHER) for rotation in range(4)]
    scores = score_options(model, prompts())
    for reply, of_one in zip(solver.answer(asked), scores, strict=True):
        assert reply.letter == reply.output == LETTERS[of_one.chosen(rule)]
        assert reply.details[f"choice_{rule}"] == reply.letter
        assert reply.details["score_letter_A"] == pytest.approx(of_one.letters[0], abs=1e-3)
    assert solver.card()["rule"] == rule


def test_the_solver_refuses_what_is_out_of_its_range(tmp_path):
    with pytest.raises(UserError, match="rule"):
        OptionLikelihood("folder", "leter")
    with pytest.raises(UserError, match="prefill_chunk"):
        OptionLikelihood("folder", prefill_chunk=0)
    export_hf(model_of("llama").float(), TOKENIZER, tmp_path / "model")
    solver = OptionLikelihood(str(tmp_path / "model"))
    with pytest.raises(UserError, match="shortest prompts 1024"):
        solver.prepare(1024, torch.device("cpu"))
    [reply] = solver.answer([ask(ITEM, 0)])
    assert (reply.status, reply.letter) == ("refused", None)
    assert "context" in reply.details["refusal"]
