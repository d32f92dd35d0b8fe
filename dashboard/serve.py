"""Runs the dashboard: the thread that follows Kafka, and the web server."""

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import uvicorn

from dashboard.api import application
from dashboard.ending import EndingServer
from dashboard.follow import Follower
from dashboard.job import JobWatch
from dashboard.listening import listen, url
from dashboard.store import Reader, open_store
from pipeline.config import Config

#: Answers that are not ready by then are cut off.
_GRACE_S = 1


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

    Raises UserError as `serve` does.
    """
    listening = listen(options.host, options.port, options.token, "tracing-aggregator dashboard")
    try:
        connection = open_store(options.store)
        follower = Follower(config, connection, options.since, options.keep)
        job = JobWatch(config.settings)
        app = application(Reader(options.store), options.token, follower.status, job.status)
        server = EndingServer(
            uvicorn.Config(
                app, log_level="warning", access_log=False, timeout_graceful_shutdown=_GRACE_S, server_header=False
            ),
            app.state.ending,
        )
        follower.start()
        job.start()
        try:
            yield Page(url(options.host, listening), server, listening)
        finally:
            job.stop()
            follower.stop()
            connection.close()
    finally:
        listening.close()
