"""What callbacks and verbs need of a method and its data, checked before training."""

from __future__ import annotations

import difflib
from fnmatch import fnmatch

import lightning.pytorch as pl

from lit_research.errors import UserError


def check_needs(trainer: pl.Trainer, module: pl.LightningModule, use: str, asked_by: str) -> None:
    """Refuse data that lack what a use of the module needs.

    A module declares it as ``needs``: ``{"sample": ("tokenizer",)}`` says that its method
    ``sample`` reads ``tokenizer`` of the data module.

    Args:
        trainer: knows the data module.
        module: the method.
        use: the key of ``needs``.
        asked_by: who wants to use it, for the message.

    Raises:
        UserError: the data module has no such attribute.
    """
    data = trainer.datamodule  # type: ignore[attr-defined]
    if data is not None:
        check_data(data, module, use, asked_by)


def check_data(data: object, module: object, use: str, asked_by: str) -> None:
    """Refuse data that lack what a use of the module needs; see ``check_needs``."""
    for name in getattr(module, "needs", {}).get(use, ()):
        # Not `hasattr(data, name)`: a property would build the corpus.
        if not hasattr(type(data), name) and name not in vars(data):
            raise UserError(
                f"{asked_by} needs data with {name}, and {type(data).__name__} has none (data and "
                f"{type(module).__name__} do not fit); give other data, or take {asked_by} out"
            )


def check_logged(trainer: pl.Trainer, module: pl.LightningModule, name: str, where: str) -> None:
    """Refuse a metric that is known never to be logged.

    Known are the names of a class that declares them as ``validation_metrics`` (patterns; what a
    subclass logs is not known), and the ``logs`` of callbacks.

    Args:
        trainer: knows the callbacks.
        module: the method.
        name: of the metric.
        where: it was asked for, for the message.

    Raises:
        UserError: nobody logs it.
    """
    declared = type(module).__dict__.get("validation_metrics")
    if declared is None:
        return
    lists = [getattr(callback, "logs", ()) for callback in trainer.callbacks]  # type: ignore[attr-defined]
    known = [*declared, *(metric for logs in lists for metric in logs)]
    if any(fnmatch(name, pattern) for pattern in known):
        return
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
    raise UserError(f"nobody logs {name!r}, {where}; {hint}")
