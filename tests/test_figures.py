"""What people look at: figures legible where TensorBoard shows them, tables, blocks."""

import io

import numpy as np
import pytest
import torch
from matplotlib.text import Text

from lit_research.callbacks.loss_by_position import draw
from lit_research.experiments import Grid, coordinate_descent
from lit_research.experiments.search_report import figure as search_figure
from lit_research.figures import code_block, text_table, with_unit
from lit_research.laws import fit
from lit_research.lm import IGNORE
from lit_research.methods.dpg.attribution import _scatter
from lit_research.methods.ttt.contexts import ContextLosses, NeedleScores

CARD, SMALLEST = 330, 9  # pixels: width of an image's card, height of a letter's line


def law():
    x = np.geomspace(1e3, 1e6, 8)
    return fit("power", x, 2 + 3 * x**-0.3, noise=0.01).figure()


def position():
    return draw(torch.arange(1.0, 9.0), torch.linspace(3, 2, 8))


def attribution():
    values = np.linspace(-1, 1, 5)
    return _scatter({"reweighting": (values, values), "left_out": (values, values)})


def search():
    grid = Grid({"lr": (1e-3, 1e-2, 1e-1), "weight_decay": (0.1, 1.0), "epochs": (1.0, 2.0)})
    start = {"lr": 1e-2, "weight_decay": 0.1, "epochs": 1.0}
    *_, found = coordinate_descent(grid, start, lambda points: map(sum, points))
    return search_figure(grid, found)


def contexts():
    scores = ContextLosses(torch.device("cpu"))
    for length in (8, 16):
        losses = torch.rand(2, length)
        scores.add(losses, losses + 1, torch.ones(2, length, dtype=torch.long))
    scores.reduce()
    return scores.figure()


def needles():
    scores = NeedleScores([0.0, 0.5, 1.0], torch.device("cpu"))
    answers = torch.tensor([[IGNORE, 1], [2, 0], [1, 1]])
    for length in (1024, 2048, 4096):
        logits = torch.rand(3, 2, 4)
        scores.add(length, [logits, logits], answers, torch.arange(3))
    scores.reduce()
    return scores.figure()


@pytest.mark.parametrize("make", [law, position, attribution, search, contexts, needles])
def test_a_figure_is_legible_on_a_card_and_its_axes_have_units(make):
    figure = make()
    figure.savefig(io.BytesIO(), format="png")  # lays it out
    width = figure.get_figwidth() * 72  # points
    shown = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    assert min(text.get_fontsize() for text in shown) * CARD / width >= SMALLEST
    for axes in figure.axes:  # labels of ticks beyond the axes' limits are not drawn
        for text in (axes.title, axes.xaxis.label, axes.yaxis.label):
            box = text.get_window_extent()
            assert 0 <= box.x0 <= box.x1 <= figure.bbox.width, f"{text} is cut off"
    labels = [axes.get_xlabel() for axes in figure.axes] + [a.get_ylabel() for a in figure.axes]
    if make is not law:  # of the user's own numbers
        assert all(label.endswith(")") or " per " in label for label in labels if label)


@pytest.mark.parametrize(
    ("metric", "shown"),
    [
        ("val/loss", "val/loss (nats per token)"),
        ("val/loss_frozen", "val/loss_frozen (nats per token)"),
        ("train/tokens", "train/tokens (tokens)"),
        ("throughput/tokens_per_s", "throughput/tokens_per_s (tokens per second)"),
        ("self_play/solve_rate", "self_play/solve_rate (share of 1)"),
        ("mine", "mine"),
    ],
)
def test_a_metric_has_the_unit_that_its_name_tells(metric, shown):
    assert with_unit(metric) == shown


def test_a_table_has_columns_and_no_blanks_at_the_ends_of_lines():
    assert text_table([["K", "loss"], ["16", "1"]]) == "K   loss\n16  1"


def test_a_block_ends_where_it_should():
    assert code_block("a ``` b") == "````text\na ``` b\n````"
