"""Which names this server answers to: a page must not reach it through a name of its own (DNS rebinding).

Whoever owns a name can let it lead here, and the browser then takes this server for a part of that page's site. An
address cannot be made to lead elsewhere, and nobody can register the names that are reserved for private networks.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable

from gatehouse_common.settings import allowed_hosts

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1", "[::1]"})
_PRIVATE = ("local", "lan", "home", "home.arpa", "internal", "localdomain")
"""RFC 6762, RFC 8375, ICANN's reservation of ``internal``, and what routers use that no registry gives away."""


def answered_hosts(bound: str, allowed: str) -> Callable[[str], bool]:
    """Return what tells whether a ``Host`` header names this server.

    Args:
        bound: the address that is listened on: a loopback address is reached by loopback names only, any other by
            addresses, by the name of this machine (alone, or in a private network), and by loopback names.
        allowed: the setting ``api.allowed_hosts``: more names, ``*`` for any.
    """
    more = allowed_hosts(allowed)
    if "*" in more:
        return lambda _host: True
    names = LOOPBACK | more
    if bound in LOOPBACK:
        return lambda host: host_name(host) in names
    machine = socket.gethostname().lower()
    names |= {bound.lower(), machine, *(f"{machine.partition('.')[0]}.{suffix}" for suffix in _PRIVATE)}
    return lambda host: host_name(host) in names or _is_address(host_name(host))


def host_name(host: str) -> str:
    """Return the name or address in a ``Host`` header, without its port."""
    name, _, port = host.rpartition(":")
    return (name if port.isdecimal() and name else host).lower().removesuffix(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True
