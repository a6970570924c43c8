"""The learning rate that a run follows, and the schedules that are refused."""

import lightning.pytorch as pl
import pytest
import yaml
from torch import nn, optim

from lit_research.cli import config_dir
from lit_research.errors import UserError
from lit_research.methods.base import Method
from lit_research.methods.pretrain.recipe import check_recipe, optimizer_with_schedule
from tests.helpers import read_config

PLAIN = {"schedule": "cosine", "warmup": 0.1, "end_lr": 0.0, "warmup_from_zero": False}


class Scheduled(Method):
    def __init__(self, **schedule):
        super().__init__()
        self.save_hyperparameters(schedule)
        self.weight = nn.Linear(1, 1, bias=False)


def scheduled(steps, peaks, **schedule):
    """Return optimiser and schedule of a run with these peaks, one a group."""
    module = Scheduled(**{**PLAIN, **schedule})
    module.trainer = pl.Trainer(max_steps=steps, logger=False, accelerator="cpu", barebones=True)
    groups = [{"params": [nn.Parameter(module.weight.weight.data)], "lr": lr} for lr in peaks]
    return optimizer_with_schedule(module, optim.SGD, groups)


def rates(steps, peaks, **schedule):
    """Return the learning rates of each update, and of the one that would follow the last."""
    made = scheduled(steps, peaks, **schedule)
    optimizer, scheduler = made["optimizer"], made["lr_scheduler"]["scheduler"]
    found = []
    for _ in range(steps + 1):
        found.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    return found


def test_the_published_configs_begin_at_zero_and_end_at_their_last_rate():
    published = {
        "ttt/125m.yaml": (4800, 480, 3e-3, 1e-5),
        "ttt/760m.yaml": (29000, 2900, 1.25e-3, 1e-5),
        "ttt/paper.yaml": (52000, 5200, 8e-4, 1e-5),
        "ttt/extension.yaml": (1250, 125, 4e-4, 1e-5),
        "ttt/extension_full.yaml": (1250, 125, 4e-4, 1e-5),
        "pretrain/paper.yaml": (1000, 10, 1e-3, 0.0),
        "ensemble/paper.yaml": (1000, 10, 3e-3, 0.0),
    }
    for name, (steps, warmup, peak, end) in published.items():
        config = read_config(config_dir() / name)
        args = config["model"]["init_args"]
        assert args["optimizer"]["init_args"]["lr"] == peak
        assert config["trainer"].get("max_steps", steps) == steps
        schedule = {key: args[key] for key in PLAIN if key in args}
        scheduler = scheduled(steps, [peak], **schedule)["lr_scheduler"]["scheduler"]
        [factor] = scheduler.lr_lambdas
        found = [peak * factor(step) for step in (0, 1, warmup, steps)]
        assert found == pytest.approx([0.0, peak / warmup, peak, end], abs=1e-12), name


def test_full_attention_alone_is_extended_at_another_rotary_base():
    full, e2e = (
        yaml.safe_load((config_dir() / f"ttt/{name}.yaml").read_text())["model"]["init_args"]["lm"]
        for name in ("extension_full", "extension")
    )
    assert full["rope_theta"] == 2_000_000
    assert set(e2e) == {"folder"}


@pytest.mark.parametrize(
    "name",
    ["dpg/paper", "dpg/l2_gpt2", "dpg/lambada_llama1b", "dpg/uuid_llama1b", "self_play/paper"],
)
def test_the_players_and_generators_of_the_papers_have_a_constant_rate(name):
    args = read_config(config_dir() / f"{name}.yaml")["model"]["init_args"]
    assert not set(PLAIN) & set(args)  # the default, without a warm-up


def test_every_group_ends_at_the_same_rate():
    found = rates(10, [1.0, 0.5], end_lr=0.1, warmup_from_zero=True)
    assert found[0] == [0.0, 0.0]
    assert found[1] == [1.0, 0.5]
    assert found[-1] == pytest.approx([0.1, 0.1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"warmup": 1.0}, "warmup is 1.0, in X"),
        ({"end_lr": -1e-5}, "end_lr is -1e-05, in X; must be at least 0"),
        ({"end_lr": 1e-5, "schedule": "constant"}, "schedule is constant; leave end_lr out"),
        ({"warmup_from_zero": True, "warmup": 0.0}, "warmup is 0; leave it out"),
        ({"z_loss": -1.0}, "z_loss is -1.0, in X"),
    ],
)
def test_schedules_that_cannot_be_or_have_no_effect_are_refused(changes, message):
    with pytest.raises(UserError, match=message):
        check_recipe({**PLAIN, **changes}, "in X")


def test_a_rate_does_not_end_above_its_peak():
    with pytest.raises(UserError, match=r"end_lr is 0\.7, .* above the learning rate of 0\.5"):
        rates(10, [1.0, 0.5], end_lr=0.7)
