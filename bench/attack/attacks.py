"""The attacks: each asks a server on loopback a bounded number of times, and gives the answers by status."""

import gzip
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import NamedTuple, Self

import requests

from bench.attack.target import TOKEN

HOST = "127.0.0.1"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
JSON = {"Content-Type": "application/json"}
_TIMEOUT_S = 20
_HELD_S = 4.0

Answers = Counter[str]


class Attack(NamedTuple):
    """`on` is the server: `pages` or `spans`."""

    what: str
    on: str
    run: Callable[[int], Answers]


def silent(port: int) -> Answers:
    """1,000 connections that say nothing."""
    with _held(port, 1_000, b""):
        time.sleep(_HELD_S)
    return Counter()


def slow_heads(port: int) -> Answers:
    """500 requests whose head does not end."""
    with _held(port, 500, b"GET / HTTP/1.1\r\nHost: localhost\r\n"):
        time.sleep(_HELD_S)
    return Counter()


def streams(port: int) -> Answers:
    """500 event streams."""
    head = f"GET /api/live HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    with _held(port, 500, head.encode()) as opened:
        time.sleep(_HELD_S)
        return Counter(filter(None, map(_status, opened)))


def spans_in_gzip(port: int) -> Answers:
    """Bodies of some 60 kB that hold 90,000 spans each."""
    span = {"traceId": "ab" * 16, "spanId": "cd" * 8, "kind": 4, "attributes": []}
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span] * 90_000}]}]})
    packed = gzip.compress(body.encode())
    return _asked(port, 40, "POST", "/v1/traces", packed, {**BEARER, **JSON, "Content-Encoding": "gzip"})


def bomb(port: int) -> Answers:
    """Bodies that unpack to a hundred megabytes."""
    packed = gzip.compress(b" " * 100_000_000)
    return _asked(port, 40, "POST", "/v1/traces", packed, {**BEARER, **JSON, "Content-Encoding": "gzip"})


def deep(port: int) -> Answers:
    """JSON that is nested 100,000 deep."""
    value = b'{"arrayValue":{"values":[' * 100_000 + b"]}}" * 100_000
    body = b'{"resourceSpans":[{"resource":{"attributes":[{"key":"k","value":' + value + b"}]}}]}"
    return _asked(port, 40, "POST", "/v1/traces", body[: 4 << 20], {**BEARER, **JSON})


def large(port: int) -> Answers:
    """Bodies of 64 MB."""
    return _asked(port, 20, "POST", "/v1/traces", b" " * (64 << 20), {**BEARER, **JSON})


def header_flood(port: int) -> Answers:
    """Heads of a megabyte."""
    found: Answers = Counter()
    for _ in range(50):
        with socket.create_connection((HOST, port), _TIMEOUT_S) as one:
            try:
                one.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X-Flood: y\r\n" * 80_000)
            except OSError:
                found["closed"] += 1
                continue
            found[_status(one) or "closed"] += 1
    return found


def guesses(port: int) -> Answers:
    """Wrong tokens."""
    return sum(
        (_asked(port, 1, "GET", "/", b"", {"Authorization": f"Bearer guess-{n}"}) for n in range(200)), Counter()
    )


def paths(port: int) -> Answers:
    """Ways out of the folder of static files."""
    tricks = (
        "/static/../store",
        "/static/..%2f..%2fstore",
        "/static/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/static/%00",
    )
    return sum((_asked(port, 8, "GET", path, b"", BEARER) for path in tricks), Counter())


def searches(port: int) -> Answers:
    """Searches that no index helps, many at a time."""
    return _asked(port, 300, "GET", "/api/v1/traces?clientId=nobody&since=0&size=100", b"", BEARER, at_once=64)


ATTACKS = (
    *(Attack(f"{kind.__doc__}", on, kind) for on in ("pages", "spans") for kind in (silent, slow_heads, header_flood)),
    *(Attack(f"{kind.__doc__}", "spans", kind) for kind in (spans_in_gzip, bomb, deep, large)),
    *(Attack(f"{kind.__doc__}", "pages", kind) for kind in (streams, searches, paths, guesses)),
)


def _asked(
    port: int, times: int, method: str, path: str, body: bytes, headers: dict[str, str], at_once: int = 8
) -> Answers:
    def ask(_: int) -> str:
        try:
            url = f"http://{HOST}:{port}{path}"
            prepared = requests.Request(method, url, headers=headers, data=body).prepare()
            prepared.url = url  # as it is: requests would tidy up the path
            with requests.Session() as session:
                return str(session.send(prepared, timeout=_TIMEOUT_S, allow_redirects=False).status_code)
        except requests.RequestException:
            return "closed"

    with ThreadPoolExecutor(at_once) as pool:
        return Counter(pool.map(ask, range(times)))


@contextmanager
def _held(port: int, count: int, head: bytes) -> Iterator[list[socket.socket]]:
    """So many connections at a time, each of which has sent this much."""
    with ExitStack() as stack:
        opened = []
        for _ in range(count):
            try:
                one = stack.enter_context(socket.create_connection((HOST, port), _TIMEOUT_S))
                one.sendall(head)
            except OSError:
                continue
            opened.append(one)
        yield opened


def _status(one: socket.socket) -> str:
    """The status of the answer that is there; empty without one."""
    one.settimeout(0.2)
    try:
        words = one.recv(64).split()
    except OSError:
        return ""
    return words[1].decode() if len(words) > 1 else ""


class Probe:
    """Asks `/healthz` five times a second, as an orchestrator would more patiently."""

    def __init__(self, port: int) -> None:
        self._url = f"http://{HOST}:{port}/healthz"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.answered = self.missed = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(_TIMEOUT_S)

    def _run(self) -> None:
        while not self._stop.wait(0.2):
            try:
                is_well = requests.get(self._url, timeout=5).ok
            except requests.RequestException:
                is_well = False
            self.answered += is_well
            self.missed += not is_well
