"""A server in a thread of this process, for measuring, tests and screenshots."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

_PATIENCE_S = 30.0


@contextmanager
def running(app: ASGIApp) -> Iterator[int]:
    """Serve on loopback while the context lasts; gives the port. TimeoutError where it does not come up."""
    config = uvicorn.Config(app, port=0, log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + _PATIENCE_S
    while not server.started:
        if time.monotonic() > deadline:
            raise TimeoutError("the server did not start")
        time.sleep(0.02)
    [listening] = server.servers[0].sockets
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(_PATIENCE_S)
