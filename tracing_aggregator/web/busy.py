"""At most so many requests at a time; more are told to come again."""

from collections.abc import Collection

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class Busy:
    """Middleware. Requests for `free` paths do not count and are always answered."""

    def __init__(self, app: ASGIApp, limit: int, free: Collection[str] = ()) -> None:
        self._app = app
        self._limit = limit
        self._free = frozenset(free)
        self._now = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or scope["path"] in self._free:
            await self._app(scope, receive, send)
        elif self._now >= self._limit:
            answer = PlainTextResponse("Too many requests at a time; come again.\n", 503, {"Retry-After": "1"})
            await answer(scope, receive, send)
        else:
            self._now += 1
            try:
                await self._app(scope, receive, send)
            finally:
                self._now -= 1
