"""Who is connected, and who has to go when it gets too many: slow and silent clients cost others nothing.

A connection *waits* until the head of a request is there, and again after each answer. It may wait `HEAD_S`. When there
are too many, of one address or of all, the one that has waited longest makes room. If none waits, the new one is
refused.
"""

import asyncio
import socket
from collections import Counter
from typing import Any, NamedTuple, Protocol

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from tracing_aggregator.web.peers import network

#: How long the head of a request may take, in s.
HEAD_S = 10.0
#: A client that takes nothing of what is sent to it for this long is gone, in s.
UNREAD_S = 30
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Limits(NamedTuple):
    """Connections at a time: of all clients, and of one address (a network of 64 bits for IPv6)."""

    connections: int = 400
    per_address: int = 200


class Connection(Protocol):
    """What `Connections` needs of one: it hangs up at once."""

    def hang_up(self) -> None:
        """End it, without an answer."""


class Connections:
    """The connections of one server. It knows no sockets."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._all: dict[Connection, str] = {}
        self._of_address: Counter[str] = Counter()
        #: Those that wait, in the order in which they began to.
        self._waiting: dict[Connection, None] = {}
        self.refused = 0

    def __len__(self) -> int:
        return len(self._all)

    def admit(self, new: Connection, address: str) -> bool:
        """Whether there is room for it, which another one that waits may have to make."""
        crowded = self._of_address[address] >= self._limits.per_address
        full = len(self._all) >= self._limits.connections
        if (crowded and not self._make_room(address)) or (full and not crowded and not self._make_room(None)):
            self.refused += 1
            return False
        self._all[new] = address
        self._of_address[address] += 1
        return True

    def waits(self, connection: Connection) -> None:
        """It waits for a request from now on, or as it did before."""
        if connection in self._all:
            self._waiting.setdefault(connection)

    def works(self, connection: Connection) -> None:
        """It has a request to answer."""
        self._waiting.pop(connection, None)

    def gone(self, connection: Connection) -> None:
        """It has ended. May be said again, and of one that was refused."""
        self._waiting.pop(connection, None)
        address = self._all.pop(connection, None)
        if address is not None:
            self._of_address[address] -= 1
            if not self._of_address[address]:
                del self._of_address[address]

    def _make_room(self, address: str | None) -> bool:
        """End the one that has waited longest, of this address or of any."""
        for waiting in self._waiting:
            if address is None or self._all[waiting] == address:
                self.gone(waiting)
                waiting.hang_up()
                return True
        return False


class LimitedProtocol(H11Protocol):
    """uvicorn's protocol, one object a connection, which `room` admits or not."""

    room: Connections
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """asyncio: someone has connected."""
        super().connection_made(transport)
        _end_if_unread(transport)
        if self.room.admit(self, network(self.client[0] if self.client else "")):
            self._note()
        else:
            transport.write(_BUSY)
            transport.close()

    def data_received(self, data: bytes) -> None:
        """asyncio: a part of a request."""
        super().data_received(data)
        self._note()

    def on_response_complete(self) -> None:
        """uvicorn: a request was answered."""
        super().on_response_complete()
        self._note()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the connection has ended."""
        self.room.gone(self)
        self._calm()
        super().connection_lost(exc)

    def hang_up(self) -> None:
        """See Connection."""
        self.transport.abort()

    def _note(self) -> None:
        if self._has_request():
            self.room.works(self)
            self._calm()
        else:
            self.room.waits(self)
            if self._timer is None:
                self._timer = self.loop.call_later(HEAD_S, self._too_slow)

    def _has_request(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _calm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(_SLOW)
            self.transport.close()


def limited(room: Connections) -> type[H11Protocol]:
    """The protocol of a server with these connections."""
    return type("Limited", (LimitedProtocol,), {"room": room})


def _end_if_unread(transport: Any) -> None:
    option = getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux
    found = transport.get_extra_info("socket")
    if option is not None and found is not None:
        found.setsockopt(socket.IPPROTO_TCP, option, UNREAD_S * 1000)
