"""Runs the dashboard: the thread that follows Kafka, and the web server."""

import ipaddress
import re
import secrets
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import uvicorn

from dashboard.api import application
from dashboard.follow import Follower
from dashboard.job import JobWatch
from dashboard.store import Reader, open_store
from pipeline.config import Config
from pipeline.errors import UserError

#: Pages that are open hold a stream that never ends: they are cut off after this.
_GRACE_S = 1
_TOKEN = re.compile(r"[!-~]{8,}")


class Options(NamedTuple):
    """How to serve: `store` is the file, `since` in ms since the epoch, `token` None asks for none."""

    host: str
    port: int
    store: Path
    keep: int
    since: int | None
    token: str | None


def serve(config: Config, options: Options, tell: Callable[[str], None]) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Raises UserError: a host beyond this machine without a token, a token that is too short, a port that is taken, a
    store that cannot be used.
    """
    if options.token is None and not is_loopback(options.host):
        raise UserError(
            f"--host {options.host} lets others in, so a token is needed.",
            f"For example: tracing-aggregator dashboard --host {options.host} --token {secrets.token_urlsafe(18)}",
        )
    if options.token is not None and not _TOKEN.fullmatch(options.token):
        raise UserError(
            "The token must have 8 characters or more, of ASCII and without blanks.",
            f"For example: --token {secrets.token_urlsafe(18)}",
        )
    with serving(config, options) as page:
        tell(f"Dashboard: {page.address}" + ("  (once with ?token=…)" if options.token else ""))
        tell(
            f"Reads {config.settings.bootstrap_servers} into {options.store}. "
            "Ctrl-C ends it; the next start goes on there."
        )
        # Like Ctrl-C: uvicorn passes on what it was ended with, and that would end us before we have tidied up.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with suppress(KeyboardInterrupt):  # uvicorn ends in good order, and then passes Ctrl-C on
            page.run()


class Page(NamedTuple):
    """The dashboard, ready to run. `run` returns when `stop` was called, or at a signal in the main thread."""

    address: str
    server: uvicorn.Server
    listening: socket.socket

    def run(self) -> None:
        """Answer requests."""
        self.server.run(sockets=[self.listening])

    def stop(self) -> None:
        """Let `run` return soon."""
        self.server.should_exit = True


@contextmanager
def serving(config: Config, options: Options) -> Iterator[Page]:
    """A dashboard that follows Kafka for as long as the block runs.

    Raises UserError: a port that is taken, a store that cannot be used.
    """
    listening = _listen(options.host, options.port)
    try:
        connection = open_store(options.store)
        follower = Follower(config, connection, options.since, options.keep)
        job = JobWatch(config.settings)
        app = application(Reader(options.store), options.token, follower.status, job.status)
        server = uvicorn.Server(
            uvicorn.Config(
                app, log_level="warning", access_log=False, timeout_graceful_shutdown=_GRACE_S, server_header=False
            )
        )
        name = f"[{options.host}]" if ":" in options.host else options.host
        follower.start()
        job.start()
        try:
            yield Page(f"http://{name}:{listening.getsockname()[1]}/", server, listening)
        finally:
            job.stop()
            follower.stop()
            connection.close()
    finally:
        listening.close()


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server that listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listen(host: str, port: int) -> socket.socket:
    try:
        [family, kind, _, _, address] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen()  # who comes before the server is up waits
    except OSError as error:
        raise UserError(
            f"{host}:{port} cannot be listened on: {error.strerror or error}.",
            "Choose another: tracing-aggregator dashboard --port 0 takes any that is free",
        ) from error
    return listening
