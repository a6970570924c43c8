"""Run four steps of every tiny config of the installed package; the first by the command itself.

python .ci/smoke.py
"""

import os
import subprocess
import sys

from lit_research.catalogue import with_bases
from lit_research.cli import config_dir, main

QUIET = [
    "--trainer.max_steps=4",
    "--trainer.limit_val_batches=2",
    "--trainer.enable_progress_bar=false",
]
# What makes four steps of a method short.
SMALLER = {
    "self_play": [
        "--data.init_args.size=24",
        "--data.init_args.held_out=8",
        "--data.init_args.warm=60",
        "--model.init_args.warm_start.epochs=2",
        "--model.init_args.eval_attempts=2",
    ]
}

for number, config in enumerate(sorted(config_dir().glob("*/tiny*.yaml"))):
    sys.stdout.write(f"--- {config.parent.name}/{config.name}\n")
    sys.stdout.flush()
    files = [word for file in with_bases(config) for word in ("--config", str(file))]
    words = ["fit", *files, *QUIET, *SMALLER.get(config.parent.name, [])]
    if number == 0:
        command = os.path.join(os.path.dirname(sys.executable), "lit-research")
        subprocess.run([command, *words], check=True)
    else:
        main(words)
