"""Server-sent events: a word whenever the store has changed, so that pages ask again."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import suppress

#: The page is told at most this often.
_EVERY_S = 1.0
#: Proxies close what is silent; a comment keeps it open.
_SILENCE_S = 15.0


async def changes(address: str, ending: asyncio.Event) -> AsyncIterator[str]:
    """Events `changed`, with a number that grows, of the store at this address, as `text/event-stream`.

    They end when `ending` is set.
    """
    connection = sqlite3.connect(address, uri=True, check_same_thread=False)
    try:
        known, number, silence = None, 0, 0.0
        yield "retry: 2000\n\n"
        while not ending.is_set():
            # SQLite counts what other connections wrote: a look at the log's header, no query.
            [[version]] = connection.execute("PRAGMA data_version")
            if version != known:
                known, number, silence = version, number + 1, 0.0
                yield f"event: changed\ndata: {number}\n\n"
            elif silence >= _SILENCE_S:
                silence = 0.0
                yield ": still here\n\n"
            with suppress(TimeoutError):
                await asyncio.wait_for(ending.wait(), _EVERY_S)
            silence += _EVERY_S
    finally:
        connection.close()
