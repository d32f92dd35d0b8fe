"""Server-sent events: a word whenever the store has changed, so that pages ask again.

One task looks at the store for all streams, and only while there are any.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing

from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

#: The page is told at most this often.
_EVERY_S = 1.0
#: Proxies close what is silent; a comment keeps it open.
_SILENCE_S = 15.0
#: A stream ends after this time; the browser opens the next one by itself.
_LONGEST_S = 3600.0


class Changes:
    """The streams of one store, at its address for SQLite; `limit` of them at a time."""

    def __init__(self, address: str, limit: int) -> None:
        self._address = address
        self._limit = limit
        self._number = 1
        self._changed = asyncio.Event()
        self._is_over = False
        self._looking: asyncio.Task[None] | None = None
        self.streams = 0
        self.refused = 0

    async def events(self) -> AsyncIterator[str]:
        """Events `changed`, with a number that grows, as `text/event-stream`."""
        if self._looking is None:
            # Opened first: what changes after the first event is a change.
            connection = sqlite3.connect(self._address, uri=True, check_same_thread=False)
            self._looking = asyncio.create_task(self._look(connection, _version(connection)))
        now = asyncio.get_running_loop().time
        known, ends_at = 0, now() + _LONGEST_S
        yield "retry: 2000\n\n"
        while now() < ends_at and not self._is_over:
            changed = self._changed  # taken first: what changes while something is sent is not missed
            if known != self._number:
                known = self._number
                yield f"event: changed\ndata: {known}\n\n"
            try:
                await asyncio.wait_for(changed.wait(), _SILENCE_S)
            except TimeoutError:
                yield ": still here\n\n"

    def end(self) -> None:
        """Let all streams end now."""
        self._is_over = True
        self._changed.set()

    def take(self) -> bool:
        """Whether there is room for one more stream, which `leave` ends."""
        if self.streams >= self._limit:
            self.refused += 1
            return False
        self.streams += 1
        return True

    def leave(self) -> None:
        """A stream has ended; without any nobody looks."""
        self.streams -= 1
        if not self.streams and self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def _look(self, connection: sqlite3.Connection, known: int) -> None:
        with closing(connection):
            while True:
                await asyncio.sleep(_EVERY_S)
                version = _version(connection)
                if version != known:
                    known = version
                    self._number += 1
                    self._changed.set()
                    self._changed = asyncio.Event()


def _version(connection: sqlite3.Connection) -> int:
    """SQLite counts what other connections wrote: a look at the log's header, no query."""
    [[version]] = connection.execute("PRAGMA data_version")
    return int(version)


class EventStream(Response):
    """The answer to who asks for events: a stream, or that there are too many."""

    def __init__(self, changes: Changes) -> None:
        super().__init__()
        self._changes = changes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if not self._changes.take():
            full = PlainTextResponse("Too many pages are open; this one is not live.\n", 503, {"Retry-After": "15"})
            await full(scope, receive, send)
            return
        try:
            stream = StreamingResponse(
                self._changes.events(), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
            )
            await stream(scope, receive, send)
        finally:
            self._changes.leave()
