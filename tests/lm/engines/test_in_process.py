import inspect

import pytest
import torch

from lit_research.errors import UserError
from lit_research.lm import load_lm, next_token_loss, run_lm, token_log_probs
from lit_research.lm.engines import TransformersEngine
from tests.lm.models import CONFIGS, bytes_tokenizer, tiny_lm

TOKENIZER = bytes_tokenizer()
PROMPTS = ["a", "the quick brown fox", "def f(x):", "zz", "\u00e9t\u00e9 ", "a"]


def engine_of(name="llama", *, attention="sdpa", **options):
    return TransformersEngine(tiny_lm(name, attention=attention), TOKENIZER, **options)


def ids_of(completions):
    return [[c.token_ids for c in of_prompt] for of_prompt in completions]


@pytest.mark.parametrize("attention", ["sdpa", "math"])
@pytest.mark.parametrize("name", CONFIGS)
def test_greedy_tokens_are_those_of_transformers_one_prompt_at_a_time(name, attention):
    engine = engine_of(name, attention=attention, batch_size=4)
    batched = engine.generate(PROMPTS, max_new_tokens=20, temperature=0.0)
    for prompt, [completion] in zip(PROMPTS, batched, strict=True):
        [[alone]] = engine.generate([prompt], max_new_tokens=20, temperature=0.0)
        inputs = TOKENIZER(prompt, return_tensors="pt")
        expected = engine.model.eval().generate(
            **inputs, max_new_tokens=20, do_sample=False, eos_token_id=256, pad_token_id=256
        )[0, inputs["input_ids"].shape[1] :]
        assert completion.token_ids == alone.token_ids == tuple(expected.tolist())


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_samples_do_not_depend_on_the_batch_they_are_in(batch_size):
    whole = engine_of(batch_size=7).generate(PROMPTS, max_new_tokens=12, n=3, seed=5)
    other = engine_of(batch_size=batch_size).generate(PROMPTS, max_new_tokens=12, n=3, seed=5)
    assert ids_of(whole) == ids_of(other)
    assert [[c.prompt_index for c in row] for row in whole] == [
        [i] * 3 for i in range(len(PROMPTS))
    ]


def test_the_seed_decides_and_samples_of_one_prompt_differ():
    engine = engine_of()
    first = ids_of(engine.generate(PROMPTS, max_new_tokens=8, n=2, seed=1))
    assert ids_of(engine.generate(PROMPTS, max_new_tokens=8, n=2, seed=1)) == first
    assert ids_of(engine.generate(PROMPTS, max_new_tokens=8, n=2, seed=2)) != first
    assert first[0][0] != first[0][1] != first[-1][0]


@pytest.mark.parametrize("options", [{}, {"temperature": 0.5, "top_k": 5}, {"temperature": 0.0}])
def test_log_probs_are_those_of_the_untempered_model(options):
    engine = engine_of()
    model = engine.model.eval()
    for prompt, [completion] in zip(
        PROMPTS, engine.generate(PROMPTS, max_new_tokens=10, **options), strict=True
    ):
        tokens = torch.tensor([[*TOKENIZER(prompt).input_ids, *completion.token_ids]])
        count = len(completion.token_ids)
        with torch.no_grad():
            expected = token_log_probs(run_lm(model, {"input_ids": tokens[:, :-1]}), tokens[:, 1:])
        torch.testing.assert_close(
            torch.tensor(completion.log_probs), expected[0, -count:], atol=1e-4, rtol=1e-4
        )


@pytest.mark.parametrize("default", [torch.float32, torch.float64])
def test_log_probs_of_a_model_in_float64_are_exact(default):
    model = tiny_lm("llama").double().eval()
    torch.set_default_dtype(default)  # as a trainer of double precision does
    try:
        [[completion]] = TransformersEngine(model, TOKENIZER).generate(["ab"], max_new_tokens=5)
    finally:
        torch.set_default_dtype(torch.float32)
    ids = torch.tensor([[*TOKENIZER("ab").input_ids, *completion.token_ids]])
    with torch.no_grad():
        log_probs = model(ids).logits.log_softmax(dim=-1)[:, -6:-1]
    expected = log_probs.gather(2, ids[:, -5:, None]).flatten().tolist()
    assert completion.log_probs == pytest.approx(expected, abs=1e-12)


def test_it_follows_the_live_weights_and_their_version():
    engine = engine_of(weight_version=3)
    before = engine.generate(PROMPTS, max_new_tokens=8, temperature=0.0)
    optimizer = torch.optim.SGD(engine.model.parameters(), lr=1.0)
    tokens = torch.randint(0, 257, (4, 16))
    next_token_loss(run_lm(engine.model, {"input_ids": tokens}), tokens).backward()
    optimizer.step()
    engine.weight_version = 4
    after = engine.generate(PROMPTS, max_new_tokens=8, temperature=0.0)
    assert ids_of(before) != ids_of(after)
    assert {c.weight_version for row in before for c in row} == {3}
    assert {c.weight_version for row in after for c in row} == {4}


def test_global_random_state_gradients_and_training_modes_are_left_alone():
    engine = engine_of("gpt2")
    engine.model.train()
    engine.model.transformer.h[0].eval()
    modes = [module.training for module in engine.model.modules()]
    state = torch.get_rng_state()
    engine.generate(PROMPTS, max_new_tokens=4)
    assert torch.equal(state, torch.get_rng_state())
    assert [module.training for module in engine.model.modules()] == modes
    assert all(p.grad is None and p.requires_grad for p in engine.model.parameters())


def test_dropout_is_off_while_it_samples():
    model = tiny_lm("gpt2")
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.5
    engine = TransformersEngine(model.train(), TOKENIZER)
    runs = [engine.generate(PROMPTS, max_new_tokens=8, temperature=0.0) for _ in range(2)]
    assert runs[0] == runs[1]


def favour(engine, tokens):
    """Make all other tokens all but impossible, whatever the context."""
    head = engine.model.lm_head
    bias = torch.full((head.out_features,), -1e4)
    bias[tokens] = 0.0
    head.bias = torch.nn.Parameter(bias)


def test_the_end_of_text_token_ends_a_completion_and_is_counted_but_not_shown():
    engine = engine_of()
    favour(engine, 256)
    [[completion]] = engine.generate(["abc"], max_new_tokens=9)
    assert (completion.text, completion.token_ids, completion.finish_reason) == ("", (256,), "stop")
    assert completion.log_probs == (0.0,)
    assert not completion.failed


def test_the_models_own_end_tokens_count_too():
    engine = engine_of()
    favour(engine, 65)
    engine.model.generation_config.eos_token_id = [65, 66]
    [[completion]] = engine.generate(["abc"], max_new_tokens=9)
    assert (completion.token_ids, completion.finish_reason) == ((65,), "stop")


def test_a_stop_string_ends_the_text_before_it_also_in_the_middle_of_a_batch():
    engine = engine_of()
    favour(engine, list(b"abcde"))
    whole = [row[0] for row in engine.generate(PROMPTS, max_new_tokens=30, seed=2)]
    stop = whole[3].text[5:8]
    stops = ["xy", stop]
    cut = [row[0] for row in engine.generate(PROMPTS, max_new_tokens=30, seed=2, stop=stops)]
    assert 1 <= sum(stop in c.text for c in whole) < len(whole)
    for full, completion in zip(whole, cut, strict=True):
        assert completion.text == full.text.split(stop)[0]
        assert completion.token_ids == full.token_ids[: len(completion.token_ids)]
        if stop in full.text:
            assert completion.finish_reason == "stop"
            assert len(completion.token_ids) == len(completion.log_probs) < len(full.token_ids)
            assert TOKENIZER.decode(completion.token_ids).endswith(stop)


def test_it_stops_when_all_have_ended():
    engine = engine_of()
    favour(engine, 256)
    calls = []
    engine.model.register_forward_hook(lambda *_: calls.append(1))
    engine.generate(PROMPTS, max_new_tokens=50)
    assert len(calls) == 1


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_the_context_ends_a_completion_and_a_prompt_that_fills_it_is_an_error(name):
    engine = engine_of(name)
    engine.tokenizer = TOKENIZER
    rows = engine.generate([[97] * 63, [97] * 64, [97] * 60, [97]], max_new_tokens=10, seed=3)
    completions = [row[0] for row in rows]
    assert [len(c.token_ids) for c in completions] == [1, 0, 4, 10]
    assert [c.failed for c in completions] == [False, True, False, False]
    assert completions[0].finish_reason == "length"
    assert completions[1].finish_reason.startswith("error: the prompt has 64 tokens")


def test_prompts_that_cannot_be_continued_say_why_and_the_others_go_on():
    engine = engine_of()
    rows = engine.generate([[], [97], [257], [-1]], max_new_tokens=2, n=2)
    assert [len(row) for row in rows] == [2] * 4
    assert "no tokens" in rows[0][0].finish_reason
    assert "vocabulary" in rows[2][1].finish_reason
    assert [row[0].failed for row in rows] == [True, False, True, True]
    assert engine.generate([], max_new_tokens=2) == []


def test_mistakes_are_refused():
    engine = engine_of()
    with pytest.raises(UserError, match="list of strings"):
        engine.generate("abc", max_new_tokens=2)
    with pytest.raises(UserError, match="top_p"):
        engine.generate(["abc"], max_new_tokens=2, top_p=2.0)
    with pytest.raises(UserError, match=r"256.*100"):
        TransformersEngine(tiny_lm(vocab_size=100), TOKENIZER)
    with pytest.raises(UserError, match="batch_size"):
        engine_of(batch_size=0)


def test_a_compiled_model_is_sampled_eagerly():
    engine = engine_of()
    expected = engine.generate(PROMPTS, max_new_tokens=4)

    def backend(*_):
        raise AssertionError("sampling compiled the model")

    engine.model.compile(backend=backend)
    assert engine.generate(PROMPTS, max_new_tokens=4) == expected


@pytest.mark.parametrize("name", ["cache", "past_key_values"])
def test_the_cache_is_passed_by_the_name_that_the_model_has_for_it(name):
    engine = engine_of()
    expected, forward = engine.generate(PROMPTS, max_new_tokens=4), engine.model.forward
    new = "cache" in inspect.signature(forward).parameters
    given = []

    def with_cache(*, cache=None, **inputs):
        given.append(cache)
        return forward(**{"cache" if new else "past_key_values": cache}, **inputs)

    def with_past_key_values(*, past_key_values=None, **inputs):
        return with_cache(cache=past_key_values, **inputs)

    engine.model.forward = {"cache": with_cache, "past_key_values": with_past_key_values}[name]
    renamed = TransformersEngine(engine.model, TOKENIZER)
    assert renamed.generate(PROMPTS, max_new_tokens=4) == expected
    assert given
    assert None not in given


def test_a_model_from_a_folder_can_be_sampled(tmp_path):
    from lit_research.lm import export_hf

    engine = engine_of()
    export_hf(engine.model, TOKENIZER, tmp_path / "model")
    loaded = TransformersEngine(load_lm(tmp_path / "model"), TOKENIZER)
    assert loaded.generate(PROMPTS, max_new_tokens=4) == engine.generate(PROMPTS, max_new_tokens=4)
