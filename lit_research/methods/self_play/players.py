"""Solver and Conjecturer: which weights each plays with, how they write and how they are read."""

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
from lit_research.sft import written_rows

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Role: TypeAlias = Literal["solver", "conjecturer"]
Weights: TypeAlias = Literal["untied", "tied", "lora"]
SOLVER: Role = "solver"
CONJECTURER: Role = "conjecturer"
ROLES: tuple[Role, ...] = (SOLVER, CONJECTURER)
# Token ids of a prompt, and of what was written after it.
Pair: TypeAlias = "tuple[Sequence[int], Sequence[int]]"


class Players(nn.Module):
    """The models of the two roles that learn; both start as the same one.

    Args:
        spec: ``{model_type: llama, ...}`` or ``{folder: PATH}``.
        vocab_size: of a model that is built.
        weights: ``untied`` (a full copy each, as in the paper), ``tied`` (one model, trained as
            both) or ``lora`` (one frozen base, low-rank additions for each).
        rank: of the additions; their alpha is twice that.
        attention: ``sdpa``, ``flash`` or ``math``.
        dtype: of the weights.
        is_checkpointing: keep one activation a layer in training, compute the rest again.

    Raises:
        UserError: activations cannot be checkpointed, or not without dropout.
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
        """Return the model that plays ``role``, ready to play it."""
        if self.weights == "untied" and role == CONJECTURER:
            return self.conjecturer
        if self.weights == "lora":
            use_role(self.solver, role)
        return self.solver

    def parameters_of(self, role: Role) -> list[nn.Parameter]:
        """Return what training ``role`` changes."""
        if self.weights == "lora":
            return role_parameters(self.solver, role)
        return list(self.model(role).parameters())

    @torch.no_grad()
    def copy_solver_to_conjecturer(self) -> None:
        """Give the Conjecturer the Solver's weights, as after a warm start that trained one."""
        sources = self.parameters_of(SOLVER)
        for target, source in zip(self.parameters_of(CONJECTURER), sources, strict=True):
            target.copy_(source)

    def exported(self, role: Role) -> PreTrainedModel:
        """Return a plain transformers model that plays ``role``."""
        if self.weights != "lora":
            return self.model(role)
        plain = copy.deepcopy(self.solver)
        merge_adapters(plain, role)
        return plain

    def log_probs(self, role: Role, rows: dict[str, Tensor]) -> Tensor:
        """Return the log-probabilities ``[B, T]`` of the written tokens of ``written_rows``."""
        logits = self.model(role)(input_ids=rows["input_ids"], use_cache=False).logits
        return token_log_probs(logits, rows["labels"])

    def rows(self, pairs: Sequence[Pair]) -> dict[str, Tensor]:
        """Return ``written_rows`` on the models' device."""
        return written_rows(pairs, self.solver.device)


def _refuse_dropout(model: PreTrainedModel) -> None:
    """Refuse a model that plays by other weights in training, where its checkpoints act."""
    settings = model.config.to_dict()
    found = {name: value for name, value in settings.items() if "dropout" in name and value}
    if found:
        name, value = next(iter(found.items()))
        raise UserError(
            f"{name} is {value} in the config of {type(model).__name__}, with "
            "activation_checkpointing of SelfPlay: set it to 0, since players write without "
            "dropout and are to learn so"
        )


class Writer:
    """Encodes prompts and continues them with the live weights of a role.

    Args:
        players: whose weights.
        engine_of: returns the engine of a model.
        tokenizer: of both.
        max_new_tokens: of a text.
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
        """Return the number of texts of a role that are written side by side."""
        return self.engine_of(self.players.model(role)).batch_size

    def encode(self, prompts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of prompts, as a message of a chat where the tokenizer has one."""
        if not prompts:
            return []
        if getattr(self.tokenizer, "chat_template", None):
            chats = [[{"role": "user", "content": prompt}] for prompt in prompts]
            found = self.tokenizer.apply_chat_template(
                chats, add_generation_prompt=True, return_dict=True
            )
            return [list(ids) for ids in found["input_ids"]]
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
        """Return n completions of each prompt; one that is too long has none, and says so.

        Args:
            role: who writes.
            prompts: token ids of each.
            n: completions of each.
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
    if weights == "lora" and rank < 1:
        raise UserError(f"lora_rank is {rank}, {where}: give 1 or more")
