"""A server in a process of its own that logs what it is asked, and fails as it is told.

    python -m tests.lm.engines.counting LOG --port 8000 --delay_s 0.005 --die_at 300

It answers ``/v1/completions`` and its chat after a pause, with the prompt and the seed. ``LOG``
gets a line for each request, ``asked ID`` and, once it has been answered, ``answered ID``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

BACK_AFTER_S = 0.3  # that a server which died is away


class Counting:
    """Answers requests; ``options`` are those of the command."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.asked = options, 0
        self.busy_until = self.stalled_until = 0.0
        self.log = os.open(options.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def serve(self) -> None:
        """Serve until the process is killed; the port is the first line of the output."""
        server = await asyncio.start_server(
            self.connection, "127.0.0.1", self.options.port, backlog=512
        )
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of a connection, one after the other."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                _, _, rest = head.partition("content-length:")
                body = await reader.readexactly(int(rest.split("\r\n", 1)[0] or 0))
                if head.startswith("get"):
                    await self.reply(writer, {"object": "list", "data": []})
                else:
                    await self.answer(json.loads(body), reader, writer)
        writer.close()

    async def answer(
        self, body: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer a request, or do what the options say of this one."""
        name = f"{prompt_of(body)}|{body.get('seed')}"
        self.write("asked", name)
        self.asked, begun = self.asked + 1, time.monotonic()
        if self.asked == self.options.die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.asked == self.options.stall_at:
            time.sleep(self.options.stall_s)  # all of it: no connection gets an answer
            self.stalled_until = time.monotonic()
        if self.asked == self.options.busy_at:
            self.busy_until = time.monotonic() + self.options.busy_s
        if time.monotonic() < self.busy_until:
            await self.reply(writer, {"error": {"message": "busy"}}, "429 Busy\r\nRetry-After: 1")
            return
        await asyncio.sleep(self.options.delay_s)
        if begun < self.stalled_until:
            writer.close()
        elif not reader.at_eof():  # else the client has given up
            await self.reply(writer, completion(body))
            self.write("answered", name)

    async def reply(
        self, writer: asyncio.StreamWriter, content: Mapping[str, Any], status: str = "200 OK"
    ) -> None:
        """Send a status with its headers, and JSON."""
        data = json.dumps(content).encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
        await writer.drain()

    def write(self, what: str, name: str) -> None:
        """Write a line to the log."""
        os.write(self.log, f"{what} {name}\n".encode())


def prompt_of(body: Mapping[str, Any]) -> str:
    """Return the prompt of a request; some clients begin with a chat of no messages."""
    asked = [message["content"] for message in body.get("messages", ())]
    return str(asked[-1] if asked else body.get("prompt", ""))


def completion(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer with ``n`` texts that name the prompt and the seed."""
    count = body.get("n") or 1
    texts = [f"{prompt_of(body)} {body.get('seed')} {k}" for k in range(count)]
    choices: list[dict[str, Any]] = [
        {"index": k, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        if "messages" in body
        else {"index": k, "text": text, "finish_reason": "stop", "logprobs": None}
        for k, text in enumerate(texts)
    ]
    kind = "chat.completion" if "messages" in body else "text_completion"
    usage = {"prompt_tokens": 3, "completion_tokens": 5 * count, "total_tokens": 3 + 5 * count}
    return {
        "id": "1",
        "object": kind,
        "created": 0,
        "model": body["model"],
        "choices": choices,
        "usage": usage,
    }


@contextmanager
def counting(log: str | Path, *lives: Mapping[str, float]) -> Iterator[str]:
    """Give the address of a server, whose process begins again with the next options if it dies."""
    port, ends = 0, threading.Event()
    running: list[subprocess.Popen[str]] = []

    def start(options: Mapping[str, float]) -> int:
        given = [f"--{name}={value}" for name, value in {**options, "port": port}.items()]
        command = [sys.executable, "-m", "tests.lm.engines.counting", str(log), *given]
        running.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        assert running[-1].stdout is not None
        return int(running[-1].stdout.readline())

    def live_on() -> None:
        for options in lives[1:]:
            running[-1].wait()
            if ends.wait(BACK_AFTER_S):
                return
            start(options)

    port = start(lives[0] if lives else {})
    keeper = threading.Thread(target=live_on)
    keeper.start()
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        ends.set()
        while keeper.is_alive() or running[-1].poll() is None:
            running[-1].kill()
            keeper.join(0.05)
        for process in running:
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def events(log: str | Path) -> list[tuple[str, str]]:
    """Return what a log says: pairs of ``asked`` or ``answered``, and a request."""
    lines = Path(log).read_text().splitlines()
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]


def command(arguments: Sequence[str] | None = None) -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay_s", type=float, default=0.005)
    for name in ("die_at", "stall_at", "busy_at"):
        parser.add_argument(f"--{name}", type=int, default=0, help="number of a request")
    parser.add_argument("--stall_s", type=float, default=0.0)
    parser.add_argument("--busy_s", type=float, default=0.0)
    asyncio.run(Counting(parser.parse_args(arguments)).serve())


if __name__ == "__main__":
    command()
