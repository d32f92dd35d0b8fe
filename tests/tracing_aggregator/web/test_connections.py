"""Who has to go when there are too many connections, without sockets; then silent and slow clients of a real server."""

import socket
import time
from contextlib import ExitStack

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from bench.dashboard.background import running
from tracing_aggregator.web import connections
from tracing_aggregator.web.connections import Connections, Limits


class Fake:
    def __init__(self) -> None:
        self.is_up = True

    def hang_up(self) -> None:
        self.is_up = False


def filled(room: Connections, address: str, count: int) -> list[Fake]:
    made = [Fake() for _ in range(count)]
    for one in made:
        assert room.admit(one, address)
        room.waits(one)
    return made


def test_the_connection_that_has_waited_longest_makes_room():
    room = Connections(Limits(3, 3))
    first, second, third = filled(room, "a", 3)
    assert room.admit(Fake(), "b")
    assert (first.is_up, second.is_up, third.is_up) == (False, True, True)
    assert len(room) == 3


def test_one_address_takes_no_more_than_its_share_and_only_its_own_connections_go():
    room = Connections(Limits(10, 2))
    [other] = filled(room, "b", 1)
    mine = filled(room, "a", 2)
    assert room.admit(Fake(), "a")
    assert [other.is_up, *(one.is_up for one in mine)] == [True, False, True]


def test_who_is_being_answered_stays_and_the_new_one_is_refused():
    room = Connections(Limits(2, 2))
    for one in filled(room, "a", 2):
        room.works(one)
    assert not room.admit(Fake(), "b")
    assert room.refused == 1


def test_what_has_ended_leaves_room_and_may_be_told_twice():
    room = Connections(Limits(1, 1))
    [one] = filled(room, "a", 1)
    room.works(one)
    room.gone(one)
    room.gone(one)
    assert room.admit(Fake(), "a")


@pytest.fixture
def application() -> Starlette:
    return Starlette(routes=[Route("/", lambda _: PlainTextResponse("here"))])


def test_silent_connections_keep_nobody_out(application):
    room = Connections(Limits(20, 20))
    with running(application, room) as port, ExitStack() as stack:
        for _ in range(66):
            stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        assert httpx.get(f"http://127.0.0.1:{port}/").text == "here"
        assert len(room) <= 20


def test_a_request_whose_head_does_not_come_is_ended(application, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_S", 0.3)
    with running(application) as port, socket.create_connection(("127.0.0.1", port), timeout=10) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        assert slow.recv(1000).startswith(b"HTTP/1.1 408")
        assert slow.recv(1000) == b""


def test_a_head_that_comes_byte_by_byte_is_ended_at_the_same_time(application, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_S", 0.3)
    with running(application) as port, socket.create_connection(("127.0.0.1", port), timeout=10) as slow:
        began = time.monotonic()
        answer = b""
        slow.settimeout(0.05)
        while not answer and time.monotonic() - began < 10:
            try:
                slow.sendall(b"G")
                answer = slow.recv(1000)
            except TimeoutError:
                continue
        assert answer.startswith(b"HTTP/1.1 408")


def test_who_keeps_a_connection_asks_again_on_it(application):
    with running(application) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        assert [client.get("/").text for _ in range(3)] == ["here"] * 3


def test_a_flood_of_headers_is_refused_before_it_is_read(application):
    with running(application) as port, socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Flood: y\r\n" * 20_000)
        assert client.recv(1000).startswith(b"HTTP/1.1 4")
