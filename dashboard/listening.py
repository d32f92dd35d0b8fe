"""Where a server of ours listens, and that nobody is let in from elsewhere without a token."""

import ipaddress
import re
import secrets
import socket

from pipeline.errors import UserError

_TOKEN = re.compile(r"[!-~]{8,}")


def listen(host: str, port: int, token: str | None, command: str) -> socket.socket:
    """A socket that listens there. `command` is the one to type, for what to do instead.

    Raises UserError: a host beyond this machine without a token, a token that is too short, a port that is taken.
    """
    if token is None and not is_loopback(host):
        raise UserError(
            f"--host {host} lets others in, so a token is needed.",
            f"For example: {command} --host {host} --token {secrets.token_urlsafe(18)}",
        )
    if token is not None and not _TOKEN.fullmatch(token):
        raise UserError(
            "The token must have 8 characters or more, of ASCII and without blanks.",
            f"For example: --token {secrets.token_urlsafe(18)}",
        )
    try:
        [family, kind, _, _, address] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen()  # who comes before the server is up waits
    except OSError as error:
        raise UserError(
            f"{host}:{port} cannot be listened on: {error.strerror or error}.",
            f"Choose another: {command} --port 0 takes any that is free",
        ) from error
    return listening


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server that listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def url(host: str, listening: socket.socket) -> str:
    """The address of a server at such a socket."""
    return f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}/"
