"""Where webhooks may lead: nowhere that only this machine reaches, whatever way that is written."""

from __future__ import annotations

import ipaddress
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from gatehouse_api.webhooks.lookups import MOST_OF_ONE, Lookups
from gatehouse_api.webhooks.targets import Target, addresses_of, read_target, refused
from gatehouse_common.errors import Forbidden, InvalidInput, Unavailable
from running import wait_for

PRIVATE = (
    "127.0.0.1",
    "127.8.9.10",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "198.18.0.1",
    "::1",
    "fc00::1",
    "fd12:3456::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::10.0.0.1",
    "2002:7f00:1::",
)
NEVER = (
    "0.0.0.0",
    "::",
    "169.254.169.254",
    "169.254.1.1",
    "fe80::1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::",
    "168.63.129.16",
    "100.100.100.200",
    "192.0.0.192",
    "fd00:ec2::254",
    "224.0.0.1",
    "ff02::1",
    "240.0.0.1",
    "255.255.255.255",
)
PUBLIC = ("93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34")
WHERE = Target("example.org", 443, "/", True)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_let_in_by_the_setting_alone(address: str) -> None:
    assert "allow_private" in refused(ipaddress.ip_address(address), allow_private=False)
    assert not refused(ipaddress.ip_address(address), allow_private=True)


@pytest.mark.parametrize("address", NEVER)
def test_addresses_of_metadata_and_of_nobody_are_never_asked(address: str) -> None:
    assert refused(ipaddress.ip_address(address), allow_private=True)
    assert refused(ipaddress.ip_address(address), allow_private=False)


@pytest.mark.parametrize("address", PUBLIC)
def test_others_are_asked(address: str) -> None:
    assert not refused(ipaddress.ip_address(address), allow_private=False)


def test_a_name_of_which_one_address_is_private_leads_nowhere() -> None:
    with pytest.raises(Forbidden, match=r"10\.0\.0\.1"):
        addresses_of(WHERE, lambda _host, _port: ["93.184.216.34", "10.0.0.1"], allow_private=False)


def test_a_name_without_addresses_is_tried_again_later() -> None:
    def none(_host: str, _port: int) -> list[str]:
        raise OSError("Name or service not known")

    with pytest.raises(Unavailable, match="has no address"):
        addresses_of(WHERE, none, allow_private=False)
    with pytest.raises(Unavailable):
        addresses_of(WHERE, lambda _host, _port: [], allow_private=False)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org/hook",
        "ftp://example.org/",
        "file:///etc/passwd",
        "http://example.org/",
        "https://user:pass@example.org/",
        "https://user@example.org/",
        "https://example.org/#part",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https://exa mple.org/",
        "https://example.org/a\r\nHost: other",
        "https://example.org\\@127.0.0.1/",
        "https://[::1/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[fe80::1%25eth0]/",
        "https://169.254.169.254/latest/meta-data",
        "https://müller.example/",
        "https://example.org/" + "a" * 2000,
    ],
)
def test_addresses_that_cannot_be_used_are_refused_with_a_reason(url: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_target(url, allow_http=False, allow_private=False)
    assert refusal.value.field == "url"
    assert "pass@" not in refusal.value.message


def test_what_is_shown_of_an_address_has_neither_path_nor_query() -> None:
    target = read_target("https://Hooks.example.org/services/T00/secret?token=x", allow_http=False, allow_private=False)
    assert (target.shown, target.path) == ("https://hooks.example.org", "/services/T00/secret?token=x")
    assert read_target("http://a.example:8080", allow_http=True, allow_private=False).shown == "http://a.example:8080"
    ours = read_target("https://[2606:2800:220:1:248:1893:25c8:1946]:8443/x", allow_http=False, allow_private=False)
    assert ours.shown == "https://[2606:2800:220:1:248:1893:25c8:1946]:8443"


def test_a_name_service_that_does_not_answer_is_not_waited_for() -> None:
    """The system's own look-up may last for as long as it likes, and nobody can end it."""
    answer = threading.Event()

    def look(host: str, _port: int) -> list[str]:
        if host == "slow.example.org":
            answer.wait(30)
        return ["93.184.215.14"]

    lookups = Lookups(look, limit_s=0.2)
    for _ in range(MOST_OF_ONE):
        with pytest.raises(Unavailable, match=r"looking up slow.example.org took longer than 0.2 s"):
            lookups("slow.example.org", 443)
    with pytest.raises(Unavailable, match="already"):  # threads that nobody waits for do not pile up
        lookups("slow.example.org", 443)
    assert lookups("quick.example.org", 443) == ["93.184.215.14"]
    answer.set()
    wait_for("those that went on to end", lambda: _found(lookups, "slow.example.org"))


def test_who_wants_a_name_that_is_being_looked_up_waits_for_the_same_answer() -> None:
    """Webhooks of one host: each has its requests at once, and none may fail for the others."""
    answer, asked = threading.Event(), list[str]()

    def look(host: str, _port: int) -> list[str]:
        asked.append(host)
        answer.wait(30)
        return ["93.184.215.14"]

    lookups = Lookups(look, limit_s=20)
    with ThreadPoolExecutor(8) as pool:
        found = [pool.submit(lookups, "hub.example.org", 443) for _ in range(8)]
        wait_for("look-up", lambda: asked)
        time.sleep(0.1)
        answer.set()
        assert [one.result() for one in found] == [["93.184.215.14"]] * 8
    assert asked == ["hub.example.org"]


def test_a_name_that_cannot_be_looked_up_is_looked_up_again_by_the_next() -> None:
    answers: list[list[str]] = [["93.184.215.14"], []]

    def look(_host: str, _port: int) -> list[str]:
        found = answers.pop()
        if not found:
            raise OSError("away")
        return found

    lookups = Lookups(look)
    with pytest.raises(OSError, match="away"):
        lookups("hub.example.org", 443)
    assert lookups("hub.example.org", 443) == ["93.184.215.14"]


def _found(lookups: Lookups, host: str) -> bool:
    try:
        return bool(lookups(host, 443))
    except Unavailable:
        return False


def test_a_name_without_an_address_is_told_as_it_is() -> None:
    def look(_host: str, _port: int) -> list[str]:
        raise TimeoutError(110, "Connection timed out")

    with pytest.raises(Unavailable, match=r"example\.org has no address: Connection timed out"):
        addresses_of(Target("example.org", 443, "/", tls=True), Lookups(look), allow_private=False)
