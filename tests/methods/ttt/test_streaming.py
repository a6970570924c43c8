"""Streams: tokens in any pieces, saved and restored, are what reading in one pass gives."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_research.errors import UserError
from lit_research.lm import IGNORE
from lit_research.methods.ttt.config import TTTE2EConfig
from lit_research.methods.ttt.inner_loop import InnerLoop, scan, scan_logits
from lit_research.methods.ttt.model import TTTE2EForCausalLM
from lit_research.methods.ttt.streaming import Stream

VOCABULARY, CHUNK, WINDOW = 17, 4, 6


def build(**changes):
    fields = {
        "vocab_size": VOCABULARY,
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_hidden_layers": 4,
        "num_attention_heads": 2,
        "num_suffix_layers": 2,
        "window": WINDOW,
        "chunk": CHUNK,
        "initializer_range": 0.3,
        **changes,
    }
    torch.manual_seed(0)
    return TTTE2EForCausalLM(TTTE2EConfig(**fields)).double().eval()


def draw(length, batch=2, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(VOCABULARY, (batch, length), generator=generator)


def teacher_forced(lm, tokens, inner=None):
    """Return log-probabilities [B, T] of the tokens after the first, from one pass."""
    inner = inner or InnerLoop(lm.config.inner_lr, lm.config.inner_clip)
    with torch.no_grad():
        logits = scan_logits(lm, tokens, inner)
    return logits[:, :-1].log_softmax(-1).gather(2, tokens[:, 1:, None])[..., 0]


def in_pieces(tokens, sizes):
    place = 0
    while place < tokens.shape[1]:
        size = sizes[place % len(sizes)]
        yield tokens[:, place : place + size]
        place += size


def close(left, right):
    torch.testing.assert_close(left, right, atol=1e-10, rtol=0)


def test_logits_of_the_scan_are_those_of_its_losses():
    lm, tokens = build(), draw(24)
    labels = torch.cat([tokens[:, 1:], torch.full((2, 1), IGNORE)], dim=1)
    with torch.no_grad():
        _, losses = scan(lm, tokens, labels, InnerLoop())
    close(-losses[:, :-1], teacher_forced(lm, tokens))


@settings(deadline=None, max_examples=25)
@given(
    length=st.integers(1, 40),
    sizes=st.lists(st.integers(1, 13), min_size=1, max_size=4),
    arm=st.sampled_from(["e2e", "swa", "full", "short window", "one block"]),
)
def test_scores_do_not_depend_on_the_pieces(length, sizes, arm):
    changes = {
        "full": {"window": None, "num_suffix_layers": 0},
        "short window": {"window": 2},
        "one block": {"num_suffix_layers": 1},
    }
    lm, tokens = build(**changes.get(arm, {})), draw(length)
    inner = InnerLoop(lr=0.0) if arm == "swa" else InnerLoop(clip=0.3)
    expected = teacher_forced(lm, tokens, inner)
    stream = Stream(lm, 2, inner)
    scores = torch.cat([stream.score(piece) for piece in in_pieces(tokens, sizes)], dim=1)
    assert scores[:, 0].tolist() == [0.0, 0.0]
    close(scores[:, 1:], expected)
    stream = Stream(lm, 2, inner)
    logits = torch.cat([stream.read(piece) for piece in in_pieces(tokens, sizes)], dim=1)
    close(logits.log_softmax(-1)[:, :-1].gather(2, tokens[:, 1:, None])[..., 0], expected)
    kept = Stream(lm, 2, inner).read(tokens, keep=1)
    close(kept[:, 0], logits[:, -1])


def test_prefill_then_decode_is_teacher_forcing():
    lm, prompt = build(), draw(11)
    stream = Stream(lm, 2)
    stream.read(prompt)
    made = stream.generate(21, temperature=0.0)
    whole = torch.cat([prompt, made], dim=1)
    with torch.no_grad():
        logits = scan_logits(lm, whole, InnerLoop())
    assert torch.equal(logits[:, 10:-1].argmax(-1), made)


@pytest.mark.parametrize("cut", range(1, 13))
def test_a_restored_state_goes_on_bit_for_bit(tmp_path, cut):
    lm, tokens = build().float(), draw(33)
    unbroken, broken = Stream(lm, 2), Stream(lm, 2)
    unbroken.score(tokens[:, :cut])
    broken.score(tokens[:, :cut])
    broken.save(tmp_path / "state.pt")
    restored = Stream.load(lm, tmp_path / "state.pt")
    assert torch.equal(unbroken.score(tokens[:, cut:]), restored.score(tokens[:, cut:]))
    assert torch.equal(unbroken.generate(9, seed=3), restored.generate(9, seed=3))


def test_texts_of_a_batch_do_not_know_of_each_other():
    lm, tokens = build(), draw(30, batch=3)
    together = Stream(lm, 3).score(tokens)
    for row in range(3):
        close(Stream(lm).score(tokens[row : row + 1]), together[row : row + 1])


def test_selected_texts_go_on_alone():
    lm, tokens = build(), draw(30, batch=3)
    whole = Stream(lm, 3).score(tokens)
    stream = Stream(lm, 3)
    stream.score(tokens[:, :14])
    stream.select(torch.tensor([2, 0]))
    close(stream.score(tokens[[2, 0], 14:]), whole[[2, 0], 14:])


@pytest.mark.parametrize("way", ["score", "read"])
def test_the_state_does_not_grow(way):
    lm = build()
    stream = Stream(lm, 2)
    sizes = []
    for _ in range(30):
        getattr(stream, way)(draw(CHUNK))
        sizes.append(stream.bytes)
    assert sizes[3:] == sizes[3:4] * 27


def test_reading_leaves_the_model_as_it_was():
    lm = build()
    before = {name: p.clone() for name, p in lm.named_parameters()}
    Stream(lm, 2).score(draw(30))
    assert all(torch.equal(before[name], p) for name, p in lm.named_parameters())
    assert all(p.grad is None for p in lm.parameters())
    close(Stream(lm, 2).score(draw(30)), Stream(lm, 2).score(draw(30)))


def test_it_learns_in_inference_mode_too():
    lm = build()
    with torch.inference_mode():
        inside = Stream(lm, 2).score(draw(30))
    assert torch.equal(inside, Stream(lm, 2).score(draw(30)))


@pytest.mark.parametrize("options", [{}, {"num_beams": 3}, {"use_cache": False}])
def test_transformers_generate_is_that_of_a_stream(options):
    lm, prompt = build(), draw(11)
    out = lm.generate(prompt, max_new_tokens=13, do_sample=False, pad_token_id=0, **options)
    whole = teacher_forced(lm, out)
    assert out.shape == (2, 24)
    stream = Stream(lm, 2)
    stream.read(prompt)
    greedy = torch.cat([prompt, stream.generate(13, temperature=0.0)], dim=1)
    if "num_beams" in options:
        likelihood = whole[:, 10:].sum(dim=1)
        assert (likelihood >= teacher_forced(lm, greedy)[:, 10:].sum(dim=1) - 1e-9).all()
    else:
        assert torch.equal(out, greedy)


@pytest.mark.parametrize("name", ["cache", "past_key_values"])
def test_both_generations_of_transformers_hand_the_stream_over(name):
    lm, tokens = build(), draw(11)
    stream, expected = Stream(lm, 2), Stream(lm, 2).read(tokens)
    for piece in in_pieces(tokens, [4]):
        out = lm(piece, **{name: stream})
    close(out.logits[:, -1], expected[:, -1])
    assert out[1] is stream
    later = lm.prepare_inputs_for_generation(draw(13), **{name: stream})
    assert later["cache"] is stream
    assert later["input_ids"].shape == (2, 2)


def test_prompts_of_different_lengths_are_refused():
    lm, prompt = build(), draw(5)
    mask = torch.tensor([[0, 1, 1, 1, 1], [1, 1, 1, 1, 1]])
    with pytest.raises(UserError, match="different lengths"):
        lm.generate(prompt, attention_mask=mask, max_new_tokens=2, pad_token_id=0)


def test_the_loss_of_transformers_has_the_meta_gradient():
    lm, tokens = build(), draw(24)
    lm(tokens, labels=tokens).loss.backward()
    found = [p.grad.clone() for p in lm.parameters()]
    lm.zero_grad()
    labels = torch.cat([tokens[:, 1:], torch.full((2, 1), IGNORE)], dim=1)
    _, losses = scan(lm, tokens, labels, InnerLoop(recompute="none"))
    (losses.sum() / (2 * 23)).backward()
    for one, other in zip(found, lm.parameters(), strict=True):
        torch.testing.assert_close(one, other.grad, atol=1e-6, rtol=0)  # transformers' loss is fp32


@pytest.mark.parametrize(
    ("tokens", "message"), [(torch.zeros(3, 4).long(), "2 texts"), (draw(0), "at least one")]
)
def test_wrong_shapes_are_refused(tokens, message):
    with pytest.raises(UserError, match=message):
        Stream(build(), 2).read(tokens)


def test_a_state_of_another_model_is_refused(tmp_path):
    stream = Stream(build(), 2)
    stream.read(draw(5))
    stream.save(tmp_path / "state.pt")
    with pytest.raises(UserError, match="another model"):
        Stream.load(build(hidden_size=32), tmp_path / "state.pt")
    old = {name: x for name, x in stream.state_dict().items() if name != "format"}
    with pytest.raises(UserError, match="format 1 and this version reads 2"):
        stream.load_state_dict(old)
    with pytest.raises(UserError, match="no file"):
        Stream.load(build(), tmp_path / "nothing.pt")
    with pytest.raises(UserError, match="read a prompt"):
        Stream(build()).generate(3)
