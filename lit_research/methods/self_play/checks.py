"""What ``SelfPlay`` refuses: values that no verb can use, and games that cannot be played."""

from __future__ import annotations

from lightning.pytorch.strategies import DDPStrategy

from lit_research.errors import UserError
from lit_research.methods.self_play.guides import Guide
from lit_research.methods.self_play.players import Weights
from lit_research.methods.self_play.rules import Rules
from lit_research.methods.self_play.warm_start import WarmStart
from lit_research.ranges import COUNT, NOT_NEGATIVE, Range, check_range

WHERE = "in model.init_args of SelfPlay"


def check_sampling(sizes: dict[str, int], temperature: float, top_p: float) -> None:
    """Refuse values that no verb can use.

    Args:
        sizes: that must be 1 or more, by the names of their arguments.
        temperature: of the sampling.
        top_p: of the sampling.

    Raises:
        UserError: a value is out of its range.
    """
    check_range(COUNT, WHERE, **sizes)
    check_range(Range(above=0, at_most=1), WHERE, top_p=top_p)
    check_range(NOT_NEGATIVE, WHERE, temperature=temperature)


def check_fit(
    rules: Rules,
    warm_start: WarmStart | None,
    guide: Guide | None,
    weights: Weights,
    temperature: float,
) -> None:
    """Refuse, for ``fit`` alone, what leaves nothing to learn or to grade.

    Raises:
        UserError: attempts are all alike, or a warm start or a Guide would have no effect.
    """
    if temperature == 0:
        raise UserError(
            f"temperature is {temperature}, {WHERE}: give a number above 0; attempts "
            "that are all alike teach nothing"
        )
    if warm_start is not None and weights == "lora":
        raise UserError(
            f"weights is lora with a warm_start, {WHERE}: a base that is frozen learns nothing "
            "from it; load a trained base (lm: {folder: PATH}) or leave warm_start out"
        )
    if guide is not None and (rules.conjecturer == "stp" or rules.conjectures == 0):
        raise UserError(
            f"guide is {type(guide).__name__}, {WHERE}, but the rules leave it nothing to "
            f"grade (conjecturer: {rules.conjecturer}, conjectures: {rules.conjectures}): give "
            "guide: null"
        )


def check_strategy(strategy: object, weights: Weights) -> None:
    """Refuse DDP that expects every parameter in every step.

    Raises:
        UserError: it does, and the players are trained in turn.
    """
    expects_all = isinstance(strategy, DDPStrategy) and not strategy._ddp_kwargs.get(
        "find_unused_parameters"
    )
    if expects_all and weights != "tied":
        raise UserError(
            "strategy is ddp, in trainer, but the players are trained in turn: give "
            "ddp_find_unused_parameters_true"
        )
