"""``OpenAIEngine``: any server that speaks OpenAI's ``/v1/completions``, or its chat."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from lit_research.errors import UserError
from lit_research.lm.engines.base import Completion, Engine, Prompts, Sampling, collect
from lit_research.lm.engines.chat import chat_card, check_chat, messages
from lit_research.lm.engines.outage import Outages, ServerDownError
from lit_research.lm.engines.posts import Poster
from lit_research.ranges import COUNT, NOT_NEGATIVE, POSITIVE, check_range

if TYPE_CHECKING:
    from openai import OpenAI

# What a proxy answers for a server that is down, and a server that is not ready yet.
DOWN = (502, 503)
LONGEST_DETAIL = 300  # characters; a proxy may send a whole page
BUSY_S = 5.0  # pause after 429 of a server that names none


@dataclass(frozen=True)
class _Request:
    """What one request asks for: completions ``samples`` of prompt ``index``."""

    index: int
    samples: range
    body: dict[str, Any]


class OpenAIEngine(Engine):
    """Ask a server for completions, many requests at a time, in the order of the prompts.

    A request that fails for a passing reason (connection, time-out, 408, 409, 429, 5xx) is repeated
    after a growing pause, or the one that the server names; one that fails for good gives
    completions whose ``finish_reason`` is the reason. If the server is down even then, all requests
    wait for it together, and are repeated when it is back; so is one that the server has no time
    for (429), after each pause that the server names. Log-probabilities are what the server reports
    (vLLM: of the untempered distribution, the default). Token ids are there if the server tells
    them; ask vLLM for them with ``extra_body={"return_token_ids": True}``.

    ``transformers serve`` ignores ``n`` (set ``n_per_request`` to 1), log-probabilities and, in a
    chat, a schema, and refuses ``top_k``. It samples only if the model's ``generation_config.json``
    or a request says so, and takes the likeliest token at any temperature otherwise:
    ``extra_body={"generation_config": '{"do_sample": true}'}``, where ``top_k`` may stand too. Its
    seed is the process's, so that texts repeat with ``max_concurrency`` 1 alone.

    Args:
        base_url: address up to and with ``/v1``.
        model: the name that the server has for its model.
        api_key_env: environment variable with the key; a server of one's own needs none.
        timeout_s: seconds until a request counts as failed.
        retries: how often a failed request is repeated, and after how many outages of the server;
            0 does not wait for one.
        max_concurrency: requests under way at once, those of all calls together.
        extra_body: fields that only this server knows, sent with every request.
        weight_version: number of the server's weights, written into every completion.
        chat: whether each prompt is a user's message, sent to ``/v1/chat/completions``; the server
            renders it by the model's template.
        system: the message before each of them; for a chat.
        n_per_request: completions that one request asks for at most; None: all of a prompt. The
            requests of a prompt have seeds of their own.
        json_schema: that every answer is to fit, sent as ``response_format``.
        down_s: seconds to wait for a server that is down, with a countdown in the log, before the
            remaining prompts fail; and for which a request is repeated that the server has no time
            for. 0 does not wait.

    Raises:
        UserError: the ``openai`` library is missing, or an option is out of range.
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
        chat: bool = False,
        system: str | None = None,
        n_per_request: int | None = None,
        json_schema: Mapping[str, Any] | None = None,
        down_s: float = 600.0,
    ) -> None:
        where = "of OpenAIEngine"
        check_range(COUNT, where, max_concurrency=max_concurrency, n_per_request=n_per_request)
        check_range(NOT_NEGATIVE, where, retries=retries, down_s=down_s)
        check_range(POSITIVE, where, timeout_s=timeout_s)
        check_chat(chat, system, where)
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
        self.chat, self.system, self.json_schema = chat, system, json_schema
        self.n_per_request = n_per_request
        self._free = threading.BoundedSemaphore(max_concurrency)
        self._outages = Outages(
            down_s, f"the server of {model!r} at {base_url}", silence_s=timeout_s
        )

    def __str__(self) -> str:
        return f"{type(self).__name__} of {self.model!r} at {self.base_url}"

    def card(self) -> dict[str, Any]:
        """Return the server's name for its model, wherever the server runs."""
        keys = ("model", "extra_body", "weight_version")
        schema = {"json_schema": dict(self.json_schema)} if self.json_schema else {}
        return {
            "engine": type(self).__name__,
            **{key: getattr(self, key) for key in keys},
            **chat_card(self.chat, self.system),
            **schema,
        }

    def with_schema(self, schema: Mapping[str, Any]) -> OpenAIEngine:
        """Return this engine with a schema, unless it has one; both share their connections."""
        if self.json_schema is not None:
            return self
        other = copy(self)
        other.json_schema = schema
        return other

    def complete(self, prompts: Prompts, sampling: Sampling) -> list[list[Completion]]:
        """Return completions of every prompt; see ``Engine.generate``.

        ``top_k`` is no part of OpenAI's interface; it is sent if it is not 0.

        Raises:
            UserError: a prompt of a chat is token ids.
        """
        return collect(self.stream(prompts, sampling), len(prompts))

    def stream(
        self, prompts: Prompts, sampling: Sampling
    ) -> Iterator[tuple[int, list[Completion]]]:
        """Yield the completions of each request; see ``Engine.stream`` and ``complete``.

        Whoever closes it early cancels the requests that are not under way.
        """
        for group in self.stream_groups(prompts, sampling):
            yield from group

    def stream_groups(
        self, prompts: Prompts, sampling: Sampling
    ) -> Iterator[list[tuple[int, list[Completion]]]]:
        """Yield the completions of the requests that were answered since the last list."""
        requests = self._requests(prompts, sampling)
        self._outages.hope()
        poster = Poster(
            self.base_url,
            os.environ.get(self.api_key_env) or "none",
            timeout_s=self.timeout_s,
            retries=self.retries,
        )
        stopped, pool = threading.Event(), ThreadPoolExecutor(self.max_concurrency)
        ready, begun, held = SimpleQueue[Future[list[Completion]]](), 0, 0
        with poster:
            try:
                while begun < len(requests) or held:
                    # One that is ready counts as under way until the caller is done with it.
                    while begun < len(requests) and held < self.max_concurrency:
                        future = pool.submit(self._ask, poster, requests[begun], stopped)
                        begun, held = begun + 1, held + 1
                        future.add_done_callback(ready.put)
                    done = [ready.get(), *(ready.get() for _ in range(ready.qsize()))]
                    parts = [future.result() for future in done]
                    yield [(part[0].prompt_index, part) for part in parts]
                    held -= len(done)
            finally:
                stopped.set()
                pool.shutdown(cancel_futures=True)

    def _requests(self, prompts: Prompts, sampling: Sampling) -> list[_Request]:
        options, n = self._options(sampling), sampling.n
        size = self.n_per_request or n
        return [
            _Request(
                index,
                samples := range(first, min(first + size, n)),
                {
                    **options,
                    **self._prompt_field(prompt),
                    "n": len(samples),
                    "seed": _seed(sampling.seed, index, first),
                    **self.extra_body,
                },
            )
            for index, prompt in enumerate(prompts)
            for first in range(0, n, size)
        ]

    def _prompt_field(self, prompt: Any) -> dict[str, Any]:
        """Return the field of a request that holds the prompt, a text or token ids."""
        if self.chat:
            return {"messages": messages(prompt, self.system, "of OpenAIEngine")}
        return {"prompt": prompt if isinstance(prompt, str) else list(prompt)}

    def _options(self, sampling: Sampling) -> dict[str, Any]:
        """Return the fields that all requests have."""
        options: dict[str, Any] = {
            "model": self.model,
            "max_tokens": sampling.max_new_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "stop": list(sampling.stop) or None,
            "logprobs": True if self.chat else 0,
        }
        if sampling.top_k:
            options["top_k"] = sampling.top_k
        if self.json_schema:
            schema = {"name": "answer", "strict": True, "schema": dict(self.json_schema)}
            options["response_format"] = {"type": "json_schema", "json_schema": schema}
        return options

    def _ask(self, poster: Poster, request: _Request, stopped: threading.Event) -> list[Completion]:
        """Return the completions of a request, be they failures."""
        from openai import OpenAIError

        def post() -> object:
            with self._free:
                path = "/chat/completions" if self.chat else "/completions"
                return poster.post(path, request.body)

        try:
            answer = self._outages.ask(
                post,
                is_down=_is_down,
                is_up=lambda: _is_up(poster.client, self.timeout_s),
                busy_s=_busy_s,
                repeats=self.retries,
                stopped=stopped,
            )
        except (OpenAIError, ServerDownError) as error:
            down = isinstance(error, ServerDownError)
            reason = str(error) if down else _reason(error)
            return [self._failure(reason, request.index, sample) for sample in request.samples]
        return self._completions(answer, request)

    def _completions(self, answer: Any, request: _Request) -> list[Completion]:
        """Return what a server's answer holds, and failures for what it lacks."""
        index, samples = request.index, request.samples
        content = answer if isinstance(answer, dict) else {}
        choices = sorted(content.get("choices") or [], key=lambda choice: choice.get("index", 0))
        usage = content.get("usage") or {}
        # The new tokens of all choices are counted together.
        counted = usage.get("completion_tokens") if len(choices) == 1 else None
        done = [
            self._completion(
                choice,
                index,
                sample,
                prompt_tokens=usage.get("prompt_tokens"),
                new_tokens=counted,
            )
            for sample, choice in zip(samples, choices, strict=False)
        ]
        lacking = f"the server gave {len(done)} of {len(samples)} completions"
        if done:
            lacking += "; one that ignores n needs n_per_request 1"
        return done + [self._failure(lacking, index, sample) for sample in samples[len(done) :]]

    def _failure(self, reason: str, index: int, sample: int) -> Completion:
        return Completion.failure(
            reason, weight_version=self.weight_version, prompt_index=index, sample=sample
        )

    def _completion(
        self,
        choice: Mapping[str, Any],
        index: int,
        sample: int,
        *,
        prompt_tokens: int | None,
        new_tokens: int | None,
    ) -> Completion:
        """Return the completion that a choice of the answer holds."""
        if (reason := choice.get("finish_reason")) not in ("stop", "length"):
            return self._failure(f"the server ended the text by {reason}", index, sample)
        message = choice.get("message") or {}
        text = message.get("content") if self.chat else choice.get("text")
        if text is None:
            refusal = f" ({message['refusal']})" if message.get("refusal") else ""
            return self._failure(f"the server gave no text{refusal}", index, sample)
        token_ids = tuple(choice.get("token_ids") or ())
        log_probs = self._log_probs(choice.get("logprobs") or {})
        return Completion(
            text=text,
            token_ids=token_ids,
            log_probs=log_probs,
            finish_reason=reason,
            weight_version=self.weight_version,
            prompt_index=index,
            sample=sample,
            prompt_tokens=prompt_tokens,
            new_tokens=new_tokens or len(token_ids) or len(log_probs) or None,
        )

    def _log_probs(self, reported: Mapping[str, Any]) -> tuple[float, ...]:
        if self.chat:
            return tuple(token["logprob"] for token in reported.get("content") or ())
        return tuple(reported.get("token_logprobs") or ())


def _seed(seed: int | Sequence[int], index: int, first: int) -> int:
    """Return the seed of the request for the completions of a prompt from ``first`` on."""
    # The same seed for every prompt would give equal prompts equal answers.
    of_prompt = f"{seed}:{index}" if isinstance(seed, int) else f"{seed[index]}"
    return random.Random(f"{of_prompt}:{first}" if first else of_prompt).getrandbits(31)


def _reason(error: Exception) -> str:
    """Return why a request failed, in the server's words if it has any."""
    body = getattr(error, "body", None)
    # The library reads ``error: {message: ...}``; servers made with FastAPI say ``detail``.
    detail = body.get("detail") if isinstance(body, Mapping) else body
    said = f" - {str(detail)[:LONGEST_DETAIL]}" if detail else ""
    return f"{type(error).__name__}: {error}{said}"


def _is_down(error: Exception, stalled: bool) -> bool:
    """Return whether a failure says that the server is down; a slow answer alone does not."""
    from openai import APIConnectionError, APIStatusError, APITimeoutError

    if isinstance(error, APIStatusError):
        return error.status_code in DOWN
    if isinstance(error, APITimeoutError):
        return stalled
    return isinstance(error, APIConnectionError)


def _busy_s(error: Exception) -> float | None:
    """Return the seconds to wait for a server that has too many requests; None for another one."""
    from openai import RateLimitError

    if not isinstance(error, RateLimitError) or error.code == "insufficient_quota":
        return None
    try:
        return max(0.0, float(error.response.headers["retry-after"]))
    except (KeyError, ValueError):
        return BUSY_S


def _is_up(client: OpenAI, timeout_s: float) -> bool:
    """Return whether the server says anything at all, be it that it has no list of models."""
    from openai import APIStatusError, OpenAIError

    try:
        client.with_options(timeout=min(timeout_s, 10.0), max_retries=0).models.list()
    except APIStatusError as error:
        return error.status_code not in DOWN
    except OpenAIError:
        return False
    return True
