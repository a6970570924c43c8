"""The ``lit-research`` command.

For example::

    lit-research fit --config configs/pretrain/tiny.yaml --model.init_args.z_loss 1e-4

``main`` is for Python and notebooks (arguments as a list or dict, mistakes raise ``UserError``);
``command`` is for the shell (a mistake is one line on stderr and exit code 2). Help, ``list`` and
``--version`` do not import torch, which takes seconds.
"""

from __future__ import annotations

import os
import signal
import sys
from textwrap import fill, indent
from typing import TYPE_CHECKING, Any

from lit_research import __version__
from lit_research.catalogue import config_dir, config_lines, listing, method_lines
from lit_research.errors import UserError
from lit_research.messages import say

if TYPE_CHECKING:
    from lit_research.lightning_cli import ResearchCLI

__all__ = ["command", "config_dir", "main"]

DEBUG_VARIABLE = "LIT_RESEARCH_DEBUG"

HELP = """usage: lit-research VERB --config CONFIG [--any.option VALUE ...]

verbs (lit-research VERB --help shows its options)
  fit        train; --ckpt_path last resumes
  validate   loss and metrics on the validation split
  test       loss, metrics and figures on the test split
  predict    what the method writes: log-probabilities, texts, proofs
  export     write a checkpoint as a transformers folder
  generate   continue prompts with a checkpoint
  list       the configs that come with the package

options of every verb
  --config CONFIG   a YAML file, or METHOD/NAME of a shipped config; a later one wins
  --run FOLDER      the saved config and the newest checkpoint of a run
  --name NAME       name of the run: runs/METHOD/NAME/version_N
  --KEY VALUE       any key of the config, such as --trainer.max_steps 50
  --print_config    show the whole config and stop
  --debug           show the traceback of a mistake
  --version         show the version

methods and their configs (lit-research list says what each config is)
{methods}

A mistake is one line and exit code 2. Start: lit-research fit --config pretrain/tiny
"""


def help_text() -> str:
    """Return what ``lit-research --help`` prints."""
    lines, configs = method_lines(), [name.split("/") for name in config_lines()]
    width = max(map(len, lines))
    rows = []
    for method, line in lines.items():
        names = ", ".join(
            f"{method}/{name}" for its_method, name in configs if its_method == method
        )
        rows += [f"  {method:<{width}}  {line}", indent(fill(names, 76), " " * (width + 4))]
    return HELP.format(methods="\n".join(rows))


def main(args: Any = None) -> ResearchCLI:
    """Run the command from Python and return its parts (``.model``, ``.datamodule``, ``.trainer``).

    Args:
        args: as on the command line, as a list or a dict; ``None`` reads ``sys.argv``.

    Raises:
        UserError: a mistake in the config or in what it names.
    """
    from lit_research.lightning_cli import run

    return run(args)


def command() -> None:
    """Entry point of ``lit-research``: exit code 2 and one line for a user's mistake."""
    if "--debug" in sys.argv:
        sys.argv.remove("--debug")
        os.environ[DEBUG_VARIABLE] = "1"  # the processes that DDP starts inherit it
    texts = {"-h": help_text, "--help": help_text, "list": listing}
    if sys.argv[1:] == ["--version"]:
        print(f"lit-research {__version__}")  # noqa: T201
    elif len(sys.argv) == 2 and sys.argv[1] in texts:
        print(texts[sys.argv[1]]())  # noqa: T201
    else:
        _run_and_exit()


def _run_and_exit() -> None:
    """Run ``main``; exit with 2 after a user's mistake, and with 130 after Ctrl-C."""
    say("loading torch, lightning and transformers ...")
    try:
        main()
    except UserError as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        print(f"lit-research: error: {' '.join(str(error).split())}", file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print("lit-research: interrupted", file=sys.stderr)  # noqa: T201
        raise SystemExit(128 + signal.SIGINT) from None


if __name__ == "__main__":
    command()
