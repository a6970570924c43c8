"""An exported student answers a local task of lm-evaluation-harness as it answers here."""

import json
import subprocess
import sys

import pytest
import yaml

from lit_research.cli import main
from tests.methods.openthoughts.test_module import run

ITEMS = [{"question": "1+1", "answer": "2"}, {"question": "2+3", "answer": "5"}]
TASK = {
    "task": "two_items",
    "dataset_path": "json",
    "test_split": "test",
    "output_type": "generate_until",
    "doc_to_text": "{{question}}\n",
    "doc_to_target": "{{answer}}",
    "target_delimiter": "",
    "generation_kwargs": {"until": ["\n\n\n\n"], "do_sample": False, "max_gen_toks": 12},
    "filter_list": [
        {
            "name": "final",
            "filter": [
                {"function": "regex", "regex_pattern": "#### *(.+)"},
                {"function": "take_first"},
            ],
        }
    ],
    "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
}


def test_a_harness_asks_an_exported_student(tmp_path):
    pytest.importorskip("lm_eval")
    items = tmp_path / "items.jsonl"
    items.write_text("".join(f"{json.dumps(item)}\n" for item in ITEMS))
    asked = {"data.init_args.validation": str(items), "data.init_args.test": str(items)}
    greedy = {"model.init_args.samples": 1, "model.init_args.test_samples": 1}
    trained = run(tmp_path, {**asked, **greedy, "model.init_args.temperature": 0.0})
    run_folder = str(trained.trainer.log_dir)
    main(["test", "--run", run_folder])
    main(["export", "--run", run_folder, "--folder", str(tmp_path / "exported")])
    [answers] = tmp_path.rglob("answers.0.jsonl")
    ours = [json.loads(line)["text"] for line in answers.read_text().splitlines()]

    task = {**TASK, "dataset_kwargs": {"data_files": {"test": str(items)}}}
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "two_items.yaml").write_text(yaml.safe_dump(task))
    [student] = [path.parent for path in (tmp_path / "exported").rglob("config.json")]
    command = ["--model", "hf", "--model_args", f"pretrained={student},dtype=float32"]
    command += ["--tasks", "two_items", "--include_path", str(tmp_path / "task"), "--device", "cpu"]
    command += ["--output_path", str(tmp_path / "results"), "--log_samples", "--batch_size", "1"]
    subprocess.run([sys.executable, "-m", "lm_eval", *command], check=True, cwd=tmp_path)

    [results] = (tmp_path / "results").rglob("results_*.json")
    found = json.loads(results.read_text())
    assert found["n-samples"]["two_items"]["effective"] == 2
    assert 0 <= found["results"]["two_items"]["exact_match,final"] <= 1
    [samples] = (tmp_path / "results").rglob("samples_*.jsonl")
    records = [json.loads(line) for line in samples.read_text().splitlines()]
    theirs = {one["doc"]["question"]: one["resps"][0][0] for one in records}
    assert [theirs[item["question"]] for item in ITEMS] == ours
