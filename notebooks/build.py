"""Writes the notebooks from the cells below, runs them and keeps what they show.

    python notebooks/build.py [NAME ...]

All of them take ten minutes on two cores. The cells of every notebook begin with ``SHOW``.
"""

import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

# Figures of the package are no pyplot figures: without this they would be shown as their names.
SHOW = "%matplotlib inline"
ANSI = re.compile(r"\x1b\[[\d;]*m")  # colours of a terminal

PRETRAIN = [
    "# Next-token training\n\nA tiny model on real text, its law, and what it writes."
    " Two minutes on two cores.",
    """from lit_research.cli import config_dir, main

cli = main([
    "fit", "--config", str(config_dir() / "pretrain/tiny.yaml"),
    "--trainer.max_steps=120", "--trainer.val_check_interval=20", "--trainer.limit_val_batches=4",
    "--data.init_args.sequence_length=128", "--trainer.enable_progress_bar=false",
    "--trainer.enable_model_summary=false",
])""",
    "## The loss against tokens seen, and the law fitted to it",
    """from lit_research.callbacks import ScalingLawFit

[law] = [c for c in cli.trainer.callbacks if isinstance(c, ScalingLawFit)]
print(law.fit.report())
law.fit.figure()""",
    "## What it writes",
    """for text in cli.model.sample(["The ", "def "], max_new_tokens=40, temperature=0.8, seed=0):
    print(repr(text))""",
    "## All of it in TensorBoard\n\n`tensorboard --logdir runs` in the folder of this notebook.",
]

ENSEMBLE = [
    "# An ensemble, its limit, and its student\n\nFive small members on 30,000 bytes of prose,"
    " the law of their number, the text that they write and a student of it. Two minutes on two"
    " cores.",
    """from lit_research.cli import config_dir, main

quiet = ["--trainer.enable_progress_bar=false", "--trainer.enable_model_summary=false"]
config = str(config_dir() / "ensemble/tiny.yaml")
small = ["--model.init_args.lm.hidden_size=32", "--model.init_args.lm.intermediate_size=96"]
fitted = main(["fit", "--config", config, *quiet, *small,
               "--trainer.max_epochs=6", "--trainer.check_val_every_n_epoch=3"])""",
    "## The loss of 1, 2, ..., 5 members, and its limit",
    """tested = main(["test", "--config", config, *quiet, *small, "--ckpt_path=last"])
tested.model.evaluation.curve.figure("logits")""",
    "## What the members write for a student",
    """from datasets import load_from_disk

pool = str(config_dir() / "ensemble/pool_tiny.yaml")
wrote = main(["predict", "--config", pool, *quiet, *small,
              "--data.init_args.documents=64", "--data.init_args.max_tokens=256"])
load_from_disk("runs/ensemble/pool_tiny/texts")[0]""",
    "## A student of real text and theirs",
    """student = main(["fit", "--config", str(config_dir() / "ensemble/distill_tiny.yaml"), *quiet,
                *small, "--data.init_args.passes=2", "--trainer.val_check_interval=1.0"])
float(student.trainer.callback_metrics["val/loss"])""",
]

TTT = [
    "# A model that goes on learning while it reads\n\nEvery sequence follows a permutation of its"
    " own, longer than the window. Two minutes on two cores.",
    """from lit_research.cli import config_dir, main

quiet = ["--trainer.enable_progress_bar=false", "--trainer.enable_model_summary=false"]
run = ["--config", str(config_dir() / "ttt/tiny.yaml"), *quiet, "--data.init_args.batch_size=8",
       "--trainer.max_steps=150", "--data.init_args.eval_length=512"]
fitted = main(["fit", *run])""",
    "## The loss along a sequence twice as long, with the inner loop on and off",
    """cli = main(["test", *run, "--ckpt_path=last"])
cli.model.evaluation.scores.figure()""",
    "## A stream: score, save, restore, go on\n\nThe state is the window and the fast weights; it"
    " does not grow.",
    """import torch
from lit_research.methods.ttt.streaming import Stream

text = next(iter(cli.datamodule.test_dataloader()))["input_ids"][:1]
stream = Stream(cli.model.lm)
scores = stream.score(text[:, :300])
stream.save("state.pt")
again = Stream.load(cli.model.lm, "state.pt")
rest = again.score(text[:, 300:])
print(again.position, "tokens,", again.bytes, "bytes of state;",
      "loss of the last hundred:", -float(rest[:, -100:].mean()))
again.generate(10, temperature=0.0)""",
]

DPG = [
    "# Texts that write a bitmap into a model\n\nA generator is rewarded by what each of its texts"
    " did to a target that was fine-tuned on them, exactly. A minute on two cores.",
    """from lit_research.cli import config_dir, main

quiet = ["--trainer.enable_progress_bar=false", "--trainer.enable_model_summary=false"]
run = ["--config", str(config_dir() / "dpg/tiny.yaml"), *quiet]
fitted = main(["fit", *run, "--trainer.max_steps=80", "--trainer.val_check_interval=80"])""",
    "## A fresh target, trained on fresh texts\n\nWanted, the signs that training added, and their"
    " sizes.",
    """import matplotlib.pyplot as plt

cli = main(["test", *run, "--ckpt_path=last"])
model, one = cli.model, cli.model.attributor
letters = "abcdefghijklmnop"
texts = [t for seed in range(8)
         for t in model.sample(list(letters), max_new_tokens=16, temperature=1.0, seed=seed)]
target, phi = one.run(texts)
with model.trained(target) as trained:
    print(model.metric.report(trained))
    plt.imshow(model.metric.picture(trained)[0], cmap="gray")""",
    "## What was each text worth?",
    """rewards = one.attribute(texts).tau
for i in rewards.argsort(descending=True)[:5].tolist():
    print(f"{float(rewards[i]):+.2e}  {texts[i]}")""",
    "## Is the derivative right? Against central differences of training itself\n\nIn fp32 it is"
    " the differences that are rough, by a tenth or two; the tests compare in float64, to 1e-4.",
    """from lit_research.metagrad import audit, metasmoothness

training, _ = one.training(texts)
found, _ = audit(training, model.metric, size=1e-2)
print(found, "relative error", found.relative_error, "(fp32)")
print("metasmoothness", metasmoothness(training))""",
]

SELF_PLAY = [
    "# A prover that invents its own exercises\n\nA Solver proves theorems, a Conjecturer writes"
    " lemmas for them, a Guide grades these, and the real Lean 4 kernel judges. Two to three"
    " minutes on two cores; needs the extra `[lean]`.",
    "## The warm start\n\nA search over tactics finds proofs of easy statements; a model of 0.4"
    " million parameters learns from them, and both players start as it.",
    """from lit_research.cli import config_dir, main

quiet = ["--trainer.enable_progress_bar=false", "--trainer.enable_model_summary=false"]
run = ["--config", str(config_dir() / "self_play/tiny.yaml"), *quiet,
       "--data.init_args.families=[propositional]", "--data.init_args.levels=[1,2]",
       "--data.init_args.size=40", "--data.init_args.held_out=16", "--data.init_args.warm=100",
       "--model.init_args.warm_start.epochs=6", "--model.init_args.warm_start.batch_size=32",
       "--model.init_args.max_new_tokens=48"]
cli = main(["fit", *run, "--trainer.max_steps=1", "--trainer.val_check_interval=1"])
before = float(cli.trainer.callback_metrics["val/pass_at_k"])""",
    "## Three rounds of self-play, from the checkpoint of the warm start",
    """cli = main(["fit", *run, "--trainer.max_steps=4", "--trainer.val_check_interval=4",
            "--ckpt_path=last"])
after = float(cli.trainer.callback_metrics["val/pass_at_k"])
print(f"held-out theorems proved in 8 attempts: {before:.0%} before, {after:.0%} after")
for round_, generations, solved in cli.model.state.history:
    print(f"round {round_}: {generations} generations, {solved:.0%} of the targets solved")""",
    "## Proofs that it found, the targets that were solved last first",
    """state = cli.model.state
targets = {theorem.id: theorem.statement for theorem in cli.datamodule.targets}
for name in sorted(state.proofs, key=state.solved_in.get, reverse=True)[:4]:
    print(targets[name], ":= by")
    print("  " + state.proofs[name][0].strip().replace("\\n", "\\n  "), end="\\n\\n")""",
    "## What the Conjecturer wrote\n\nThe archive holds everything that was tried: here the"
    " conjectures that were played, the best paid first. Only what is proved at times is graded.",
    """from pathlib import Path

from lit_research.methods.self_play.archive import Archive

archive = Archive(Path(cli.trainer.log_dir) / "attempts.sqlite")
played = [c for c in archive.conjectures() if c.solve_rate is not None]
for c in sorted(played, key=lambda c: -1 if c.weight is None else c.weight, reverse=True)[:5]:
    print(f"for {targets[c.target]}\\n    {c.statement}")
    print(f"    proved in {8 * c.solve_rate:.0f} of 8 attempts; relevance {c.relevance},"
          f" redundancy {c.redundancy}, complexity {c.complexity}; weight {c.weight}")
archive.close()""",
    "## Forged proofs are refused",
    """from lit_research.lean import Attempt, EmbeddedLean

forged = [
    "decide",
    "sorry",
    "native_decide",
    "set_option debug.skipKernelTC true in decide",
    "trivial)\\naxiom bad : 1 = 2\\ntheorem other : 1 = 2 := (by exact bad",
]
with EmbeddedLean() as lean:
    verdicts = lean.verify([Attempt("theorem t : 1 = 2", proof) for proof in forged])
for proof, verdict in zip(forged, verdicts):
    print(verdict.proved, repr(proof), "->", verdict.reason.splitlines()[0])""",
]


NOTEBOOKS = {
    "pretrain": PRETRAIN,
    "ensemble": ENSEMBLE,
    "ttt": TTT,
    "dpg": DPG,
    "self_play": SELF_PLAY,
}


def build(cells: list[str]) -> NotebookNode:
    """Make a notebook that has not been run; a cell that begins with ``#`` is text."""
    notebook = nbformat.v4.new_notebook()
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    first = next(number for number, cell in enumerate(cells) if not cell.startswith("#"))
    for number, cell in enumerate(cells):
        make = nbformat.v4.new_markdown_cell if cell.startswith("#") else nbformat.v4.new_code_cell
        text = f"{SHOW}\n{cell}" if number == first else cell
        notebook.cells.append(make(text, id=f"cell-{number}"))
    return notebook


def run(notebook: NotebookNode) -> None:
    """Run a notebook in a new folder; what it shows names neither that folder nor the machine."""
    with TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        NotebookClient(notebook, timeout=3600, resources=resources, record_timing=False).execute()
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs = [clean(output, folder) for output in cell.outputs if shown(output)]
    del notebook.metadata["language_info"]  # of this machine's Python


def shown(output: NotebookNode) -> bool:
    """Whether an output is the notebook's own; what libraries log on stderr is not."""
    return output.get("name") != "stderr"


def clean(output: NotebookNode, folder: str) -> NotebookNode:
    """Make paths relative to the folder of the notebook; a picture needs no text beside it."""
    if "text" in output:
        output.text = output.text.replace(f"{folder}/", "")
    if "text/plain" in output.get("data", {}):
        output.data["text/plain"] = ANSI.sub("", output.data["text/plain"])
    if "image/png" in output.get("data", {}):
        output.data = {"image/png": output.data["image/png"]}
    return output


if __name__ == "__main__":
    for name in sys.argv[1:] or NOTEBOOKS:
        notebook = build(NOTEBOOKS[name])
        run(notebook)
        nbformat.write(notebook, Path(__file__).parent / f"{name}.ipynb")
