"""Runs the dashboard: the thread that follows Kafka, and the web server."""

import fcntl
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import uvicorn

from pipeline.config.load import Config
from pipeline.errors import UserError
from tracing_aggregator.dashboard.api import STREAMS, application
from tracing_aggregator.dashboard.follow import Follower
from tracing_aggregator.dashboard.job import JobWatch
from tracing_aggregator.dashboard.store import Reader, open_store
from tracing_aggregator.web.connections import Connections, Limits
from tracing_aggregator.web.listening import listen, url
from tracing_aggregator.web.server import Tls, server
from tracing_aggregator.web.tokens import Tokens

#: Answers that are not ready by then are cut off.
_GRACE_S = 1
#: Connections beside those of the streams.
_REQUESTS = 200


class Options(NamedTuple):
    """How to serve: `store` is the file, `since` in ms since the epoch, `tokens` None asks for none.

    `streams`: pages that are told of changes at a time.
    """

    host: str
    port: int
    store: Path
    keep: int
    since: int | None
    tokens: Tokens | None
    streams: int = STREAMS
    tls: Tls | None = None
    access_log: bool = False


def serve(config: Config, options: Options, tell: Callable[[str], None]) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Raises UserError: a host beyond this machine without a token, a token that is too short, a port that is taken, a
    store that cannot be used.
    """
    with serving(config, options) as page:
        tell(f"Dashboard: {page.address}" + ("  (once with ?token=…)" if options.tokens else ""))
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
    with (
        closing(listen(options.host, options.port, options.tokens, "tracing-aggregator dashboard")) as listening,
        _alone(options.store),
        closing(open_store(options.store)) as connection,
    ):
        follower = Follower(config, connection, options.since, options.keep)
        job = JobWatch(config.settings)
        connections = Connections(Limits(2 * options.streams + _REQUESTS, options.streams + _REQUESTS))
        reader = Reader(options.store)
        app = application(reader, options.tokens, follower.status, job.status, options.streams, connections)
        made = server(app, connections, options.tls, _GRACE_S, access=options.access_log)
        made.on_stop = app.state.changes.end
        follower.start()
        job.start()
        try:
            yield Page(url(options.host, listening, tls=options.tls is not None), made, listening)
        finally:
            job.stop()
            follower.stop()


@contextmanager
def _alone(store: Path) -> Iterator[None]:
    """Keep other dashboards from the store; the kernel ends that with the process, however that ends."""
    store.parent.mkdir(parents=True, exist_ok=True)
    with store.with_name(f"{store.name}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(
                f"{store} is written by another dashboard.",
                "Look at that one; or give this one a store of its own: tracing-aggregator dashboard --store FILE",
            ) from error
        yield
