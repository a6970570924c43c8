"""``Training``: what is trained, on what and how, so that it can be walked backwards.

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
from lit_research.metagrad.optimizers import Optimizer
from lit_research.metagrad.preflight_record import Preflight
from lit_research.metagrad.refusals import check_differentiable
from lit_research.metagrad.saves import parse_save
from lit_research.ranges import COUNT, POSITIVE, check_range

Losses = Callable[[Any, Any], Tensor]


@dataclass(frozen=True)
class Training:
    """What is trained, on what and how.

    Args:
        model: its parameters with ``requires_grad`` are theta_0; ``train`` does not change them.
        batches: of step 0 to T - 1: a tensor, a dict or a tuple of tensors whose first dimension
            is the example. They are read by index, on the way back as well. A DataLoader is read
            into a list.
        losses: ``losses(model, batch)`` returns the loss of each example, ``[B]``, or of each
            token, ``[B, ...]``, in the dtype of the parameters.
        optimizer: ``AdamW``, ``SGD``, ``Muon``, or any other pure function of its kind.
        lr: learning rate of each step, T of them; None is the optimiser's.
        weight_decay: likewise.
        divisor: the weighted sum of a batch's losses is divided by it; None is B.
        micro_batch: examples whose graph is held at a time; None is all of a batch. It changes the
            memory that is needed and the rounding, and which dropout a seed draws; the result only
            where an example's loss depends on the others of its batch (a mean over the batch's
            tokens, in-batch negatives), which is refused: return sums and give ``divisor``.
        save: which states to keep, see ``saves.py``.
        store: where: ``ram`` (beside the model), ``pinned`` (host memory), ``disk:FOLDER``.
        seed: of all random numbers of a step (dropout of any kind, noise), which are drawn from
            (seed, step, micro-batch), and of the metric's. None refuses a step that draws some.
        compile: compile the step and its reverse as pure functions, which takes minutes, once for
            each shape of a batch. Kept states then hold the gradient too.
        preflight: ``train`` first tries the step and its derivatives on a few examples and refuses
            what would be wrong, see ``preflight.py``; once for each ``Training``. False trusts you.

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
    # What passed, once it did.
    _passed: list[Preflight] = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "batches", _as_sequence(self.batches))
        if not len(self.batches):
            raise UserError("there are no batches, in Training: give one for each step")
        for name in ("lr", "weight_decay"):
            given = getattr(self, name)
            if given is not None and len(given) != len(self.batches):
                raise UserError(
                    f"{name} has {len(given)} values, in Training, for {len(self.batches)} steps: "
                    "give one for each"
                )
        if self.weight_decay is not None and not self.optimizer.weight_decay:
            raise UserError(
                "weight_decay has a value for each step, in Training, but the optimiser's is 0 and "
                "switches decay off: give the optimiser a weight_decay above 0"
            )
        check_range(COUNT, "in Training", micro_batch=self.micro_batch)
        check_range(POSITIVE, "in Training", divisor=self.divisor)
        parse_save(self.save, len(self.batches))
        if self.compile and self.seed is not None:
            raise UserError(
                "compile and seed are both given, in Training: compiled dropout draws other numbers"
                " on the way back; call eval() on the model and give no seed, or do not compile"
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
            "which are read again on the way back: give list(...) of as many as there are steps"
        ) from error
