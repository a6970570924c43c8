"""The commands on a parallel corpus of one's own: two languages that share rare words."""

import json
from pathlib import Path

from datasets import load_from_disk

from tests.methods.sbp.test_module import DATA, MODEL, run
from tests.methods.sbp.test_writing import base

EXPORT = {"checkpoint": {"every_n_train_steps": 100, "export_hf": True}}
FINDER = {
    "encoder": {
        "class_path": "lit_research.text.Tfidf",
        "init_args": {"max_document_share": 0.1},
    },
    "k": 5,
    "alpha": 0.5,
}


def write_parallel(path):
    """Write the chapters of a handbook in two languages, a JSON line each."""
    lines = []
    for number in range(30):
        texts = {
            "en": f"the command tool{number} reads file{number} and prints it",
            "de": f"der Befehl tool{number} liest file{number} und gibt es aus",
        }
        lines += [
            json.dumps({"text": text, "id": f"{number}.{language}", "kind": language})
            for language, text in texts.items()
        ]
    path.write_text("\n".join(lines))
    return str(path)


def test_translations_are_paired_tuned_on_and_written(tmp_path):
    text = {
        f"{DATA}.source": write_parallel(tmp_path / "handbook.jsonl"),
        f"{DATA}.max_train_tokens": ...,
        f"{DATA}.validation_fraction": 0.1,
    }
    tune = {
        "model.class_path": "Synthesizer",
        f"{MODEL}.lm": {"folder": base(tmp_path)},
        "data.class_path": "RelatedPairs",
        f"{DATA}.sequence_length": 128,
        f"{DATA}.finder": FINDER,
        f"{DATA}.pair_validation_fraction": 0.2,
        "trainer.max_steps": 2,
        **EXPORT,
    }
    tuned = run(tmp_path, {**tune, **text})
    ids = tuned.datamodule.pairable["id"]
    first, second = tuned.datamodule.columns("train")
    assert len(first) > 10
    for one, other in zip(first, second, strict=True):
        assert {f"{ids[one].split('.')[0]}.{x}" for x in ("en", "de")} == {ids[one], ids[other]}
    folder = Path(tuned.trainer.log_dir)
    card = json.loads((folder / "pairs.json").read_text())
    assert card["within"] == {"de": 0.0, "en": 0.0}
    write = {
        "model.class_path": "Synthesizer",
        f"{MODEL}.lm": {"folder": str(folder / "hf")},
        "data.class_path": "SyntheticCorpus",
        f"{DATA}.folder": str(tmp_path / "texts"),
        f"{DATA}.synthetic_tokens": 100,
        f"{DATA}.max_new_tokens": 20,
        # The model has hardly learned: anything that it writes is taken.
        f"{DATA}.filters": {"keep_unfinished": True, "keep_undecodable": True},
    }
    run(tmp_path, {**write, **text}, verb="predict")
    rows = load_from_disk(str(tmp_path / "texts"))
    assert {name.split(".")[1] for name in rows["source_id"]} <= {"en", "de"}
