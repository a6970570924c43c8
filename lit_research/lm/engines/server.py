"""``OpenAIEngine``: any server that speaks OpenAI's ``/v1/completions``."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from lit_research.errors import UserError
from lit_research.lm.engines.base import Completion, Engine, Prompts, Sampling

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types import CompletionChoice


class OpenAIEngine(Engine):
    """Ask a server for completions, many requests at a time, in the order of the prompts.

    A request that fails for a passing reason (connection, time-out, 408, 409, 429, 5xx) is repeated
    after a growing pause; one that fails for good gives completions whose ``finish_reason`` is the
    reason. Log-probabilities are what the server reports (vLLM: of the untempered distribution, the
    default). Token ids are there if the server tells them; ask vLLM for them with
    ``extra_body={"return_token_ids": True}``.

    Args:
        base_url: address up to and with ``/v1``.
        model: the name that the server has for its model.
        api_key_env: environment variable with the key; a server of one's own needs none.
        timeout_s: seconds until a request counts as failed.
        retries: how often a failed request is repeated.
        max_concurrency: requests under way at once, those of all calls together.
        extra_body: fields that only this server knows, sent with every request.
        weight_version: number of the server's weights, written into every completion.

    Raises:
        UserError: the ``openai`` library is missing.
    """

    thread_safe = True

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        api_key_env: str = "OPENAI_API_KEY",
        timeout_s: float = 600.0,
        retries: int = 3,
        max_concurrency: int = 32,
        extra_body: Mapping[str, Any] | None = None,
        weight_version: int = 0,
    ) -> None:
        if max_concurrency < 1:
            raise UserError(
                f"max_concurrency is {max_concurrency}, of OpenAIEngine: give 1 or more"
            )
        try:
            import openai  # noqa: F401
        except ImportError as error:
            raise UserError(
                "the library openai is not installed, which OpenAIEngine needs: "
                "pip install 'lit_research[openai]'"
            ) from error
        self.base_url, self.model, self.api_key_env = base_url, model, api_key_env
        self.timeout_s, self.retries, self.max_concurrency = timeout_s, retries, max_concurrency
        self.batch_size = max_concurrency
        self.extra_body, self.weight_version = dict(extra_body or {}), weight_version
        self._free = threading.BoundedSemaphore(max_concurrency)

    def __str__(self) -> str:
        return f"{type(self).__name__} of {self.model!r} at {self.base_url}"

    def card(self) -> dict[str, Any]:
        """Return the server's name for its model, wherever the server runs."""
        keys = ("model", "extra_body", "weight_version")
        return {"engine": type(self).__name__, **{key: getattr(self, key) for key in keys}}

    def complete(self, prompts: Prompts, sampling: Sampling) -> list[list[Completion]]:
        """Return completions of every prompt; see ``Engine.generate``.

        One request a prompt. ``top_k`` is no part of OpenAI's interface; it is sent if it is not 0.
        """
        from openai import OpenAI

        client = OpenAI(
            base_url=self.base_url,
            api_key=os.environ.get(self.api_key_env) or "none",
            timeout=self.timeout_s,
            max_retries=self.retries,
        )
        with client, ThreadPoolExecutor(self.max_concurrency) as pool:
            return list(
                pool.map(
                    lambda item: self._request(client, item[0], item[1], sampling),
                    enumerate(prompts),
                )
            )

    def _request(
        self, client: OpenAI, index: int, prompt: str | Sequence[int], sampling: Sampling
    ) -> list[Completion]:
        from openai import OpenAIError

        seed = sampling.seed
        # The same seed for every prompt would give equal prompts equal answers.
        of_prompt = f"{seed}:{index}" if isinstance(seed, int) else f"{seed[index]}"
        extra = self.extra_body | ({"top_k": sampling.top_k} if sampling.top_k else {})
        try:
            with self._free:
                answer = client.completions.create(
                    model=self.model,
                    prompt=prompt if isinstance(prompt, str) else list(prompt),
                    max_tokens=sampling.max_new_tokens,
                    temperature=sampling.temperature,
                    top_p=sampling.top_p,
                    stop=list(sampling.stop) or None,
                    n=sampling.n,
                    seed=random.Random(of_prompt).getrandbits(31),
                    logprobs=0,
                    extra_body=extra,
                )
        except OpenAIError as error:
            return [self._failure(f"{type(error).__name__}: {error}", index)] * sampling.n
        choices = sorted(answer.choices or [], key=lambda choice: choice.index)[: sampling.n]
        done = [self._completion(choice, index) for choice in choices]
        lacking = f"the server gave {len(done)} of {sampling.n} completions"
        return done + [self._failure(lacking, index)] * (sampling.n - len(done))

    def _failure(self, reason: str, index: int) -> Completion:
        return Completion.failure(reason, weight_version=self.weight_version, prompt_index=index)

    def _completion(self, choice: CompletionChoice, index: int) -> Completion:
        if choice.finish_reason not in ("stop", "length"):
            return self._failure(f"the server ended the text by {choice.finish_reason}", index)
        reported = choice.logprobs.token_logprobs if choice.logprobs else None
        return Completion(
            text=choice.text,
            token_ids=tuple(getattr(choice, "token_ids", None) or ()),
            log_probs=tuple(reported or ()),
            finish_reason=choice.finish_reason,
            weight_version=self.weight_version,
            prompt_index=index,
        )
