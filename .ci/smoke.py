"""Run every tiny config of the installed package, training two steps; the first by the command.

python .ci/smoke.py
"""

import os
import subprocess
import sys

from lit_research.catalogue import with_bases
from lit_research.cli import config_dir, main

QUIET = [
    "--trainer.max_steps=2",
    "--trainer.limit_val_batches=1",
    "--trainer.enable_progress_bar=false",
]
# What makes two steps of a method short.
SMALLER = {
    "dpg": ["--model.init_args.rollouts=2", "--model.init_args.inner.batch_size=16"],
    "self_play": [
        "--data.init_args.size=8",
        "--data.init_args.held_out=4",
        "--data.init_args.warm=20",
        "--model.init_args.warm_start.epochs=1",
        "--model.init_args.rules.attempts=2",
        "--model.init_args.max_new_tokens=32",
        "--model.init_args.eval_attempts=2",
    ],
    "megadocs": ["--data.init_args.max_documents=40"],
    "longcode": ["--data.init_args.items.init_args.limit=16"],
}
# Configs whose verb is not fit, and those that start from what another one writes.
VERBS = {
    "megadocs/tiny.yaml": "predict",
    "longcode/tiny.yaml": "test",
    "idea_study/tiny.yaml": "test",
}
BEFORE = {"sbp/tiny.yaml": "sbp/base_tiny.yaml"}

configs = sorted(f"{path.parent.name}/{path.name}" for path in config_dir().glob("*/tiny*.yaml"))
configs = [one for name in configs for one in (BEFORE.get(name), name) if one is not None]
for number, name in enumerate(configs):
    sys.stdout.write(f"--- {name}\n")
    sys.stdout.flush()
    files = [word for file in with_bases(config_dir() / name) for word in ("--config", str(file))]
    words = [VERBS.get(name, "fit"), *files, *QUIET, *SMALLER.get(name.split("/")[0], [])]
    if number == 0:
        command = os.path.join(os.path.dirname(sys.executable), "lit-research")
        subprocess.run([command, *words], check=True)
    else:
        main(words)
