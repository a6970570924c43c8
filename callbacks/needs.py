"""Check before training what callbacks and verbs need of a method and its data."""

from __future__ import annotations

from fnmatch import fnmatch

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from lightning.pytorch.utilities.model_helpers import is_overridden
from typing_extensions import override

from lit_research.errors import UserError, nearest


def check_needs(trainer: pl.Trainer, module: pl.LightningModule, use: str, asked_by: str) -> None:
    """Refuse data that lack what a use of the module needs.

    A module declares it in ``needs``: ``{"sample": ("tokenizer",)}`` means that its method
    ``sample`` reads ``tokenizer`` of the data module.

    Args:
        trainer: knows the data module.
        module: the method.
        use: the key of ``needs``.
        asked_by: what uses it, for the message.

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
        if getattr(type(data), name, None) is None and name not in vars(data):
            raise UserError(
                f"{asked_by} needs data with {name}, and {type(data).__name__} has none (data and "
                f"{type(module).__name__} do not fit); use other data, or remove {asked_by}"
            )


_STEPS = {
    "fit": ("training_step",),
    "validate": ("validation_step",),
    "test": ("test_step",),
    "predict": ("predict_step", "forward"),  # Lightning's own step calls forward
}


def check_verb(module: pl.LightningModule, verb: str) -> None:
    """Refuse a verb that a method does not have, before its data are read.

    Args:
        module: the method.
        verb: those that are not the trainer's pass.

    Raises:
        UserError: the method has no step of that verb.
    """
    has = [
        known
        for known, steps in _STEPS.items()
        if any(is_overridden(step, module, pl.LightningModule) for step in steps)
    ]
    if verb in _STEPS and verb not in has:
        raise UserError(
            f"{type(module).__name__} has no {verb}; it has {' and '.join(has) or 'no verb'}"
        )


def check_logged(trainer: pl.Trainer, module: pl.LightningModule, name: str, where: str) -> None:
    """Refuse a metric that is known never to be logged.

    The known names are those that a class declares in ``validation_metrics`` (patterns; not
    inherited, since a subclass may log others), and the ``logs`` of callbacks.

    Args:
        trainer: knows the callbacks.
        module: the method.
        name: of the metric.
        where: where it was requested, for the message.

    Raises:
        UserError: the metric is never logged.
    """
    declared = type(module).__dict__.get("validation_metrics")
    if declared is None:
        return
    lists = [getattr(callback, "logs", ()) for callback in trainer.callbacks]  # type: ignore[attr-defined]
    known = [*declared, *(metric for logs in lists for metric in logs)]
    if any(fnmatch(name, pattern) for pattern in known):
        return
    raise UserError(f"the metric {name!r} is never logged, {where}; {nearest(name, known)}")


def check_validates(trainer: pl.Trainer, module: pl.LightningModule, name: str, where: str) -> None:
    """Refuse to wait for a validation in a run that has none.

    Args:
        trainer: of the run, whose data module is set up.
        module: the method.
        name: of the metric that is read after each validation.
        where: where it was requested, for the message.

    Raises:
        UserError: the run never validates; the message says why.
    """
    reason = _why_never_validated(trainer, module)
    if reason is not None:
        raise UserError(
            f"{name!r} is read after each validation, {where}, and there is none, since {reason}; "
            "enable validation, or leave that out"
        )


def _why_never_validated(trainer: pl.Trainer, module: pl.LightningModule) -> str | None:
    """Return why a ``fit`` run never validates; ``None`` if it does, or if that is unknown."""
    data = trainer.datamodule  # type: ignore[attr-defined]
    if trainer.limit_val_batches == 0:
        return "trainer.limit_val_batches is 0"
    if not is_overridden("validation_step", module):
        return f"{type(module).__name__} has no validation_step"
    if data is not None and not is_overridden("val_dataloader", data):
        return f"{type(data).__name__} has no validation data"
    if not getattr(data, "has_validation", True):
        return f"there is no validation split, in data.init_args of {type(data).__name__}"
    return None


class CheckMonitors(Callback):
    """Refuse, before training, callbacks of Lightning whose monitored metric is never logged."""

    @override
    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        for callback in trainer.callbacks if stage == "fit" else ():  # type: ignore[attr-defined]
            # Not `ResearchCheckpoint`, which has its own check.
            if isinstance(callback, EarlyStopping) or type(callback) is ModelCheckpoint:
                name, where = callback.monitor or "", f"for {type(callback).__name__}"
                if name.startswith(("val/", "train/")):
                    check_logged(trainer, pl_module, name, where)
                if name.startswith("val/"):
                    check_validates(trainer, pl_module, name, where)
