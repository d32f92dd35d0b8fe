"""A line for each request, without what is secret: who, what, the answer, how long."""

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("tracing_aggregator.access")


class AccessLog:
    """Middleware. The query is left out: it may hold a token, or what someone looks for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, began = 0, time.monotonic()

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            client = scope.get("client") or ("-", 0)
            took_ms = (time.monotonic() - began) * 1000
            # `repr`: a path may hold line breaks.
            log.info("%s %s %r %d %.0f ms", client[0], scope["method"], scope["path"], status, took_ms)
