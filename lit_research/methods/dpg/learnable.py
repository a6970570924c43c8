"""What ``fit`` asks of the sampling; the other verbs ask for less."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lit_research.errors import UserError


def check_learnable(args: Mapping[str, Any], where: str) -> None:
    """Refuse sampling from which a policy gradient learns nothing.

    Args:
        args: arguments of ``DatasetPolicyGradient``.
        where: they stand, for the message.

    Raises:
        UserError: texts are all alike, or compared with none.
    """
    if args["temperature"] == 0:
        raise UserError(
            f"temperature is {args['temperature']}, {where}: give a number above 0; texts that "
            "are all alike teach nothing"
        )
    if args["rollouts"] < 2 and args["reward"] != "dataset":
        raise UserError(
            f"rollouts is {args['rollouts']}, {where}: give 2 or more; a text is compared with "
            "the others of its prompt"
        )
