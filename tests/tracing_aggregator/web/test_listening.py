"""Where servers listen."""

import socket

import pytest

from tracing_aggregator.web.listening import bound


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_server_names_its_protocol_for_else_asyncio_lets_answers_wait_for_an_acknowledgement(host):
    with bound(host, 0) as listening, socket.create_connection(listening.getsockname()[:2]):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.proto == socket.IPPROTO_TCP
