"""``score_continuations`` equals a forward pass over each text alone, for every kind of cache."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoConfig, AutoModelForCausalLM

from lit_research.errors import UserError
from lit_research.lm.continuations import score_continuations
from lit_research.lm.reading import reads_in_pieces
from lit_research.methods.ttt.config import TTTE2EConfig
from lit_research.methods.ttt.model import TTTE2EForCausalLM
from tests.lm.models import CONFIGS, tiny_lm

SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
ATTENTION = {**SIZES, "num_key_value_heads": 2, "intermediate_size": 48, "initializer_range": 0.3}
# Half the layers see 6 tokens, half see all; and rotary angles that depend on the text's length.
OTHERS = {
    "gemma3_text": {
        **ATTENTION,
        "head_dim": 8,
        "sliding_window": 6,
        "layer_types": ["sliding_attention", "full_attention"],
        "max_position_embeddings": 256,
    },
    "mamba2": {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "state_size": 8,
        "num_heads": 8,
        "head_dim": 8,
        "n_groups": 1,
        "chunk_size": 4,
    },
    "llama longrope": {
        **ATTENTION,
        "max_position_embeddings": 64,
        "rope_parameters": {
            "rope_type": "longrope",
            "rope_theta": 10000.0,
            "short_factor": [1.0] * 4,
            "long_factor": [4.0] * 4,
            "original_max_position_embeddings": 16,
        },
    },
}
RECURRENT = {"vocab_size": 257, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}


def model_of(name, dtype=torch.float64):
    torch.manual_seed(0)
    if name == "ttt":
        sizes = {**SIZES, "intermediate_size": 48, "num_suffix_layers": 1}
        config = TTTE2EConfig(
            vocab_size=257, window=8, chunk=4, initializer_range=0.3, inner_lr=0.1, **sizes
        )
        model = TTTE2EForCausalLM(config)
    elif name in OTHERS:
        config = AutoConfig.for_model(name.split()[0], **RECURRENT, **OTHERS[name])
        model = AutoModelForCausalLM.from_config(config)
    else:
        model = tiny_lm(name)
    return model.to(dtype).eval()


def expected(model, texts):
    """Return the log-probabilities from one forward pass over each text but for its last token."""
    results = []
    for prompt, after in texts:
        ids = torch.tensor([[*prompt, *after[:-1]]])
        with torch.no_grad():
            logits = model(input_ids=ids, use_cache=False).logits[0]
        exact = logits.to(torch.promote_types(logits.dtype, torch.float32)).log_softmax(-1)
        results.append(exact[len(prompt) - 1 :].gather(1, torch.tensor(after)[:, None])[:, 0])
    return results


def test_which_models_read_in_pieces():
    found = {name: reads_in_pieces(model_of(name)) for name in [*KINDS, "llama longrope"]}
    assert not found.pop("llama longrope")
    assert all(found.values())


def draw(count, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(3, 250, (count,), generator=generator).tolist()


def questions(context=20, count=3, question=9):
    """Return texts of a context, questions and options of different lengths."""
    shared = draw(context, 0)
    return [
        ([*shared, *draw(question + number, number + 1)], draw(2 + option, 7 * number + option))
        for number in range(count)
        for option in range(4)
    ]


KINDS = [*CONFIGS, "gemma3_text", "mamba2", "ttt"]


@pytest.mark.parametrize("chunk", [1, 7, 1000])
@pytest.mark.parametrize("name", [name for name in KINDS if name != "mamba2"])  # fp32 within
def test_scores_are_those_of_separate_passes(name, chunk):
    model, texts = model_of(name), questions()
    found = score_continuations(model, texts, chunk=chunk, batch_size=3, least_shared=4)
    for ours, theirs in zip(found, expected(model, texts), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-10, rtol=0)


@pytest.mark.parametrize("name", KINDS)
def test_in_float32_they_differ_by_rounding(name):
    model, texts = model_of(name, torch.float32), questions()
    found = score_continuations(model, texts, chunk=5, least_shared=4)
    for ours, theirs in zip(found, expected(model, texts), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_angles_that_depend_on_the_length_are_those_of_the_whole_text():
    model, texts = model_of("llama longrope"), questions(context=8, question=3)
    assert not reads_in_pieces(model)
    assert {len(prompt) + len(after) <= 16 for prompt, after in texts} == {True, False}
    found = score_continuations(model, texts, chunk=5, least_shared=4)
    for ours, theirs in zip(found, expected(model, texts), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-10, rtol=0)


@settings(max_examples=40, deadline=None)
@given(
    texts=st.lists(
        st.tuples(
            st.lists(st.integers(0, 2), min_size=1, max_size=12),
            st.lists(st.integers(0, 2), min_size=1, max_size=6),
        ),
        min_size=1,
        max_size=9,
    ),
    chunk=st.integers(1, 6),
    batch_size=st.integers(1, 4),
    least_shared=st.integers(1, 6),
)
def test_any_texts_in_any_tree(texts, chunk, batch_size, least_shared):
    """Three words only: texts that begin alike, are equal, or are the beginning of another."""
    model = model_of("mistral")
    found = score_continuations(
        model, texts, chunk=chunk, batch_size=batch_size, least_shared=least_shared
    )
    for ours, theirs in zip(found, expected(model, texts), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-10, rtol=0)


def tokens_read(model):
    """Return the list that gathers the tokens of each later pass."""
    seen = []

    def count(_, args, inputs):
        seen.append(inputs["input_ids"].numel())

    model.register_forward_pre_hook(count, with_kwargs=True)
    return seen


def test_what_texts_share_is_read_once():
    model, texts = model_of("llama"), questions(context=40, count=4, question=6)
    score_continuations(model, texts[:1])  # which tests the model
    seen = tokens_read(model)
    score_continuations(model, texts, chunk=8, batch_size=4, least_shared=4)
    once = 40 + (6 + 7 + 8 + 9)
    assert sum(seen) <= once + 16 * 5
    assert max(seen) <= 4 * 8


def test_letters_after_one_prompt_cost_nothing_beyond_it():
    model, prompt = model_of("llama"), draw(30, 0)
    score_continuations(model, [(prompt, [1])])
    seen = tokens_read(model)
    found = score_continuations(model, [(prompt, [letter]) for letter in range(4)])
    assert sum(seen) == 30
    assert len({float(score) for score in found}) == 4


def test_only_the_logits_of_a_piece_are_ever_made():
    model, sizes = model_of("llama"), []
    texts = [(draw(4, 1), draw(40, 2))]
    score_continuations(model, texts)
    model.lm_head.register_forward_hook(lambda _, args, out: sizes.append(out.shape[1]))
    score_continuations(model, texts, chunk=8)
    assert max(sizes) == 8
    sizes.clear()
    score_continuations(model, [(draw(43, 1), [5])], chunk=8)
    assert max(sizes) == 1


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_a_short_text_beside_one_that_fills_the_context(name):
    model = model_of(name)  # 64 positions
    texts = [(draw(3, 1), [5]), (draw(64, 2), [6]), (draw(30, 3), draw(35, 4))]
    found = score_continuations(model, texts, chunk=50)
    for ours, theirs in zip(found, expected(model, [(p, a) for p, a in texts[:1]]), strict=False):
        torch.testing.assert_close(ours, theirs, atol=1e-10, rtol=0)
    with pytest.raises(UserError, match="at most 65"):
        score_continuations(model, [(draw(64, 1), [1, 2])])


def test_modes_and_gradients_are_left_alone_and_progress_is_told():
    model, told = model_of("gpt2").train(), []
    score_continuations(model, questions(), progress=told.append)
    assert sum(told) == 12
    assert model.training
    assert all(p.grad is None and p.requires_grad for p in model.parameters())
    assert score_continuations(model, []) == []


@pytest.mark.parametrize(
    ("texts", "message"),
    [([([], [1])], "the prompt has no tokens"), ([([1], [])], "the continuation has no tokens")],
)
def test_nothing_cannot_be_scored(texts, message):
    with pytest.raises(UserError, match=message):
        score_continuations(model_of("llama"), texts)
    with pytest.raises(UserError, match="chunk"):
        score_continuations(model_of("llama"), [([1], [1])], chunk=0)
