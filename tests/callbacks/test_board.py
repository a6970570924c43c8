"""What TensorBoard's own reader finds: the layout, the explanation, HPARAMS, no stray charts."""

from pathlib import Path

from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.hparams import plugin_data_pb2

from lit_research.cli import main
from tests.callbacks.toy import events, texts
from tests.helpers import tiny


def test_a_run_is_read_at_a_glance(tmp_path):
    config = tiny(tmp_path)
    config["trainer"]["logger"]["class_path"] = "lit_research.callbacks.RunLogger"
    run = Path(main({"subcommand": "fit", "fit": config}).trainer.log_dir)
    board = events(run)
    scalars = board.Tags()["scalars"]
    assert "val/loss" in scalars
    assert not [tag for tag in scalars if tag == "epoch" or tag.startswith("final/")]

    [event] = board.Tensors("custom_scalars__config__")
    layout = layout_pb2.Layout.FromString(event.tensor_proto.string_val[0])
    assert layout.category[0].title == "Pretrain"
    assert list(layout.category[0].chart[0].multiline.tag) == ["^train/loss$", "^val/loss$"]
    assert texts(run, "about")[0].count(".") == 2

    content = board.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    values = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
    assert values["lm/hidden_size"].number_value == 16
    assert values["data/source"].string_value == "embedded:topics"
    assert not [name for name in values if "_class_path" in name or "cache_dir" in name]
    content = board.summary_metadata["_hparams_/experiment"].plugin_data.content
    metrics = plugin_data_pb2.HParamsPluginData.FromString(content).experiment.metric_infos
    assert {metric.name.tag for metric in metrics} == {"train/loss", "val/loss"}
