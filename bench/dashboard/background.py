"""A server in a thread of this process, for measuring, tests and screenshots."""

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import ASGIApp

from tracing_aggregator.web.connections import Connections
from tracing_aggregator.web.listening import bound
from tracing_aggregator.web.server import Tls, in_thread, server


@contextmanager
def running(app: ASGIApp, connections: Connections | None = None, tls: Tls | None = None) -> Iterator[int]:
    """Serve on loopback while the context lasts; gives the port. TimeoutError where it does not come up."""
    with bound("127.0.0.1", 0) as listening, in_thread(server(app, connections, tls), listening):
        yield listening.getsockname()[1]
