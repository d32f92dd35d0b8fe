"""For tests: a real HTTP server on loopback that gives one prepared answer after the other."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import NamedTuple


class Asked(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Answer(NamedTuple):
    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


class Script(NamedTuple):
    """`asked` is what was asked so far; `answer` is called with each of it."""

    url: str
    asked: list[Asked]


@contextmanager
def scripted(*answers: Answer) -> Iterator[Script]:
    """Each request gets the next answer, and when they are used up the last one."""
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append(Asked(self.command, self.path, dict(self.headers), body))
            answer = answers[min(len(asked), len(answers)) - 1]
            self.send_response(answer.status)
            for name, value in (*answer.headers, ("Content-Length", str(len(answer.body)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        do_POST = do_PUT = _answer  # noqa: N815  names that http.server calls

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True  # a client keeps its connection
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Script(f"http://127.0.0.1:{server.server_port}", asked)
    finally:
        server.shutdown()
        server.block_on_close = False
        server.server_close()
