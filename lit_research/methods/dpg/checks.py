"""What the arguments of ``DatasetPolicyGradient`` must be, said before anything is computed."""

from collections.abc import Mapping
from typing import Any

from lit_research.errors import UserError
from lit_research.ranges import COUNT, NOT_NEGATIVE, check_range

WHERE = "in model.init_args of DatasetPolicyGradient"


def check_sizes(args: Mapping[str, Any]) -> None:
    """Refuse counts below 1 (None is a default) and a negative temperature.

    Raises:
        UserError: one is.
    """
    counts = ("rollouts", "max_new_tokens", "epochs", "test_rounds", "mini_batch", "micro_batch")
    check_range(COUNT, WHERE, **{name: args[name] for name in counts})
    check_range(NOT_NEGATIVE, WHERE, temperature=args["temperature"])


def check_sampling(args: Mapping[str, Any]) -> None:
    """Refuse sampling from which nothing can be learned.

    Raises:
        UserError: texts would be all alike, or compared with none.
    """
    if args["temperature"] == 0:
        raise UserError(
            f"temperature is {args['temperature']}, {WHERE}: give a number above 0; texts that are "
            "all alike teach nothing"
        )
    if args["rollouts"] < 2 and args["reward"] != "dataset":
        raise UserError(
            f"rollouts is {args['rollouts']}, {WHERE}: give 2 or more; a text is compared with the "
            "others of its prompt"
        )
