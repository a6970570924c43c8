"""Executors of clusters, run for real where their packages are installed."""

import os
import sys
from pathlib import Path

import pytest

from lit_research.cli import main as command
from lit_research.errors import UserError
from lit_research.experiments import Arm, executors, make_executor, run_arms
from tests.experiments.cluster_calls import die_once, refuse, square
from tests.helpers import tiny, write_tiny

# name: (package, arguments; threads are left alone, so that a worker need not import torch)
CLUSTERS = {
    "SubmititExecutor": ("submitit", {"cluster": "local", "threads": None}),
    "RayExecutor": ("ray", {}),
    "DaskExecutor": ("distributed", {"threads": None}),
}


@pytest.fixture(params=CLUSTERS)
def make(request, tmp_path, monkeypatch):
    """Makes an executor whose package is installed, as a config would name it."""
    package, options = CLUSTERS[request.param]
    pytest.importorskip(package)
    # Workers import what they are to call.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[2]), *sys.path]))
    if request.param == "SubmititExecutor":
        options = {**options, "folder": str(tmp_path / "jobs")}
    return lambda **more: getattr(executors, request.param)(**{**options, **more})


def test_calls_run_elsewhere_and_give_what_they_return_or_raise(make, tmp_path, capfd):
    with make() as pool:
        assert list(pool.map(square, range(3))) == [0, 1, 4]
        with pytest.raises(UserError, match="n is 5") as raised:
            pool.submit(refuse, 5).result()
        assert "cluster_calls.py" in str(raised.value.__cause__)
        assert pool.submit(die_once, str(tmp_path / "flag")).result() == "alive"
    assert "still alive" not in capfd.readouterr().err
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit(square, 1)


def test_processes_of_this_machine_run_calls_and_raise_what_they_raise():
    with make_executor(None, 2) as pool:
        assert list(pool.map(square, range(3))) == [0, 1, 4]
        with pytest.raises(UserError, match="n is 5"):
            pool.submit(refuse, 5).result()


@pytest.mark.replica
def test_arms_on_a_cluster_are_those_in_turn(make, tmp_path, monkeypatch):
    arm = write_tiny(tmp_path, {"trainer.logger": tiny(tmp_path)["trainer"]["logger"]}, "arm.yaml")
    arms = [Arm("narrow", str(arm), {"model.init_args.lm.hidden_size": 8}), Arm("wide", str(arm))]
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    in_turn = run_arms(arms, [0], tmp_path / "in_turn", command)
    with make() as pool:
        assert run_arms(arms, [0], tmp_path / "apart", command, pool) == in_turn


@pytest.mark.parametrize("name", CLUSTERS)
def test_a_package_that_is_missing_is_named(name, monkeypatch):
    package, options = CLUSTERS[name]
    monkeypatch.setitem(sys.modules, package, None)
    with (
        pytest.raises(UserError, match=rf"{name} needs the package {package}.*pip install"),
        make_executor(f"lit_research.experiments.executors.{name}", 1) as pool,
    ):
        pool.submit(square, 1)
    with pytest.raises(UserError, match="jobs is 0"):
        getattr(executors, name)(**options, jobs=0)


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("SubmititExecutor", {"cluster": "nowhere"}, "nowhere"),
        ("SubmititExecutor", {"cluster": "local", "parameters": {"minutes": 3}}, "minutes"),
    ],
)
def test_arguments_that_a_package_refuses_are_one_line(name, options, reason, tmp_path):
    pytest.importorskip(CLUSTERS[name][0])
    with (
        getattr(executors, name)(folder=str(tmp_path), **options) as pool,
        pytest.raises(UserError, match=f"{name} cannot start.*{reason}"),
    ):
        pool.submit(square, 1)
