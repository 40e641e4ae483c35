"""Where webhooks may lead: not into what only this machine can reach, unless the settings allow that.

Names are looked up once, all addresses of one are looked at, and the connection is made to one of those very
addresses: what the name means a moment later does not count.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from gatehouse_common.errors import Forbidden, InvalidInput, Unavailable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Look = Callable[[str, int], Sequence[str]]
"""Returns the addresses of a name, for a port; raises ``OSError``."""

_LONGEST = 2000
_PORTS = {"http": 80, "https": 443}
_METADATA: Final = frozenset(
    map(
        ipaddress.ip_address,
        ("169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"),
    )
)
"""Where clouds tell machines of themselves, keys too: AWS, Azure, Alibaba, Oracle, Google."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")


@dataclass(frozen=True, slots=True)
class Target:
    """Where something is sent.

    Attributes:
        host: the name, as the certificate and the header ``Host`` have it.
        port: of TCP.
        path: with the query.
        tls: whether it is encrypted.
    """

    host: str
    port: int
    path: str
    tls: bool

    @property
    def shown(self) -> str:
        """What logs and records say: no path and no query, for these may be secrets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS["https" if self.tls else "http"] else f":{self.port}"
        return f"{'https' if self.tls else 'http'}://{host}{port}"


def read_target(url: str, *, allow_http: bool, allow_private: bool) -> Target:
    """Return where a URL leads.

    Raises:
        InvalidInput: it cannot be used; the sentence says why.
    """
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url or len(url) > _LONGEST:
        raise InvalidInput(f"the address has to be at most {_LONGEST} ASCII characters without spaces.", "url")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise InvalidInput("the address cannot be read: use e.g. https://example.org/hook", "url") from error
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or not host:
        raise InvalidInput("the address has to be like https://example.org/hook", "url")
    if scheme == "http" and not allow_http:
        raise InvalidInput("the address has to be https; the setting webhooks.allow_http lets http in.", "url")
    if "@" in parts.netloc:
        raise InvalidInput("no user and password in the address: who sends is shown by the signature.", "url")
    if parts.fragment or port == 0:
        raise InvalidInput("the address has a fragment, or port 0: neither leads anywhere.", "url")
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        literal = None
    if literal is not None and (why := refused(literal, allow_private=allow_private)):
        raise InvalidInput(f"webhooks do not lead to {host}: {why}.", "url")
    return Target(host, port or _PORTS[scheme], _path(parts), scheme == "https")


def look_up(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a name.

    Raises:
        OSError: it has none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def addresses_of(target: Target, look: Look, *, allow_private: bool) -> list[str]:
    """Return the addresses that may be connected to; of a name of which one may not, none is.

    Raises:
        Unavailable: the name has no address.
        Forbidden: it has one that webhooks do not lead to.
    """
    try:
        found = list(look(target.host, target.port))
    except (OSError, UnicodeError) as error:
        raise Unavailable(f"{target.host} has no address: {getattr(error, 'strerror', None) or error}") from error
    if not found:
        raise Unavailable(f"{target.host} has no address")
    for one in found:
        try:
            address = ipaddress.ip_address(one)
        except ValueError as error:
            raise Forbidden(f"webhooks do not lead to {target.host}: {one[:60]!r} is no address.") from error
        if why := refused(address, allow_private=allow_private):
            raise Forbidden(f"webhooks do not lead to {target.host} ({one}): {why}.")
    return found


def refused(address: Address, *, allow_private: bool) -> str:
    """Return why an address is not connected to; empty: it may be."""
    address = _inner(address)
    if address in _METADATA or address.is_link_local:
        return "clouds tell machines of themselves there"
    if address.is_multicast or address.is_unspecified or (address.is_reserved and not address.is_loopback):
        return "nobody listens there"
    is_site = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    if (is_site or not address.is_global) and not allow_private:
        return "it is in a private network, or this machine; the setting webhooks.allow_private lets these in"
    return ""


def _inner(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for, where it stands for one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    teredo = address.teredo
    inner = address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
    if inner is None and (address in _NAT64 or (address in _COMPATIBLE and int(address) > 1)):
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address


def _path(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
