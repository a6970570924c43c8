"""Solver and Conjecturer: the weights of each role, and how they generate text."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import torch
from torch import Tensor, nn

from lit_research.errors import UserError
from lit_research.lm import enable_activation_checkpointing, lm_from_spec, token_log_probs
from lit_research.lm.engines import Completion, Engine
from lit_research.methods.self_play.adapters import (
    add_adapters,
    merge_adapters,
    role_parameters,
    use_role,
)
from lit_research.ranges import COUNT, check_range
from lit_research.sft import written_rows

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Role: TypeAlias = Literal["solver", "conjecturer"]
Weights: TypeAlias = Literal["untied", "tied", "lora"]
SOLVER: Role = "solver"
CONJECTURER: Role = "conjecturer"
ROLES: tuple[Role, ...] = (SOLVER, CONJECTURER)
# Token ids of a prompt and of its completion.
Pair: TypeAlias = "tuple[Sequence[int], Sequence[int]]"


class Players(nn.Module):
    """The models of the two roles that are trained, with the same initial weights.

    Args:
        spec: ``{model_type: llama, ...}`` or ``{folder: PATH}``.
        vocab_size: of a randomly initialised model.
        weights: ``untied`` (a model for each role, as in the paper), ``tied`` (one model for both)
            or ``lora`` (one frozen base model, with low-rank adapters for each role).
        rank: of the adapters; their alpha is twice the rank.
        attention: ``sdpa``, ``flash`` or ``math``.
        dtype: of the weights.
        is_checkpointing: checkpoint the activations of each layer in training.

    Raises:
        UserError: the model does not support activation checkpointing, or has dropout with it.
    """

    def __init__(
        self,
        spec: dict[str, Any],
        vocab_size: int,
        weights: Weights = "untied",
        rank: int = 16,
        attention: str = "sdpa",
        dtype: str = "float32",
        is_checkpointing: bool = False,
    ) -> None:
        super().__init__()
        self.weights, self.is_checkpointing = weights, is_checkpointing
        base = lm_from_spec(spec, vocab_size, attention=attention, dtype=dtype)
        if is_checkpointing:
            _refuse_dropout(base)
            enable_activation_checkpointing(base)
        self.solver: PreTrainedModel = base
        if weights == "untied":
            self.conjecturer: PreTrainedModel = copy.deepcopy(base)
        elif weights == "lora":
            add_adapters(base, ROLES, rank, alpha=2.0 * rank)

    def model(self, role: Role) -> PreTrainedModel:
        """Return the model of ``role``, with its adapters switched on."""
        if self.weights == "untied" and role == CONJECTURER:
            return self.conjecturer
        if self.weights == "lora":
            use_role(self.solver, role)
        return self.solver

    def parameters_of(self, role: Role) -> list[nn.Parameter]:
        """Return the parameters that training ``role`` changes."""
        if self.weights == "lora":
            return role_parameters(self.solver, role)
        return list(self.model(role).parameters())

    @torch.no_grad()
    def copy_solver_to_conjecturer(self) -> None:
        """Copy the Solver's weights to the Conjecturer, as after the warm start."""
        sources = self.parameters_of(SOLVER)
        for target, source in zip(self.parameters_of(CONJECTURER), sources, strict=True):
            target.copy_(source)

    def exported(self, role: Role) -> PreTrainedModel:
        """Return the model of ``role`` as a plain transformers model."""
        if self.weights != "lora":
            return self.model(role)
        plain = copy.deepcopy(self.solver)
        merge_adapters(plain, role)
        return plain

    def log_probs(self, role: Role, rows: dict[str, Tensor]) -> Tensor:
        """Return the log-probabilities ``[B, T]`` of the generated tokens of ``written_rows``."""
        logits = self.model(role)(input_ids=rows["input_ids"], use_cache=False).logits
        return token_log_probs(logits, rows["labels"])

    def rows(self, pairs: Sequence[Pair]) -> dict[str, Tensor]:
        """Return ``written_rows`` of prompts and completions on the models' device."""
        return written_rows(pairs, self.solver.device)


def _refuse_dropout(model: PreTrainedModel) -> None:
    """Refuse dropout: activation checkpointing needs training mode, in which it would act."""
    settings = model.config.to_dict()
    dropout = {name: value for name, value in settings.items() if "dropout" in name and value}
    if dropout:
        name, value = next(iter(dropout.items()))
        raise UserError(
            f"{name} is {value} with activation_checkpointing, in the config of "
            f"{type(model).__name__}, in SelfPlay; must be 0, since players generate without "
            "dropout and must be trained without it"
        )


class Writer:
    """Encodes prompts and generates completions with the current weights of a role.

    Args:
        players: whose weights generate.
        engine_of: returns the engine of a model.
        tokenizer: of both players.
        max_new_tokens: of a completion.
        temperature: of the sampling.
        top_p: of the sampling.
    """

    def __init__(
        self,
        players: Players,
        engine_of: Callable[[PreTrainedModel], Engine],
        tokenizer: Any,
        *,
        max_new_tokens: int,
        temperature: float,
        top_p: float = 1.0,
    ) -> None:
        self.players, self.engine_of, self.tokenizer = players, engine_of, tokenizer
        self.max_new_tokens, self.temperature, self.top_p = max_new_tokens, temperature, top_p

    def batch_size(self, role: Role) -> int:
        """Return the generation batch size of a role's engine."""
        return self.engine_of(self.players.model(role)).batch_size

    def encode(self, prompts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of prompts, as chats if the tokenizer has a chat template."""
        if not prompts:
            return []
        if getattr(self.tokenizer, "chat_template", None):
            chats = [[{"role": "user", "content": prompt}] for prompt in prompts]
            encoded = self.tokenizer.apply_chat_template(
                chats, add_generation_prompt=True, return_dict=True
            )
            return [list(ids) for ids in encoded["input_ids"]]
        return self.tokenizer(list(prompts), verbose=False)["input_ids"]

    def write(
        self,
        role: Role,
        prompts: Sequence[Sequence[int]],
        *,
        n: int,
        seed: Sequence[int],
        version: int,
    ) -> list[list[Completion]]:
        """Return n completions of each prompt; those of a prompt that is too long have failed.

        Args:
            role: the player that generates.
            prompts: token ids of each prompt.
            n: number of completions of each prompt.
            seed: of the sampling, one for each prompt.
            version: number of the weights.
        """
        if not prompts:
            return []
        engine = self.engine_of(self.players.model(role))
        engine.weight_version = version
        return engine.generate(
            prompts,
            max_new_tokens=self.max_new_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
            n=n,
            seed=seed,
        )


def check_weights(weights: Weights, rank: int, where: str) -> None:
    """Refuse adapters without a rank.

    Raises:
        UserError: the rank is below 1.
    """
    if weights == "lora":
        check_range(COUNT, where, lora_rank=rank)
