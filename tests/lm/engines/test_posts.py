"""What is no JSON answer goes to ``openai``'s client once, and nothing of it to a later request."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from lit_research.lm.engines.posts import Poster


class Plain(HTTPServer):
    """Answers with these statuses and texts, one after the other."""

    def __init__(self, *answers: tuple[int, str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.agents = [*answers], list[str]()


class Handler(BaseHTTPRequestHandler):
    server: Plain

    def log_message(self, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.agents.append(self.headers["User-Agent"])
        status, kind, text = self.server.answers.pop(0)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


@pytest.fixture
def plain() -> Iterator[Plain]:
    with Plain(
        (200, "text/plain", b"hello"),
        (200, "application/json", b'{"a": 1}'),
        (400, "text/html", b"<p>no</p>"),
        (200, "application/json; charset=utf-8", b'{"a": 2}'),
    ) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_each_request_is_made_once_whatever_the_answer(plain: Plain) -> None:
    from openai import BadRequestError

    url = f"http://127.0.0.1:{plain.server_port}/v1"
    with Poster(url, "none", timeout_s=20.0, retries=2) as poster:
        assert poster.post("/completions", {}) == "hello"
        assert poster.post("/completions", {}) == {"a": 1}
        with pytest.raises(BadRequestError, match="Error code: 400"):
            poster.post("/completions", {})
        assert poster.post("/completions", {}) == {"a": 2}
        # What cannot be sent never reaches the server.
        with pytest.raises(ValueError, match="surrogate"):
            poster.post("/completions", {"prompt": "\ud800"})
    assert not plain.answers
    assert len(plain.agents) == 4
    assert all("OpenAI" in agent for agent in plain.agents)
