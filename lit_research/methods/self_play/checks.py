"""Checks of the arguments of ``SelfPlay``, alone and in combination."""

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
    """Refuse values that are invalid for every verb.

    Args:
        sizes: arguments that must be at least 1, by name.
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
    """Refuse combinations with which ``fit`` would have nothing to train on or to grade.

    Raises:
        UserError: all attempts would be identical, or a warm start or a Guide without effect.
    """
    if temperature == 0:
        raise UserError(
            f"temperature is {temperature}, {WHERE}; must be above 0 for fit, which learns nothing "
            "from identical attempts"
        )
    if warm_start is not None and weights == "lora":
        raise UserError(
            f"weights is lora with a warm_start, {WHERE}; must be untied or tied, since a warm "
            "start does not train a frozen base (or load a trained one with lm: {folder: PATH} and "
            "leave warm_start out)"
        )
    if guide is not None and (rules.conjecturer == "stp" or rules.conjectures == 0):
        raise UserError(
            f"guide is {type(guide).__name__} with rules that leave it nothing to grade "
            f"(conjecturer: {rules.conjecturer}, conjectures: {rules.conjectures}), {WHERE}; must "
            "be null"
        )


def check_strategy(strategy: object, weights: Weights) -> None:
    """Refuse DDP without ``find_unused_parameters``, unless the weights are tied.

    Raises:
        UserError: DDP expects a gradient of every parameter, but players are trained in turn.
    """
    expects_all = isinstance(strategy, DDPStrategy) and not strategy._ddp_kwargs.get(
        "find_unused_parameters"
    )
    if expects_all and weights != "tied":
        raise UserError(
            "strategy is ddp, in trainer; must be ddp_find_unused_parameters_true, since the "
            "players are trained in turn"
        )
