"""Where a server of ours listens, and that nobody is let in from elsewhere without a token."""

import ipaddress
import secrets
import socket

from pipeline.errors import UserError
from tracing_aggregator.web.tokens import Tokens


def listen(host: str, port: int, tokens: Tokens | None, command: str) -> socket.socket:
    """A socket that listens there. `command` is the one to type, for what to do instead.

    Raises UserError: a host beyond this machine without a token, a port that is taken.
    """
    if tokens is None and not is_loopback(host):
        raise UserError(
            f"--host {host} lets others in, so a token is needed.",
            f"For example: {command} --host {host} --token {secrets.token_urlsafe(18)}",
        )
    try:
        return bound(host, port)
    except OSError as error:
        raise UserError(
            f"{host}:{port} cannot be listened on: {error.strerror or error}.",
            f"Choose another: {command} --port 0 takes any that is free",
        ) from error


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens there, whoever can reach it. Raises OSError."""
    [family, kind, protocol, _, address] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    # Only where the protocol is named does asyncio send at once: else the second part of an answer waits 40 ms.
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen()  # who comes before the server is up waits
    except OSError:
        listening.close()
        raise
    return listening


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server that listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def url(host: str, listening: socket.socket, *, tls: bool = False) -> str:
    """The address of a server at such a socket."""
    return f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}/"
