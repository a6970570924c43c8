"""A real server on this machine, which answers with the texts of an engine."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from lit_research.lm.engines import Completion, Engine, TransformersEngine
from tests.lm.models import bytes_tokenizer, tiny_lm


class Server(ThreadingHTTPServer):
    """Speaks ``/v1/completions`` and its chat, with the texts of an engine.

    ``answers`` holds what it does first, before it answers well: a status, alone or with headers,
    seconds of silence, or a body.
    """

    daemon_threads = True
    block_on_close = True
    request_queue_size = 64

    def __init__(self, engine: Engine | None = None, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.engine = engine or TransformersEngine(tiny_lm(), bytes_tokenizer())
        self.lock = threading.Lock()
        self.ignores_n = self.hides_tokens = False
        self.answers: list[int | float | dict[str, Any] | tuple[int, dict[str, str]]] = []
        self.says: dict[str, Any] = {"error": {"message": "out of\nluck"}}  # beside a status
        self.requests: list[dict[str, Any]] = []
        self.times: list[float] = []
        self.keys: set[str | None] = set()
        self.in_hand = self.most_in_hand = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        prompt = body["messages"][-1]["content"] if "messages" in body else body["prompt"]
        with self.lock:
            [completions] = self.engine.generate(
                [prompt],
                max_new_tokens=body["max_tokens"],
                temperature=body["temperature"],
                top_p=body["top_p"],
                top_k=body.get("top_k", 0),
                stop=body.get("stop") or (),
                n=1 if self.ignores_n else body["n"],
                seed=body["seed"],
            )
        make = self.message if "messages" in body else self.text
        usage = {
            "prompt_tokens": completions[0].prompt_tokens or 1,
            "completion_tokens": sum(c.new_tokens or 1 for c in completions),
            "total_tokens": 0,
        }
        # In another order than asked for, as a server may.
        choices = [{"index": i, **make(c)} for i, c in enumerate(completions)][::-1]
        return {"id": "1", "object": "x", "model": "tiny", "choices": choices, "usage": usage}

    def text(self, c: Completion) -> dict[str, Any]:
        choice = {"text": c.text, "finish_reason": c.finish_reason}
        if self.hides_tokens:
            return choice
        return {
            **choice,
            "token_ids": c.token_ids,
            "logprobs": {"token_logprobs": c.log_probs},
        }

    def message(self, c: Completion) -> dict[str, Any]:
        log_probs = [{"token": "", "logprob": p, "top_logprobs": []} for p in c.log_probs]
        return {
            "message": {"role": "assistant", "content": c.text},
            "finish_reason": c.finish_reason,
            "token_ids": c.token_ids,
            "logprobs": {"content": log_probs},
        }


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.requests.append(body)
            self.server.times.append(time.monotonic())
            self.server.keys.add(self.headers["Authorization"])
            answer = self.server.answers.pop(0) if self.server.answers else 200
            self.server.in_hand += 1
            self.server.most_in_hand = max(self.server.most_in_hand, self.server.in_hand)
        headers: dict[str, str] = {}
        if isinstance(answer, tuple):
            answer, headers = answer
        if isinstance(answer, float):
            time.sleep(answer)
            return
        if isinstance(answer, dict):
            self.reply(200, answer)
        elif answer != 200:
            self.reply(answer, self.server.says, headers)
        else:
            self.reply(200, self.server.complete(body))

    def reply(
        self, status: int, content: dict[str, Any], headers: Mapping[str, str] | None = None
    ) -> None:
        data = json.dumps(content).encode()
        with self.server.lock:
            self.server.in_hand -= 1
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def serving(engine: Engine | None = None, port: int = 0) -> Iterator[Server]:
    """Give a server that runs; that of a tiny model without an engine."""
    with Server(engine, port) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
