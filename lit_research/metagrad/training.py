"""``Training``: a description of a training run, and what ``preflight`` found out about it.

``train`` (in ``forward.py``) runs it and keeps states; ``metagradient`` (in ``reverse.py``) walks
back over them.

Legend: T steps, B examples of a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from lit_research.errors import UserError
from lit_research.metagrad.model_checks import check_differentiable
from lit_research.metagrad.optimizers import Optimizer
from lit_research.metagrad.saves import parse_save
from lit_research.ranges import COUNT, POSITIVE, check_range

Losses = Callable[[Any, Any], Tensor]


@dataclass(frozen=True)
class Preflight:
    """What ``preflight`` tried, and passed, before a training.

    Args:
        seconds: time that it took.
        examples: number of examples of the first batch that were used.
        random: whether the step draws random numbers, which the seed determines.
        functions: names of the custom autograd Functions of the step.
        checked: whether finite differences confirmed their second derivative; they cannot where
            the losses have kinks.
        micro_batches: whether micro-batches were compared with a whole batch; not where there are
            none, or where the losses are random in eval mode too.
    """

    seconds: float
    examples: int
    random: bool
    functions: tuple[str, ...]
    checked: bool
    micro_batches: bool


@dataclass(frozen=True)
class Training:
    """What is trained, on what and how.

    Args:
        model: its parameters with ``requires_grad`` are theta_0; ``train`` does not change them.
        batches: of step 0 to T - 1: a tensor, a dict or a tuple of tensors whose first dimension
            is the example. They are read by index, also on the backward walk. A DataLoader is read
            into a list.
        losses: ``losses(model, batch)`` returns the loss of each example, ``[B]``, or of each
            token, ``[B, ...]``, in the dtype of the parameters.
        optimizer: ``AdamW``, ``SGD``, ``Muon``, or any other pure function of its kind.
        lr: learning rate of each step, T values; None uses the optimiser's.
        weight_decay: weight decay of each step, T values; None uses the optimiser's.
        divisor: the weighted sum of a batch's losses is divided by it; None means B.
        micro_batch: examples whose graph is held at a time; None means the whole batch. It affects
            memory, rounding and which dropout masks a seed draws. It would affect the result only
            where an example's loss depends on the others of its batch (a mean over the batch's
            tokens, in-batch negatives), which is refused: return sums and give ``divisor``.
        save: which states to keep, see ``saves.py``.
        store: where to keep them: ``ram`` (memory of the model's device), ``pinned`` (host memory)
            or ``disk:FOLDER``.
        seed: of all random numbers of a step (dropout of any kind, noise), which are drawn from
            (seed, step, micro-batch), and of the metric's. None refuses a step that draws any.
        compile: compile the step and its reverse as pure functions, which takes minutes, once for
            each shape of a batch. Kept states then hold the gradient too.
        preflight: first try the step and its derivatives on a few examples, once for each
            ``Training``, and refuse what would be wrong, see ``preflight.py``. False skips that.

    Raises:
        UserError: a value is out of its range, or the model cannot be differentiated twice.
    """

    model: nn.Module
    batches: Sequence[Any]
    losses: Losses
    optimizer: Optimizer
    lr: Sequence[float] | None = None
    weight_decay: Sequence[float] | None = None
    divisor: float | None = None
    micro_batch: int | None = None
    save: str = "sqrt"
    store: str = "ram"
    seed: int | None = None
    compile: bool = False
    preflight: bool = True
    # The result of the preflight, once it has passed.
    _passed: list[Preflight] = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "batches", _as_sequence(self.batches))
        if not len(self.batches):
            raise UserError("there are no batches, in Training; must be one for each step")
        for name in ("lr", "weight_decay"):
            values = getattr(self, name)
            if values is not None and len(values) != len(self.batches):
                raise UserError(
                    f"{name} has {len(values)} values, in Training; must have one for each of the "
                    f"{len(self.batches)} steps"
                )
        if self.weight_decay is not None and not self.optimizer.weight_decay:
            raise UserError(
                "weight_decay has a value for each step, in Training, but the optimiser's is 0 and "
                "switches decay off; must be above 0 in the optimiser"
            )
        check_range(COUNT, "in Training", micro_batch=self.micro_batch)
        check_range(POSITIVE, "in Training", divisor=self.divisor)
        parse_save(self.save, len(self.batches))
        if self.compile and self.seed is not None:
            raise UserError(
                "compile and seed are both given, in Training, and compiled dropout draws other "
                "numbers on the backward walk; call eval() on the model and give no seed, or do "
                "not compile"
            )
        check_differentiable(self.model)


def _as_sequence(batches: Any) -> Sequence[Any]:
    """Return batches that can be read by index, which a DataLoader's cannot."""
    if hasattr(batches, "__getitem__"):
        return batches
    try:
        len(batches)
        return list(batches)
    except TypeError as error:
        raise UserError(
            f"batches is a {type(batches).__name__}, in Training; must be a sequence of batches, "
            "which are read again on the backward walk, such as a list of as many as there are "
            "steps"
        ) from error
