"""What TensorBoard's own reader finds of a run's layout, HPARAMS and values."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.hparams import plugin_data_pb2

from tests.callbacks.toy import events


def layout(run: Path) -> dict[str, list[str]]:
    """Return the charts of the method under CUSTOM SCALARS: titles and patterns of tags."""
    [event] = events(run).Tensors("custom_scalars__config__")
    found = layout_pb2.Layout.FromString(event.tensor_proto.string_val[0])
    return {chart.title: list(chart.multiline.tag) for chart in found.category[0].chart}


def hparams(run: Path) -> tuple[dict[str, Any], set[str]]:
    """Return the columns of HPARAMS and the names of its metrics."""
    metadata = events(run).summary_metadata

    def content(name: str) -> Any:
        data = metadata[f"_hparams_/{name}"].plugin_data.content
        return plugin_data_pb2.HParamsPluginData.FromString(data)

    values = content("session_start_info").session_start_info.hparams
    columns = {k: getattr(v, v.WhichOneof("kind")) for k, v in values.items()}
    return columns, {m.name.tag for m in content("experiment").experiment.metric_infos}


def single_values(run: Path) -> dict[str, float]:
    """Return the values that are no charts."""
    kept = json.loads((run / "values.json").read_text())["values"]
    return {name: value["value"] for name, value in kept.items()}


def short_charts(run: Path) -> list[str]:
    """Return the charts of a single step."""
    board = events(run)
    return [t for t in board.Tags()["scalars"] if len({e.step for e in board.Scalars(t)}) < 2]


def check_decisive_curves(run: Path, module: Any, without: Iterable[str] = ()) -> None:
    """Check that every curve that a module calls decisive was logged, and is in the layout.

    Those ``without`` which the run is were not: what they measure did not happen in it.
    """
    names = {name for curve in module.decisive_curves.values() for name in curve}
    logged = set(events(run).Tags()["scalars"])
    if (run / "values.json").is_file():
        logged |= set(single_values(run))
    assert names, type(module)
    assert names - logged == set(without)
    assert list(layout(run)) == list(module.decisive_curves)
