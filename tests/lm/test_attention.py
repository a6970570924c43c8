import dataclasses
import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.func import functional_call, grad, jvp, vmap
from transformers import CONFIG_MAPPING

from lit_research.errors import UserError
from lit_research.lm import (
    build_lm,
    document_positions,
    next_token_loss,
    resolve_attention,
    run_lm,
)
from tests.lm.models import CONFIGS, tiny_lm

MODELS = {
    (name, attention): tiny_lm(name, vocab_size=50, attention=attention).eval()
    for name in CONFIGS
    for attention in ("sdpa", "math")
}
EXACT = {key: tiny_lm(key[0], vocab_size=50, attention=key[1]).eval().double() for key in MODELS}


@pytest.mark.parametrize("name", CONFIGS)
def test_sdpa_and_math_agree_in_logits_and_gradients(name):
    tokens = torch.randint(0, 50, (3, 20))
    outputs = []
    for attention in ("sdpa", "math"):
        model = MODELS[name, attention]
        logits = run_lm(model, {"input_ids": tokens})
        loss = next_token_loss(logits[:, :-1], tokens[:, 1:])
        outputs.append([logits, *torch.autograd.grad(loss, list(model.parameters()))])
    for a, b in zip(*outputs, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("attention", ["sdpa", "math"])
@pytest.mark.parametrize("name", CONFIGS)
@settings(deadline=None, max_examples=8)
@given(data=st.data())
def test_packed_documents_give_the_logits_of_each_document_alone(name, attention, data):
    # In float64, where rounding cannot hide a small leak: fp32 itself differs by up to 1e-5 here.
    model = EXACT[name, attention]
    tokens = torch.randint(0, 50, (3, 12))
    rows = data.draw(st.lists(st.sets(st.integers(1, 11)), min_size=3, max_size=3))
    ids = torch.zeros_like(tokens)
    for row, starts in enumerate(rows):
        for start in starts:
            ids[row, start:] += 1
    batch = {"input_ids": tokens, "position_ids": document_positions(ids)}
    # Eager attention takes its softmax in fp32, which some processors round by the row's length.
    softmax = nn.functional.softmax
    with torch.no_grad(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(nn.functional, "softmax", lambda x, dim, dtype=None: softmax(x, dim))
        packed = run_lm(model, batch)
        for row, starts in enumerate(rows):
            edges = [0, *sorted(starts), 12]
            for first, last in itertools.pairwise(edges):
                alone = run_lm(model, {"input_ids": tokens[row : row + 1, first:last]})
                torch.testing.assert_close(packed[row, first:last], alone[0], atol=1e-10, rtol=0)


@pytest.mark.parametrize("attention", ["sdpa", "math"])
@pytest.mark.parametrize("name", CONFIGS)
def test_other_documents_change_no_bit_of_a_documents_logits(name, attention):
    model = MODELS[name, attention]
    tokens = torch.randint(0, 50, (4, 16))
    ids = torch.tensor([0] * 4 + [1] * 5 + [2] * 7).expand(4, -1)
    positions = document_positions(ids)
    with torch.no_grad():
        before = run_lm(model, {"input_ids": tokens, "position_ids": positions})
        for document in range(3):
            inside = ids == document
            others = torch.where(inside, tokens, (tokens + 1) % 50)
            after = run_lm(model, {"input_ids": others, "position_ids": positions})
            assert torch.equal(before[inside], after[inside])


def test_without_position_ids_a_row_is_one_sequence():
    model = MODELS["llama", "sdpa"]
    tokens = torch.randint(0, 50, (2, 12))
    batch = {"input_ids": tokens, "document_ids": torch.arange(24).view(2, 12)}
    torch.testing.assert_close(run_lm(model, batch), run_lm(model, {"input_ids": tokens}))


def test_positions_begin_anew_with_each_document():
    ids = torch.tensor([[5, 5, 6, 9, 9, 9], [1, 1, 1, 1, 1, 2]])
    expected = torch.tensor([[0, 1, 0, 0, 1, 2], [0, 1, 2, 3, 4, 0]])
    assert torch.equal(document_positions(ids), expected)


def test_a_flash_kernel_gets_all_rows_as_one():
    # Its search for documents works in a single row; the result must be that of separate rows.
    model = tiny_lm(vocab_size=50).eval()
    ids = torch.tensor([[0, 0, 0, 1, 1, 1, 1, 2], [7] * 8, [8, 9, 9, 9, 9, 9, 9, 9]])
    batch = {"input_ids": torch.randint(0, 50, (3, 8)), "position_ids": document_positions(ids)}
    expected = run_lm(model, batch)
    shapes = []

    def stand_in(module, args, inputs):
        # There is no flash kernel on a CPU; sdpa reads the same positions.
        shapes.append({name: tuple(inputs[name].shape) for name in batch})
        module.config._attn_implementation = "sdpa"

    model.register_forward_pre_hook(stand_in, with_kwargs=True)
    model.config._attn_implementation = "flash_attention_2"
    torch.testing.assert_close(run_lm(model, batch), expected, atol=1e-5, rtol=1e-5)
    assert shapes == [{"input_ids": (1, 24), "position_ids": (1, 24)}]


def test_models_that_cannot_keep_documents_apart_say_so():
    config = {"model_type": "bloom", "hidden_size": 16, "n_layer": 1, "n_head": 2}
    bloom = build_lm(config, vocab_size=20, attention="math")
    batch = {"input_ids": torch.zeros(1, 4, dtype=torch.long)}
    batch["position_ids"] = torch.tensor([[0, 1, 0, 1]])
    with pytest.raises(UserError, match=r"BloomForCausalLM.*mask_across_documents"):
        run_lm(bloom, batch)


# Fields of the smallest models of many types; each takes those that it knows.
SMALL = {
    **{"hidden_size": 32, "intermediate_size": 48, "ffn_dim": 48, "word_embed_proj_dim": 32},
    **{"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8},
    **{"max_position_embeddings": 64, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64},
    **{"rotary_dim": 8, "num_local_experts": 2, "num_experts": 2, "num_experts_per_tok": 1},
}
APART = (
    *("llama", "qwen3", "gpt2", "gpt_neox", "mistral", "phi", "olmo2", "granite", "stablelm"),
    *("gptj", "codegen"),
)
LEAKY = (
    *("opt", "lfm3", "minimax", "inkling_text", "camembert", "roberta", "roberta-prelayernorm"),
    *("xlm-roberta", "xlm-roberta-xl", "roc_bert", "data2vec-text", "bert"),
)


@pytest.mark.filterwarnings("ignore")  # what transformers thinks of these models here
@pytest.mark.parametrize("name", [*APART, *LEAKY])
def test_whether_a_model_keeps_documents_apart_is_tried(name):
    if name not in CONFIG_MAPPING:
        pytest.skip(f"this transformers has no {name}")
    kind = CONFIG_MAPPING[name]
    known = {f.name for f in dataclasses.fields(kind)} - set(kind.attribute_map)
    model = build_lm(
        {"model_type": name, **{k: v for k, v in SMALL.items() if k in known}}, vocab_size=100
    ).train()
    state = torch.get_rng_state()
    ids = torch.arange(16).view(2, 8) + 10
    batch = {
        "input_ids": ids,
        "position_ids": torch.tensor([[0, 1, 2, 3, 0, 1, 2, 3], [0, 1, 0, 1, 2, 3, 4, 5]]),
    }
    if name in APART:
        run_lm(model, batch)
        run_lm(model, {"input_ids": ids})  # as one sequence as well
    else:
        with pytest.raises(UserError, match="attends across documents"):
            run_lm(model, batch)
        assert torch.equal(torch.get_rng_state(), state)
    assert model.training


def math_loss():
    """Return the loss of a GPT-2 in float64 as a function of its weights, and the weights."""
    model = tiny_lm("gpt2", vocab_size=20, attention="math").double()
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(0, 20, (2, 9), generator=generator)
    parameters = {n: p.detach() for n, p in model.named_parameters()}

    def loss(weights):
        weights = {**weights, "lm_head.weight": weights["transformer.wte.weight"]}
        logits = functional_call(model, weights, (tokens[:, :-1],), {"use_cache": False}).logits
        # In float64 to the end, where next_token_loss would go to fp32.
        return nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())

    return loss, parameters


def test_math_differentiates_twice_as_finite_differences_do():
    loss, parameters = math_loss()
    generator = torch.Generator().manual_seed(1)
    direction = {
        n: torch.randn(p.shape, generator=generator, dtype=p.dtype) for n, p in parameters.items()
    }
    weights = {n: p.clone().requires_grad_() for n, p in parameters.items()}
    gradient = torch.autograd.grad(loss(weights), list(weights.values()), create_graph=True)
    product = sum((g * d).sum() for g, d in zip(gradient, direction.values(), strict=True))
    hessian_vector = torch.autograd.grad(product, list(weights.values()))
    step = 1e-6

    def gradient_at(sign):
        return grad(loss)({n: p + sign * step * direction[n] for n, p in parameters.items()})

    ahead, behind = gradient_at(1), gradient_at(-1)
    for name, exact in zip(weights, hessian_vector, strict=True):
        numeric = (ahead[name] - behind[name]) / (2 * step)
        torch.testing.assert_close(exact, numeric, rtol=1e-5, atol=1e-7)


# torch's own rules for forward derivatives are compiled with its deprecated torch.jit.script.
@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:DeprecationWarning")
def test_math_differentiates_forwards_and_forwards_over_reverse():
    loss, parameters = math_loss()
    direction = {n: torch.randn_like(p) for n, p in parameters.items()}
    value, slope = jvp(loss, (parameters,), (direction,))
    gradient, hessian_vector = jvp(grad(loss), (parameters,), (direction,))
    expected = sum((gradient[n] * direction[n]).sum() for n in parameters)
    torch.testing.assert_close(slope, expected)
    assert torch.isfinite(value)
    weights = {n: p.clone().requires_grad_() for n, p in parameters.items()}
    first = torch.autograd.grad(loss(weights), list(weights.values()), create_graph=True)
    product = sum((g * d).sum() for g, d in zip(first, direction.values(), strict=True))
    reverse = torch.autograd.grad(product, list(weights.values()))
    torch.testing.assert_close(list(hessian_vector.values()), list(reverse))


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_math_maps_over_examples_and_over_members(name):
    model = MODELS[name, "math"]
    parameters = {n: p.detach() for n, p in model.named_parameters()}
    tokens = torch.randint(0, 50, (4, 9))

    def loss(weights, row):
        logits = functional_call(model, weights, (row[None, :-1],), {"use_cache": False}).logits
        return next_token_loss(logits, row[None, 1:])

    per_example = vmap(grad(loss), in_dims=(None, 0))(parameters, tokens)
    single = grad(loss)(parameters, tokens[2])
    for key, value in single.items():
        torch.testing.assert_close(per_example[key][2], value, atol=1e-5, rtol=1e-4)
    members = {n: torch.stack([p, 2 * p]) for n, p in parameters.items()}
    losses = vmap(loss, in_dims=(0, None))(members, tokens[0])
    torch.testing.assert_close(losses[0], loss(parameters, tokens[0]))


def test_the_names_of_transformers():
    assert resolve_attention("sdpa") == "sdpa"
    assert resolve_attention("math", twice_differentiable=True) == "eager"


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("sdp", {}, "did you mean sdpa"),
        ("quadratic", {}, "sdpa, flash, math"),
        ("sdpa", {"twice_differentiable": True}, "give 'math'.*no second derivative"),
        ("flash", {"twice_differentiable": True}, "give 'math'.*no second derivative"),
        ("flash", {"device": "cpu"}, "flash.*sdpa"),
    ],
)
def test_an_attention_that_cannot_be_is_refused_with_its_reason(name, options, words):
    with pytest.raises(UserError, match=words):
        resolve_attention(name, **options)
