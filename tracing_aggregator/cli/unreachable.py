"""Why no broker answers: the address may be that of a web server, such as a metrics page or a schema registry."""

import socket

from pipeline.errors import UserError

_WITHIN_S = 2.0
_ASKED = b"GET / HTTP/1.0\r\n\r\n"
#: Enough to tell; each may take as long as it wants.
_AT_MOST = 3


def explained(error: UserError, servers: str) -> UserError:
    """The error, which says so if one of these addresses speaks HTTP; others than that of unreachable brokers as is."""
    from runners.kafka.admin import BrokersUnreachableError

    if isinstance(error, BrokersUnreachableError) and (address := _http_at(servers)):
        error.message = f"{address} answers in HTTP: it is a web server, not a Kafka broker."
        error.todo = "Name the brokers' own port, 9092 as a rule: -b HOST:9092"
    return error


def _http_at(servers: str) -> str | None:
    """The first of the addresses, as in bootstrap.servers, at which a web server answers; None if there is none."""
    return next((one for one in servers.split(",")[:_AT_MOST] if _speaks_http(one.strip())), None)


def _speaks_http(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.rpartition("//")[2].strip("[]"), int(port)), _WITHIN_S) as connection:
            connection.sendall(_ASKED)
            return connection.recv(len(b"HTTP/")) == b"HTTP/"
    except (OSError, ValueError):
        return False
