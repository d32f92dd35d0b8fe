"""uvicorn as our servers use it."""

import asyncio
import functools
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import uvicorn
from starlette.types import ASGIApp

from pipeline.errors import UserError
from tracing_aggregator.web.access_log import AccessLog
from tracing_aggregator.web.connections import Connections, Limits, limited

#: How long a TLS handshake may take, in s.
_HANDSHAKE_S = 5.0
_PATIENCE_S = 30.0


class Tls(NamedTuple):
    """PEM files: the certificate with its chain, and its key, which has no password."""

    cert: Path
    key: Path

    @classmethod
    def of(cls, cert: Path | None, key: Path | None) -> "Tls | None":
        """Both, or None where neither is given. Raises UserError for one alone, and for files that do not do."""
        if cert is None and key is None:
            return None
        if cert is None or key is None:
            raise UserError("TLS needs a certificate and its key.", "Name both: --tls-cert FILE --tls-key FILE")
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password="")
        except (OSError, ssl.SSLError) as error:
            raise UserError(
                f"{cert} with {key} is no certificate with its key: {error}.", "Both are PEM; the key has no password."
            ) from error
        return cls(cert, key)


class Server(uvicorn.Server):
    """A server with limits for its connections. `on_stop` is called, on its loop, before it ends."""

    on_stop: Callable[[], None] = staticmethod(lambda: None)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen. asyncio would wait a minute for a handshake, and uvicorn has no word for it."""
        if self.config.ssl is not None:
            loop: Any = asyncio.get_running_loop()
            loop.create_server = functools.partial(loop.create_server, ssl_handshake_timeout=_HANDSHAKE_S)
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End. What never ends by itself is told first."""
        self.on_stop()
        await super().shutdown(sockets)


def server(
    app: ASGIApp,
    connections: Connections | None = None,
    tls: Tls | None = None,
    grace_s: int = 1,
    *,
    access: bool = False,
) -> Server:
    """A server of this application, which listens nowhere yet. `grace_s`: how long its end waits for answers."""
    config = uvicorn.Config(
        AccessLog(app) if access else app,
        http=limited(connections or Connections(Limits())),
        ws="none",
        loop="asyncio",
        # Who sends what is no HTTP is told so, and not written down each time.
        log_level="error",
        access_log=False,
        timeout_graceful_shutdown=grace_s,
        server_header=False,
        ssl_certfile=tls and tls.cert,
        ssl_keyfile=tls and tls.key,
    )
    return Server(config)


@contextmanager
def in_thread(made: Server, listening: socket.socket) -> Iterator[None]:
    """Serve while the context lasts. TimeoutError where it does not come up."""
    thread = threading.Thread(target=made.run, kwargs={"sockets": [listening]}, name="http", daemon=True)
    thread.start()
    deadline = time.monotonic() + _PATIENCE_S
    while not made.started:
        if time.monotonic() > deadline:
            raise TimeoutError("the server did not start")
        time.sleep(0.02)
    try:
        yield
    finally:
        made.should_exit = True
        thread.join(_PATIENCE_S)
