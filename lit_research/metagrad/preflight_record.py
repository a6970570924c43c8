"""``Preflight``: what was tried before a training, as the training remembers it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Preflight:
    """What was tried, and passed.

    Args:
        seconds: that it took.
        examples: of the first batch.
        random: whether the step draws random numbers, which the seed fixes.
        functions: custom autograd Functions of the step.
        checked: whether differences could confirm their second derivative; not where the losses
            have kinks.
        micro_batches: whether micro-batches were compared with a whole batch; not where there are
            none, or where the losses are random in eval mode too.
    """

    seconds: float
    examples: int
    random: bool
    functions: tuple[str, ...]
    checked: bool
    micro_batches: bool
