"""The HTTP client against a server that speaks Kimina's JSON and asks the real Lean."""

import json
import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lit_research.errors import UserError
from lit_research.lean import post
from lit_research.lean.kimina import KiminaServer
from lit_research.lean.records import Attempt
from tests.lean import repl_double

SWAP = "theorem swap (p q : Prop) (h : p ∧ q) : q ∧ p"
RIGHT, WRONG = Attempt(SWAP, "exact ⟨h.2, h.1⟩"), Attempt(SWAP, "exact h")
MIXED = [
    (RIGHT, "proved"),
    (WRONG, "error"),
    (Attempt(SWAP, "constructor"), "unsolved goals"),
    (Attempt(SWAP, "sorry"), "refused"),
    (Attempt("theorem t : Missing", "trivial"), "statement"),
    (Attempt("theorem t : 1 + 1 = 2", "rfl", "import Init\nopen Nat"), "proved"),
    (Attempt("theorem t : 1 + 1 = 3", "rfl", "import Init\nopen Nat"), "error"),
]
ATTEMPTS, KINDS = [a for a, _ in MIXED], [kind for _, kind in MIXED]


class Kimina(ThreadingHTTPServer):
    """Kimina's two interfaces. ``faults`` are used up one a request: what happens instead."""

    daemon_threads = True

    def __init__(self, toolchain):
        super().__init__(("127.0.0.1", 0), Handler)
        self.toolchain, self.faults, self.requests, self.headers = toolchain, [], [], []
        self.poison, self.poison_status = None, 500
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        pass  # clients that hang up are part of the tests

    def check(self, code):
        """Lines are counted from the first that is no import, as Kimina does."""
        lines = code.splitlines()
        start = next(i for i, x in enumerate(lines) if x.strip() and not x.startswith("import "))
        body = "\n".join(lines[start:])
        head = "\n".join(x for x in lines[:start] if x.strip())
        messages = repl_double.lean(self.toolchain, f"{head}\n{body}")
        for message in messages:
            message["pos"]["line"] -= head.count("\n") + 1
        return {"env": 0, "messages": messages}


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def send(self, text, status=200):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def do_POST(self):
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server.requests.append(body)
        server.headers.append(dict(self.headers))
        fault = server.faults.pop(0) if server.faults else None
        if callable(fault):
            return fault(self)
        assert body["timeout"] == int(body["timeout"])
        if self.path == "/verify":
            items = [(code["custom_id"], code["proof"]) for code in body["codes"]]
        elif self.path == "/api/check":
            items = [(snippet["id"], snippet["code"]) for snippet in body["snippets"]]
        else:
            return self.send('{"detail": "Not Found"}', 404)
        if server.poison and any(server.poison in code for _, code in items):
            return self.send('{"detail": "Snippet execution failed"}', server.poison_status)
        results = [self.result(number, code) for number, code in items]
        if fault == "reversed":
            results = [*results[::-1], {"id": "unheard of", "response": {"env": 0}}]
        if fault == "missing":
            results = results[1:]
        return self.send(json.dumps({"results": results}))

    def result(self, number, code):
        """Return what Kimina returns for one attempt; some hypotheses make it fail."""
        if error := re.search(r"\bkimina_(timeout|memory|message)\b", code):
            text = {"timeout": "Lean REPL command timed out in 9 seconds",
                    "memory": "Lean REPL process exceeded memory limit"}  # fmt: skip
            if error[1] == "message":
                return {"id": number, "time": 0.1, "response": {"message": "Unknown environment."}}
            return {"id": number, "time": 9.0, "error": text[error[1]]}
        response = self.server.check(code)
        if self.path == "/verify":
            return {"custom_id": number, "error": None, "response": {**response, "time": 0.25}}
        return {"id": number, "time": 0.25, "response": response}


@pytest.fixture
def kimina(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Kimina(repl_double.toolchain()) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def client(kimina, **settings):
    """Return a client that has found its server; requests and faults are those after that."""
    wait_s = settings.pop("wait_s", None)
    made = KiminaServer(kimina.url, **{"timeout_s": 9.5, "pause_s": 0.01, **settings})
    faults, kimina.faults = kimina.faults, []
    made.contact()
    kimina.faults, made.wait_s = faults, wait_s
    kimina.requests.clear()
    kimina.headers.clear()
    return made


@pytest.mark.parametrize("api", ["check", "verify"])
def test_every_attempt_gets_the_verdict_of_the_kernel(kimina, api):
    server = client(kimina, api=api, batch=4)
    verdicts = server.verify(ATTEMPTS)
    assert [v.kind for v in verdicts] == KINDS, verdicts
    assert verdicts[0].seconds == 0.25
    assert len(kimina.requests) == 2
    assert {body["timeout"] for body in kimina.requests} == {10}
    assert server.counts.run == len(MIXED) - 1


def test_it_tells_true_from_false_and_checks_axioms(kimina):
    server = client(kimina, axioms=["propext", "Quot.sound"])
    server.check()
    excluded_middle = Attempt("theorem t (p : Prop) : p \u2228 ¬p", "exact Classical.em p")
    assert server.verify([excluded_middle])[0].reason == "axioms: Classical.choice"


@pytest.mark.parametrize("fault", ["reversed", "missing"])
def test_results_are_matched_by_id(kimina, fault):
    kimina.faults = [fault]
    attempts = [RIGHT, WRONG, RIGHT]
    assert [v.proved for v in client(kimina).verify(attempts)] == [True, False, True]
    sizes = [len(body["snippets"]) for body in kimina.requests]
    assert sizes == ([2] if fault == "reversed" else [2, 1])


def test_an_attempt_that_never_gets_a_result_is_told_so(kimina):
    kimina.faults = ["missing"] * 2
    verdicts = client(kimina, retries=1).verify([RIGHT, WRONG])
    assert [v.kind for v in verdicts] == ["server", "error"]
    assert "no result" in verdicts[0].reason


def drop(handler):
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def busy(handler):
    handler.send('{"detail": "No available REPLs"}', 429)


def broken(handler):
    handler.send("Internal Server Error", 500)


def half(handler):
    handler.send('{"results": [{"id"')


def other(handler):
    handler.send('["hello"]')


def deep(handler):
    handler.send("[" * 200_000)


def short(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}")
    handler.close_connection = True


FAULTS = [drop, busy, broken, half, other, deep, short]


@pytest.mark.parametrize("fault", FAULTS)
def test_failed_requests_are_repeated(kimina, fault):
    kimina.faults = [fault]
    assert [v.proved for v in client(kimina).verify([RIGHT, WRONG])] == [True, False]
    assert len(kimina.requests) == 2


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_that_stays_broken_gives_verdicts_once_it_has_answered(kimina, fault):
    server = client(kimina, retries=1)
    kimina.faults = [fault] * 20
    assert [v.kind for v in server.verify([WRONG, Attempt(SWAP, "simp")])] == ["server"] * 2


def test_an_attempt_that_breaks_the_server_costs_itself(kimina):
    kimina.poison = "poison"
    attempts = [Attempt(f"theorem t{i} : {i} = {i}", "rfl") for i in range(5)]
    attempts.insert(2, Attempt("theorem t (p : Prop) : p → p", "intro poison; exact poison"))
    verdicts = client(kimina, retries=1, concurrency=1).verify(attempts)
    assert [v.kind for v in verdicts] == ["proved"] * 2 + ["server"] + ["proved"] * 3
    assert "HTTP 500" in verdicts[2].reason


def test_an_answer_that_takes_too_long_is_not_waited_for(kimina):
    server = client(kimina, wait_s=0.5)
    kimina.faults = [lambda handler: time.sleep(2)]
    began = time.monotonic()
    verdict = server.verify([RIGHT])[0]
    assert time.monotonic() - began < 1.9
    assert verdict.reason == "server: no answer within 0.5 s"
    assert len(kimina.requests) == 1


def drip(handler, head=b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"):
    """Answer a byte now and then: each read ends in time, the answer does not."""
    handler.close_connection = True
    try:
        handler.wfile.write(head)
        while True:
            handler.wfile.write(b" ")
            time.sleep(0.05)
    except OSError:  # it hung up
        pass


@pytest.mark.parametrize(
    "fault", [drip, lambda h: drip(h, b"HTTP/1.1 200 "), lambda h: drip(h, b"")]
)
def test_an_answer_that_drips_is_waited_for_no_longer(kimina, fault):
    server = client(kimina, wait_s=0.5)
    kimina.faults = [fault]
    assert server.verify([RIGHT])[0].reason == "server: no answer within 0.5 s"
    server.wait_s = None
    assert server.verify([RIGHT])[0].proved


def test_an_answer_without_end_is_not_read(kimina, monkeypatch):
    monkeypatch.setattr(post, "LARGEST_MIB", 1)
    server = client(kimina)
    kimina.faults = [lambda handler: handler.send(" " * (1 << 20) + "{}")] * 3
    verdicts = server.verify([RIGHT, WRONG])
    assert [v.reason for v in verdicts] == ["server: the answer has more than 1 MiB"] * 2
    assert len(kimina.requests) == 3


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_request_that_is_not_taken_costs_the_attempt_that_it_is_for(kimina, status):
    kimina.poison, kimina.poison_status = "poison", status
    attempts = [Attempt(f"theorem t{i} : {i} = {i}", "rfl") for i in range(7)]
    attempts.insert(2, Attempt("theorem t (p : Prop) : p → p", "intro poison; exact poison"))
    verdicts = client(kimina, concurrency=1).verify(attempts)
    assert [v.kind for v in verdicts] == ["proved"] * 2 + ["server"] + ["proved"] * 5
    assert f"HTTP {status}" in verdicts[2].reason
    assert [len(body["snippets"]) for body in kimina.requests] == [8, 4, 2, 2, 1, 1, 4]


@pytest.mark.parametrize(
    "line", ["Infinity", "-Infinity", "NaN", "1e400", "-1", "9" * 4000, "9" * 5000, '"x"', "[]"]
)
def test_places_that_are_none_are_the_servers_fault(kimina, line):
    place = f'{{"pos": {{"line": {line}}}, "severity": "info", "data": ""}}'
    result = f'{{"id": "0", "time": {line}, "response": {{"env": 0, "messages": [{place}]}}}}'
    server = client(kimina, retries=0)
    kimina.faults = [lambda handler: handler.send(f'{{"results": [{result}]}}')]
    verdict = server.verify([RIGHT])[0]
    assert verdict.kind == "server"
    assert verdict.seconds == 0.0


def test_half_a_character_costs_its_attempt_alone(kimina):
    bad = [
        Attempt(SWAP, "exact ⟨h.2, h.1⟩", "-- \ud800"),
        Attempt(SWAP + "\ud800", "exact ⟨h.2, h.1⟩"),
        Attempt(SWAP, "exact ⟨h.2, h.1⟩ -- \udfff"),
    ]
    server = client(kimina)
    assert [v.kind for v in server.verify([RIGHT, *bad])] == ["proved"] + ["refused"] * 3
    kimina.faults = [lambda h: h.send('{"results": [{"id": "0", "error": "\\ud800"}]}')]
    assert server.verify([RIGHT])[0].reason == "server: ?"


def test_windows_line_ends_are_taken(kimina):
    attempt = Attempt(SWAP.replace(" (h", "\r\n  (h"), "constructor\r\n· exact h.2\r\n· exact h.1")
    assert client(kimina).verify([attempt])[0].proved


def test_a_server_that_proves_everything_is_found_out_at_once(kimina):
    kimina.faults = [
        lambda h: h.send(
            '{"results": [{"id": "True", "error": "x"}, {"id": "False", "error": "x"}]}'
        )
    ]
    with pytest.raises(UserError, match=r"that tells true from false: it says 'server: x' of True"):
        KiminaServer(kimina.url).verify([RIGHT])


def test_the_servers_own_errors_become_kinds(kimina):
    words = ("timeout", "memory", "message")
    attempts = [
        Attempt("theorem t (p : Prop) : p → p", f"intro kimina_{w}; exact kimina_{w}")
        for w in words
    ]
    verdicts = client(kimina).verify([*attempts, RIGHT])
    assert [v.kind for v in verdicts] == ["timeout", "memory", "server", "proved"]
    assert verdicts[0].seconds == 9.0


def test_the_key_goes_along(kimina, monkeypatch):
    client(kimina).verify([RIGHT])
    assert "Authorization" not in kimina.headers[0]
    monkeypatch.setenv("MY_KEY", "abc")
    client(kimina, key_variable="MY_KEY").verify([RIGHT])
    assert kimina.headers[0]["Authorization"] == "Bearer abc"


def test_no_server_at_all_is_the_users_to_mend(kimina):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(UserError, match=r"there is no Kimina server at .*no connection"):
            KiminaServer(address, retries=1, pause_s=0.01).verify([RIGHT])
    with pytest.raises(UserError, match=r"HTTP 404.*api 'check'"):
        KiminaServer(f"{kimina.url}/elsewhere").verify([RIGHT])
    kimina.faults = [lambda handler: handler.send("no", 401)]
    with pytest.raises(UserError, match=r"HTTP 401.*LEAN_SERVER_API_KEY"):
        KiminaServer(kimina.url).verify([RIGHT])


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"url": "localhost:8000"}, "url is 'localhost:8000', in KiminaServer; must be"),
        ({"url": "http://x", "api": "v2"}, "api is 'v2'"),
        ({"url": "http://x", "batch": 0}, "batch is 0, in KiminaServer"),
    ],
)
def test_settings_without_sense_are_refused(settings, what):
    with pytest.raises(UserError, match=what):
        KiminaServer(**settings)
