"""A server whose streams end with it: uvicorn waits for answers, and a stream of events is one without end."""

import asyncio
import socket

import uvicorn


class EndingServer(uvicorn.Server):
    """Sets `ending` when it stops, before it waits for its answers: those that never end by themselves look at it."""

    def __init__(self, config: uvicorn.Config, ending: asyncio.Event) -> None:
        super().__init__(config)
        self._ending = ending

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop in good order."""
        self._ending.set()
        await super().shutdown(sockets)
