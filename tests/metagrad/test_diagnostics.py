"""What is refused, and what a user can ask of a training."""

import pytest
import torch

from lit_research.errors import UserError
from lit_research.lm import build_lm
from lit_research.metagrad import (
    SGD,
    AdamW,
    check_untied,
    metasmoothness,
    replays_exactly,
)
from lit_research.metagrad.diagnostics import sign_agreement
from tests.metagrad.problem import model, training


def mixed():
    lm = model()
    lm.lm_head.float()
    return lm


def test_parameters_of_low_precision_are_refused():
    with pytest.raises(UserError, match=r"is torch\.bfloat16"):
        training(SGD(0.1), model=model().to(torch.bfloat16))


def test_autocast_is_refused():
    with (
        torch.autocast("cpu", dtype=torch.bfloat16),
        pytest.raises(UserError, match="autocast is on"),
    ):
        training(SGD(0.1))


@pytest.mark.parametrize(
    ("make", "message"),
    [(mixed, "one dtype"), (lambda: model().requires_grad_(False), "nothing would be learned")],
)
def test_parameters_that_make_no_vector_are_refused(make, message):
    from lit_research.metagrad import train

    with pytest.raises(UserError, match=message):
        train(training(SGD(0.1), model=make()))


def test_a_head_that_is_the_embedding_too_is_refused():
    check_untied(model(), "the metric reads the head")
    with pytest.raises(UserError, match="tie_word_embeddings false"):
        check_untied(model(tie_word_embeddings=True), "the metric reads the head")


def test_a_training_replays_bit_for_bit():
    assert replays_exactly(training(AdamW(1e-2)))


@pytest.mark.parametrize(
    ("base", "once", "twice", "expected"),
    [
        ([0.0, 0.0], [1.0, 2.0], [2.0, 4.0], 1.0),
        # The first moves on by 3, the second comes back to -1: weights 3 and 1.
        ([0.0, 0.0], [1.0, 2.0], [3.0, -1.0], 0.5),
        # What comes back to where it was has no weight.
        ([0.0, 0.0], [1.0, 5.0], [2.0, 0.0], 1.0),
        ([1.0], [1.0], [1.0], 1.0),
    ],
)
def test_metasmoothness_is_the_papers_second_definition(base, once, twice, expected):
    # sign(once - base)' diag(d / |d|_1) sign(twice - once), d = |twice - base|
    assert sign_agreement(*map(torch.tensor, (base, once, twice))) == pytest.approx(expected)


def test_small_steps_are_metasmooth_and_large_ones_are_not():
    calm = metasmoothness(training(AdamW(1e-3, eps_root=1e-6)))
    wild = metasmoothness(training(SGD(60.0), steps=12))
    assert calm > 0.9
    assert wild < calm - 0.2


def test_built_models_have_attention_that_can_be_differentiated_twice():
    assert build_lm(model().config, attention="math").config._attn_implementation == "eager"
