"""Long prompts of ``TransformersEngine``: read in pieces, shared beginnings read once."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.lm.engines import TransformersEngine
from lit_research.lm.engines.shared_prompts import groups_of
from tests.lm.models import CONFIGS, bytes_tokenizer
from tests.lm.test_continuations import draw, model_of, tokens_read

TOKENIZER = bytes_tokenizer()
KINDS = [*CONFIGS, "gemma3_text", "mamba2", "llama longrope"]
PLAIN = {"prefill_chunk": 10_000, "least_shared": 10_000}
CUT = {"prefill_chunk": 7, "least_shared": 12}


def prompts():
    """Return two questions about each of two texts, one of them twice as long, and a short one."""
    one, other = draw(24, 1), draw(17, 2)
    asked = [[*one, *draw(4, 3)], [*other, *draw(9, 4)], [*one, *draw(9, 5)], draw(5, 6)]
    return [*asked, [*other, *draw(3, 7)]]


def run(name, dtype=torch.float64, batch_size=3, **options):
    engine = TransformersEngine(model_of(name, dtype), TOKENIZER, batch_size=batch_size, **options)
    return engine.generate(prompts(), max_new_tokens=6, n=2, seed=3)


@pytest.mark.parametrize("name", KINDS)
def test_what_is_written_does_not_depend_on_how_prompts_are_read(name):
    for whole, cut in zip(run(name, **PLAIN), run(name, **CUT), strict=True):
        for a, b in zip(whole, cut, strict=True):
            assert a.token_ids == b.token_ids
            # Mamba's states are fp32 within.
            near = 1e-4 if name == "mamba2" else 1e-10
            assert a.log_probs == pytest.approx(b.log_probs, abs=near)


@pytest.mark.parametrize("name", ["llama", "mistral"])
def test_in_float32_it_differs_by_rounding(name):
    pair = (run(name, torch.float32, **options) for options in (PLAIN, CUT))
    for whole, cut in zip(*pair, strict=True):
        assert [c.token_ids for c in whole] == [c.token_ids for c in cut]
        for a, b in zip(whole, cut, strict=True):
            assert a.log_probs == pytest.approx(b.log_probs, abs=1e-4)


@pytest.mark.parametrize("options", [PLAIN, CUT])
def test_a_model_that_learns_while_it_reads_writes_what_its_generate_does(options):
    model = model_of("ttt")
    engine = TransformersEngine(model, TOKENIZER, batch_size=3, **options)
    rows = engine.generate(prompts(), max_new_tokens=6, temperature=0.0, n=2)
    for prompt, row in zip(prompts(), rows, strict=True):
        ids = torch.tensor([prompt])
        expected = model.generate(
            ids, max_new_tokens=6, do_sample=False, eos_token_id=256, pad_token_id=256
        )[0, len(prompt) :]
        assert [c.token_ids for c in row] == [tuple(expected.tolist())] * 2


def test_a_shared_beginning_is_read_once_and_in_pieces():
    model = model_of("llama")
    engine = TransformersEngine(model, TOKENIZER, **CUT)
    engine.generate(prompts(), max_new_tokens=1)  # which tests the model
    seen, shared = tokens_read(model), draw(40, 1)
    engine.generate([[*shared, 5 + n] for n in range(4)], max_new_tokens=1, n=3)
    assert sum(seen) == 40 + 12
    assert max(seen[:-1]) <= 7


def test_short_prompts_are_read_as_ever_with_no_test_of_the_model():
    model = model_of("llama")
    engine, seen = TransformersEngine(model, TOKENIZER), tokens_read(model)
    engine.generate(prompts(), max_new_tokens=1)
    assert seen == [5 * 33]


def test_sizes_are_checked():
    with pytest.raises(UserError, match="prefill_chunk"):
        TransformersEngine(model_of("llama"), TOKENIZER, prefill_chunk=0)


@given(
    st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=8), max_size=9),
    st.integers(1, 4),
)
def test_groups_hold_every_prompt_once_and_share_what_they_say(texts, least):
    groups = groups_of(range(len(texts)), lambda n: texts[n], least)
    assert sorted(n for group in groups for n in group.members) == list(range(len(texts)))
    for group in groups:
        first = texts[group.members[0]][: group.shared]
        assert all(texts[n][: group.shared] == first for n in group.members)
        assert all(len(texts[n]) > group.shared for n in group.members)
        assert group.lengths == sorted((len(texts[n]) for n in group.members), reverse=True)
        assert group.shared == 0 or (group.shared >= least and len(group.members) > 1)


def test_prompts_are_grouped_where_most_is_saved():
    system, one, other = draw(10, 1), draw(80, 2), draw(80, 3)
    texts = [[*system, *context, *draw(5, n)] for n in range(3) for context in (one, other)]
    groups = groups_of(range(6), lambda n: texts[n], 8)
    assert sorted((group.shared, len(group.members)) for group in groups) == [(90, 3), (90, 3)]
    one_of_each = groups_of(range(2), lambda n: texts[n], 8)
    assert [(group.shared, len(group.members)) for group in one_of_each] == [(10, 2)]
