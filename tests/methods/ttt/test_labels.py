"""What is no label is not learned, by scan, forward, streams and generation alike."""

import json

import pytest
import torch

from lit_research.cli import config_dir, main
from lit_research.errors import UserError
from lit_research.lm import IGNORE
from lit_research.methods.ttt.inner_loop import InnerLoop, scan
from lit_research.methods.ttt.module import TTTE2E
from lit_research.methods.ttt.streaming import Stream
from tests.methods.ttt.test_streaming import build, close, draw, in_pieces

SEPARATOR = 3


def separated(length=30):
    """Return tokens with separators, one chunk of nothing else, and a mask of their places."""
    tokens = draw(length)
    tokens[:, 5:8] = SEPARATOR
    tokens[0, 13:21] = SEPARATOR
    return tokens, tokens == SEPARATOR


def scanned(lm, tokens, is_label):
    """Return the losses ``[B, T - 1]`` of tokens, learned where ``is_label``, from ``scan``."""
    padded = torch.cat([tokens, tokens[:, :1].expand(-1, -tokens.shape[1] % 4)], dim=1)
    labels = torch.full_like(padded, IGNORE)
    labels[:, : tokens.shape[1] - 1] = tokens[:, 1:].masked_fill(~is_label[:, 1:], IGNORE)
    with torch.no_grad():
        return scan(lm, padded, labels, InnerLoop())[1][:, : tokens.shape[1] - 1]


def token_losses(logits, tokens):
    return -logits[:, :-1].log_softmax(-1).gather(2, tokens[:, 1:, None])[..., 0]


@pytest.mark.parametrize("by", ["labels", "config"])
def test_what_is_no_label_is_not_learned(by):
    tokens, hidden = separated()
    lm = build(ignored_label_ids=[SEPARATOR] if by == "config" else None)
    labels = tokens.masked_fill(hidden, IGNORE) if by == "labels" else None
    expected, shown = scanned(lm, tokens, ~hidden), ~hidden[:, 1:]
    with torch.no_grad():
        logits = lm(tokens, labels=labels).logits
        plain = build()(tokens).logits
    close(token_losses(logits, tokens)[shown], expected[shown])
    assert (plain - logits).abs().max() > 0.01  # learned from, the separators would change it
    for sizes in ([30], [1], [7, 2], [4], [13]):
        stream, other, place = Stream(lm, 2), Stream(lm, 2), 0
        scores, read = [], []
        for piece in in_pieces(tokens, sizes):
            part = None if labels is None else labels[:, place : place + piece.shape[1]]
            scores.append(stream.score(piece, labels=part))
            read.append(other.read(piece, labels=part))
            place += piece.shape[1]
        close(torch.cat(read, dim=1), logits)
        close(-torch.cat(scores, dim=1)[:, 1:], token_losses(logits, tokens))


def test_generation_goes_on_without_learning_separators(tmp_path):
    lm, (tokens, _) = build(ignored_label_ids=[SEPARATOR]), separated()
    stream = Stream(lm, 2)
    stream.read(tokens)
    stream.save(tmp_path / "state.pt")
    made = stream.generate(12, temperature=0.0)
    assert torch.equal(made, Stream.load(lm, tmp_path / "state.pt").generate(12, temperature=0.0))
    whole = torch.cat([tokens, made], dim=1)
    with torch.no_grad():
        assert torch.equal(lm(whole).logits[:, 29:-1].argmax(-1), made)
        assert torch.equal(lm.generate(tokens, max_new_tokens=12, do_sample=False), whole)


def test_the_loss_of_forward_is_over_what_is_learned():
    tokens, hidden = separated()
    labels = tokens.masked_fill(hidden, IGNORE)
    given = build()(tokens, labels=labels)
    known = build(ignored_label_ids=[SEPARATOR])(tokens, labels=tokens)
    expected = scanned(build(), tokens, ~hidden).sum() / (~hidden[:, 1:]).sum()
    # Transformers' loss is fp32.
    torch.testing.assert_close(given.loss.double(), expected, atol=1e-6, rtol=0)
    assert torch.equal(given.loss, known.loss)
    last = build()(tokens, labels=labels, logits_to_keep=9)
    assert last.logits.shape[1] == 9
    assert torch.isfinite(last.loss)


def test_padding_at_the_end_changes_nothing():
    lm, tokens = build(), draw(30)
    mask = torch.ones_like(tokens)
    mask[1, 18:] = 0
    with torch.no_grad():
        padded = lm(tokens, attention_mask=mask, labels=tokens)
        alone = lm(tokens[1:, :18], labels=tokens[1:, :18])
        whole = lm(tokens[:1], labels=tokens[:1])
    close(padded.logits[1:, :18], alone.logits)
    close(padded.logits[:1], whole.logits)
    expected = (alone.loss * 17 + whole.loss * 29) / 46
    torch.testing.assert_close(padded.loss, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("mask", "cached", "message"),
    [
        ([[0, 1, 1]], False, "zeros before ones"),
        ([[1, 0, 1]], False, "zeros before ones"),
        ([[1, 1, 0]], True, "zeros, in forward .* with a cache"),
        ([[1, 1]], False, r"shape \[1, 2\]"),
    ],
)
def test_padding_that_would_be_read_is_refused(mask, cached, message):
    with pytest.raises(UserError, match=message):
        build()(draw(3, batch=1), attention_mask=torch.tensor(mask), use_cache=cached)


def test_a_module_masks_whoever_calls_it():
    tokens, hidden = separated(29)
    sizes = {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 4, "chunk": 4}
    lm = {**sizes, "window": 8, "ignored_label_ids": [SEPARATOR]}
    module = TTTE2E(lm=lm, vocab_size=17)
    module.configure_model()
    labels = tokens[:, 1:]
    losses = module({"input_ids": tokens[:, :-1], "labels": labels})
    given = {"input_ids": tokens[:, :-1], "labels": labels.masked_fill(hidden[:, 1:], IGNORE)}
    assert torch.equal(losses, module(given))
    assert torch.equal(losses == 0, hidden[:, 1:])


def test_training_takes_ignored_ids_out_of_the_labels(tmp_path):
    options = [
        f"--trainer.logger.init_args.save_dir={tmp_path}",
        "--trainer.max_steps=1",
        "--trainer.val_check_interval=1",
        "--trainer.log_every_n_steps=1",
        "--trainer.enable_progress_bar=false",
        "--trainer.enable_model_summary=false",
        "--data.init_args.sequence_length=64",
        "--data.init_args.eval_sequences=2",
        "--model.init_args.lm.hidden_size=16",
    ]

    def fit(ids):
        option = f"--model.init_args.lm.ignored_label_ids={json.dumps(ids)}"
        return main(["fit", "--config", str(config_dir() / "ttt/tiny.yaml"), *options, option])

    logged = fit(list(range(32))).trainer.callback_metrics
    assert logged["train/loss"] == 0  # nothing is left to learn
    assert fit([0, 5]).trainer.callback_metrics["train/loss"] > 3
    with pytest.raises(UserError, match=r"ignored_label_ids has 99, .* from 0 to 31"):
        fit([99])
