"""Checks of the arguments of ``DatasetPolicyGradient``, before anything is computed."""

from collections.abc import Mapping
from typing import Any

from lit_research.errors import UserError
from lit_research.ranges import COUNT, NOT_NEGATIVE, check_range

WHERE = "in model.init_args of DatasetPolicyGradient"


def check_sizes(args: Mapping[str, Any]) -> None:
    """Check that counts are at least 1 (None is a default) and the temperature at least 0.

    Raises:
        UserError: a value is too small.
    """
    counts = ("rollouts", "max_new_tokens", "epochs", "test_rounds", "mini_batch", "micro_batch")
    check_range(COUNT, WHERE, **{name: args[name] for name in counts})
    check_range(NOT_NEGATIVE, WHERE, temperature=args["temperature"])


def check_sampling(args: Mapping[str, Any]) -> None:
    """Refuse sampling that gives no learning signal.

    Raises:
        UserError: all texts would be equal, or have no other text to compare with.
    """
    if args["temperature"] == 0:
        raise UserError(
            f"temperature is {args['temperature']}, {WHERE}; must be above 0 for fit: equal texts "
            "give no learning signal"
        )
    if args["rollouts"] < 2 and args["reward"] != "dataset":
        raise UserError(
            f"rollouts is {args['rollouts']}, {WHERE}; must be at least 2 for fit: a text is "
            "compared with the others of its prompt"
        )
