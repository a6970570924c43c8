"""``python -m lit_research.laws``."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest

from lit_research.laws.__main__ import main
from lit_research.laws.published import CHINCHILLA_REFIT

N = [0.154147328, 0.299649792, 0.602457088, 1.540732416]
LOSS = [3.9484, 3.7652, 3.6845, 3.6429]
RECORDS = [{"N": n, "loss": loss, "name": f"run {n}"} for n, loss in zip(N, LOSS, strict=True)]


def write(path, records):
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(record) + "\n" for record in records) + "\n")
    elif path.suffix == ".json":
        path.write_text(json.dumps(records, indent=1))
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, records[0])
            writer.writeheader()
            writer.writerows(records)
    return str(path)


@pytest.mark.parametrize("suffix", ["jsonl", "json", "csv"])
def test_command_prints_the_table_and_writes_a_figure_beside_the_points(suffix, tmp_path, capsys):
    points = write(tmp_path / f"points.{suffix}", RECORDS)
    assert main([points, "--law", "power", "--x", "N", "--y", "loss", "--method", "ls"]) == 0
    printed = capsys.readouterr().out
    assert "PowerLaw: E + A / x^alpha" in printed
    assert "3.62521" in printed
    assert {path.name for path in tmp_path.iterdir()} == {"points.png", f"points.{suffix}"}


def test_module_runs_as_a_command(tmp_path):
    points = write(tmp_path / "points.jsonl", RECORDS)
    command = [sys.executable, "-m", "lit_research.laws", points, "--x", "N", "--noise", "0.01"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "90% interval (profile)" in done.stdout
    assert (tmp_path / "points.png").exists()


def test_figure_and_json_go_where_they_are_told(tmp_path):
    points = write(tmp_path / "points.csv", RECORDS)
    figure, out = tmp_path / "fit.svg", tmp_path / "fit.json"
    arguments = ["--x", "N", "--method", "ls", "--noise", "0.01"]
    assert main([points, *arguments, "--figure", str(figure), "--out", str(out)]) == 0
    assert figure.read_text().startswith("<?xml")
    data = json.loads(out.read_text())
    assert data["params"]["E"] == pytest.approx(3.62521, abs=1e-4)
    assert data["noise"] == [0.01] * 4


def test_laws_of_several_variables_take_their_columns_in_order(tmp_path, capsys):
    sizes, tokens = (axis.reshape(-1) for axis in np.meshgrid([1e8, 1e9, 1e10], [1e9, 1e10, 1e11]))
    losses = CHINCHILLA_REFIT.predict({"N": sizes, "D": tokens})
    records = [
        {"params": n, "tokens": d, "loss": loss}
        for n, d, loss in zip(sizes, tokens, losses, strict=True)
    ]
    points = write(tmp_path / "points.jsonl", records)
    assert main([points, "--law", "Chinchilla", "--x", "params", "tokens"]) == 0
    assert "482.01" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "text", "arguments", "message"),
    [
        ("points.jsonl", None, [], "points.jsonl cannot be read: No such file"),
        ("points.txt", "N,loss", [], "points are read from .jsonl, .json, .csv"),
        ("points.jsonl", "", [], "holds no points"),
        ("points.csv", "N,loss\n", [], "holds no points"),
        ("points.jsonl", '{"N": 1, "loss": 2}\n{"N": 1\n', [], "line 2, is not JSON"),
        ("points.json", "[1, 2]", [], "record 1, holds 1, not an object"),
        ("points.json", "3", [], "the whole file, holds 3, not an object"),
        ("points.jsonl", '[{"N": 1, "loss": 2}]', [], "line 1, holds"),
        ("points.jsonl", '{"D": 1, "loss": 2}', [], "line 1, has no column 'N'; it has D, loss"),
        ("points.csv", "N,loss\n1,2\n2,high\n", [], "line 3, holds 'high' for 'loss'"),
        ("points.jsonl", '{"N": 1, "loss": null}', [], "holds None for 'loss'"),
        ("points.jsonl", '{"N": 1, "loss": true}', [], "holds True for 'loss'"),
        ("points.jsonl", '{"N": 1, "loss": 2}', [], "too few points: 1 distinct x"),
        ("points.jsonl", '{"N": 1, "loss": NaN}', [], "y holds nan"),
        ("points.jsonl", "{}", ["--law", "cubic"], "no law is called 'cubic'"),
        (
            "points.jsonl",
            "{}",
            ["--law", "chinchilla"],
            "--x names 1 columns, for Chinchilla; must be",
        ),
    ],
)
def test_mistakes_give_one_line_and_exit_code_2(name, text, arguments, message, tmp_path, capsys):
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    assert main([str(path), "--x", "N", *arguments]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert message in output.err
    assert output.err.count("\n") == 1
    assert not (tmp_path / "points.png").exists()


@pytest.mark.parametrize("figure", ["missing/fit.png", "fit.docx"])
def test_a_figure_that_cannot_be_written_is_a_mistake_too(figure, tmp_path, capsys):
    points = write(tmp_path / "points.jsonl", RECORDS)
    assert main([points, "--x", "N", "--figure", str(tmp_path / figure)]) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["points.jsonl"]
