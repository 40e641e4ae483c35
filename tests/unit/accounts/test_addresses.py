"""Addresses and networks: the same one however it is written."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_common.accounts.addresses import parse_address, parse_network


@given(st.integers(0, 2**32 - 1), st.integers(0, 32))
def test_an_address_of_ipv4_is_in_its_network_however_both_are_written(bits: int, length: int) -> None:
    address = IPv4Address(bits)
    for shown in (str(address), f"::ffff:{address}"):
        assert parse_address(shown) == address
        for network in (f"{address}/{length}", f"::ffff:{address}/{96 + length}"):
            assert parse_address(shown) in parse_network(network)


def test_addresses_of_ipv6_are_their_own() -> None:
    assert str(parse_address("2001:DB8::0:1")) == "2001:db8::1"
    assert parse_address("fe80::1%eth0") in parse_network("fe80::/10")
    assert parse_address("::1") not in parse_network("0.0.0.0/0")
    assert parse_address("10.0.0.1") not in parse_network("::/0")
    assert str(parse_network("::/0")) == "::/0"
    assert str(parse_network(" 10.1.2.3/8 ")) == "10.0.0.0/8"


@pytest.mark.parametrize("text", ["", "localhost", "10.0.0", "10.0.0.1:80", "::ffff:10.0.0.256"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="does not appear"):
        parse_address(text)
    with pytest.raises(ValueError, match="does not appear"):
        parse_network(text)
