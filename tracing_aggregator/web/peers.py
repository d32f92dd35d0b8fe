"""Who is asking: addresses as limits count them."""

import ipaddress
from collections.abc import Mapping
from typing import Any

_PREFIX = 64


def network(address: str) -> str:
    """The address; of IPv6 its network of 64 bits, all of which one client can use."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    return str(ipaddress.ip_network((found, _PREFIX), strict=False))


def peer(scope: Mapping[str, Any]) -> str:
    """Whose request this ASGI scope is of; empty where that is not known."""
    client = scope.get("client")
    return network(client[0]) if client else ""
