"""Metrics of the target: values, what they report, and what they refuse."""

import math

import pytest
import torch
import yaml
from transformers import LlamaConfig

from lit_research.cli import config_dir
from lit_research.errors import UserError
from lit_research.lm import IGNORE, build_lm
from lit_research.methods.dpg import Bitmap, HeadNorm, TextLoss
from lit_research.methods.dpg.data import alphabet_tokenizer
from lit_research.methods.dpg.patterns import SIXTY_SEVEN, from_image, from_qr, from_rows, read_qr
from lit_research.text import load_tokenizer

LETTERS = "abcdefghijklmnopqrstuvwx"


def target(tie=False, **changes):
    torch.manual_seed(0)
    sizes = {
        "hidden_size": 24,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "vocab_size": 24,
        "tie_word_embeddings": tie,
        "max_position_embeddings": 64,
        "eos_token_id": None,
        "bos_token_id": None,
    }
    return build_lm(LlamaConfig(**{**sizes, **changes}), attention="math").eval()


def prepared(metric, model=None, tokenizer=None):
    model = target() if model is None else model
    metric.prepare(model, tokenizer or alphabet_tokenizer(LETTERS))
    return metric, model


@torch.no_grad()
def add(model, bitmap, size):
    rows, columns = bitmap.shape
    model.lm_head.weight[:columns, :rows] += size * bitmap.T


def test_rows_of_a_bitmap_are_channels_and_columns_are_tokens():
    metric, model = prepared(Bitmap(rows=["#..", "..#"]))
    assert metric(model).item() == pytest.approx(-math.log(2))
    with torch.no_grad():
        model.lm_head.weight[0, 0] -= 1e-3  # token 0, channel 0: dark
        model.lm_head.weight[2, 1] += 1e-3  # token 2, channel 1: should be dark
    expected = [-1e-3, 0, 0, 0, 0, 1e-3]
    wanted = [-1, 1, 1, 1, 1, -1]
    phi = -sum(
        math.log1p(math.exp(-20 * y * d)) for y, d in zip(wanted, expected, strict=True)
    ) / len(wanted)
    assert metric(model).item() == pytest.approx(phi, rel=1e-6)
    assert metric.report(model)["pixel_accuracy"] == pytest.approx(1 / 6)


def published(config, key):
    """A setting of the metric in a shipped config."""
    fields = yaml.safe_load((config_dir() / f"dpg/{config}.yaml").read_text())
    return fields["model"]["init_args"]["metric"]["init_args"][key]


def test_the_papers_pictures_are_those_of_the_official_code():
    rows = ["....###", "###...#", "#.....#", "###...#", "#.#...#", "###...."]
    assert list(SIXTY_SEVEN) == published("tiny_67", "rows") == rows
    qr = published("paper", "qr")
    assert read_qr(from_qr(qr)) == qr == "bit.ly/3Ka4jDS"
    assert from_qr(qr).shape == (21, 21)


def test_a_bitmap_that_is_there_is_reported_and_shown():
    bitmap = from_rows(SIXTY_SEVEN)
    metric, model = prepared(Bitmap(rows=SIXTY_SEVEN))
    add(model, bitmap, 1e-4)
    report = metric.report(model)
    assert report["pixel_accuracy"] == 1
    assert report["phi_above_chance"] == pytest.approx(10 * 1e-4, rel=1e-2)
    picture = metric.picture(model)
    assert picture.shape == (1, 48, 3 * 56 + 16)
    assert torch.equal(picture[:, :, :56], picture[:, :, 64:120])
    assert metric.read(model) is None


def test_a_qr_code_in_the_head_is_read_by_a_decoder():
    metric, model = prepared(Bitmap(qr="HI"))
    assert metric.bitmap.shape == (21, 21)
    assert metric.read(model) is None
    add(model, metric.bitmap, 1e-5)
    assert metric.read(model) == "HI"
    assert metric.report(model)["readable"] == 1
    assert read_qr(from_qr("HI")) == "HI"


def test_an_image_becomes_a_bitmap(tmp_path):
    from matplotlib import image

    bitmap = from_rows(["#.", "..", ".#"])
    image.imsave(tmp_path / "a.png", bitmap.numpy(), cmap="gray")
    assert torch.equal(from_image(tmp_path / "a.png"), bitmap)
    (tmp_path / "b.png").write_text("no image")
    for name in ("b.png", "none.png"):
        with pytest.raises(UserError, match="cannot read the image"):
            from_image(tmp_path / name)


def test_the_norm_is_of_the_whole_head():
    metric, model = prepared(HeadNorm())
    assert metric(model).item() == pytest.approx(-model.lm_head.weight.norm().item())


def test_a_loss_counts_every_text_the_same():
    texts = ["abc", "cdefgh", "aa"]
    metric, model = prepared(TextLoss(texts=texts, batch_size=2, max_tokens=16))
    each = []
    for text in texts:
        ids = torch.tensor([[LETTERS.index(c) for c in text]])
        losses = torch.nn.functional.cross_entropy(model(ids).logits[0, :-1], ids[0, 1:])
        each.append(losses.item())
    assert sum(metric(model)).item() == pytest.approx(-sum(each) / 3, rel=1e-5)
    tokens = sum(e * (len(t) - 1) for e, t in zip(each, texts, strict=True)) / 8
    assert metric.report(model)["loss_per_token"] == pytest.approx(tokens, rel=1e-5)
    by_length, _ = prepared(TextLoss(texts=texts, divide_by="length", max_tokens=16), model)
    assert sum(by_length(model)).item() == pytest.approx(-tokens * 8 / 16 / 3, rel=1e-5)


def test_a_last_word_is_scored_alone():
    tokenizer = load_tokenizer("bytes")
    model = target(vocab_size=257)
    metric, _ = prepared(
        TextLoss(texts=["the cat sat", "one"], last_word=True, max_tokens=32), model, tokenizer
    )
    [batch] = metric._batches
    labels = ["".join(chr(t) for t in row if t >= 0) for row in batch["labels"].tolist()]
    assert labels == [" sat", "ne"]


def test_a_text_that_is_cut_is_scored_up_to_the_cut():
    metric, _ = prepared(TextLoss(texts=["abcd", "abc", "ab"], max_tokens=3))
    [batch] = metric._batches
    i = IGNORE
    assert batch["labels"].tolist() == [[1, 2, 3], [1, 2, i], [1, i, i]]


def test_texts_come_from_a_file(tmp_path):
    (tmp_path / "texts.txt").write_text("abc\n\nbcd\n")
    assert TextLoss(file=str(tmp_path / "texts.txt")).texts == ["abc", "bcd"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Bitmap(), "0 of rows, image and qr"),
        (lambda: Bitmap(rows=["#"], qr="a"), "2 of rows, image and qr"),
        (lambda: Bitmap(rows=["#.", "#"]), "rows of one length"),
        (lambda: Bitmap(rows=["#x"]), "rows of one length"),
        (lambda: Bitmap(rows=["#"], sharpness=0.0), "sharpness is 0"),
        (lambda: Bitmap(qr="a" * 8000), "no QR code holds"),
        (lambda: TextLoss(), "neither of texts and file are given"),
        (lambda: TextLoss(texts=[]), "there are no texts"),
        (lambda: TextLoss(file="none.txt"), "cannot read 'none.txt'"),
        (lambda: TextLoss(texts=["a"], divide_by="words"), "divide_by is 'words'"),
        (lambda: prepared(TextLoss(texts=["a"], max_tokens=8)), "nothing to score"),
        (lambda: prepared(TextLoss(texts=["ab"])), "target's context 64"),
        (lambda: prepared(Bitmap(rows=["#"]), target(tie=True)), "tie_word_embeddings false"),
        (lambda: prepared(HeadNorm(), target(tie=True)), "tie_word_embeddings false"),
        (lambda: prepared(Bitmap(rows=["#" * 25])), "1 x 25 pixels"),
    ],
)
def test_what_cannot_be_measured_is_refused(make, message):
    with pytest.raises(UserError, match=message):
        make()
