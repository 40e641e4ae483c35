"""Addresses of those who ask: one that is written in two ways is one."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

_MAPPED_BITS = 96
"""Of ``::ffff:10.0.0.1``, before the address of IPv4 (RFC 4291, 2.5.5.2): so sockets of both kinds tell of it."""


def parse_address(text: str) -> IPv4Address | IPv6Address:
    """Return an address; one of IPv4 that is written as one of IPv6 is that of IPv4, and of IPv6 no zone is kept.

    Raises:
        ValueError: it is none.
    """
    found = ip_address(text)
    if isinstance(found, IPv4Address):
        return found
    return found.ipv4_mapped or IPv6Address(int(found))


def parse_network(text: str) -> IPv4Network | IPv6Network:
    """Return a network, or an address as one; bits beyond its length do not matter. IPv4 as in ``parse_address``.

    Raises:
        ValueError: it is none.
    """
    found = ip_network(text.strip(), strict=False)
    mapped = found.network_address.ipv4_mapped if isinstance(found, IPv6Network) else None
    if mapped is None or found.prefixlen < _MAPPED_BITS:
        return found
    return IPv4Network((mapped, found.prefixlen - _MAPPED_BITS))


def network_of(address: str) -> str:
    """Return whom an address stands for: itself with IPv4, the 2^64 of IPv6 that one home has; else what was given."""
    try:
        found = parse_address(address)
    except ValueError:
        return address
    return str(IPv6Network((int(found), 64), strict=False)) if isinstance(found, IPv6Address) else str(found)
