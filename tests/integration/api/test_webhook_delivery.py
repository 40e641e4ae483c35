"""Webhooks as a receiver knows them: signed, again until it has heard, and none waits for another."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from gatehouse_api.webhooks import notifier
from gatehouse_api.webhooks.posting import post
from gatehouse_api.webhooks.schedule import DELAYS_US
from gatehouse_api.webhooks.sending import Postman
from gatehouse_api.webhooks.targets import Target
from gatehouse_common.clock import HOUR, MINUTE, SECOND, SystemClock
from gatehouse_common.db.deliveries import SENDING_US
from gatehouse_common.sealing import Sealer
from log_kit import logged, text_of
from running import wait_for
from webhook_kit import Site, site_at
from webhook_receiver import OTHER, SECRET, Got, Receiver, Reply, receiving

DAY = 24 * HOUR


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with site_at(tmp_path / "data") as made:
        yield made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as (made,):
        yield made


def signed_by(got: Got, secret: str) -> bool:
    """Whether it is signed as the specification says, whenever it is from."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = f"{got.id}.{got.headers['webhook-timestamp']}.{got.body}".encode()
    wanted = base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
    return f"v1,{wanted}" in got.headers["webhook-signature"].split(" ")


def test_an_event_is_told_once_and_signed(site: Site, receiver: Receiver) -> None:
    webhook = site.add(receiver.url, "recording.gap")
    site.happen()
    site.happen("clip.ready")
    site.go()
    site.go(DAY)
    (got,) = receiver.got
    told = got.verified()
    assert (told["type"], told["data"]) == ("recording.gap", {"a": 1})
    assert got.path == "/hook?key=canary9"
    assert got.headers["content-type"] == "application/json"
    assert site.states(webhook) == [("delivered", 200, 1)]
    assert site.deliveries.list(webhook.id, 1)[0].answer == "ok"


def test_a_clock_that_is_set_back_stops_nothing(site: Site, receiver: Receiver) -> None:
    webhook = site.add(receiver.url)
    receiver.replies = [Reply(500), Reply()]
    site.happen()
    site.go()
    site.clock.step(-10 * HOUR)
    site.go(MINUTE)
    site.go(MINUTE)
    assert site.states(webhook) == [("delivered", 200, 2)]


def test_a_name_service_that_does_not_answer_stands_no_sender(site: Site) -> None:
    """A try ends in its time, as that of a receiver that is away does."""
    answer = threading.Event()

    def look(_host: str, _port: int) -> list[str]:
        answer.wait(60)
        return []

    webhook = site.add("https://hooks.example.org/one")
    postman = Postman(site.core.settings.values.webhooks, site.clock, look, timeout_s=0.5)
    begun = time.monotonic()
    trouble = postman.send(webhook, "event", "{}").trouble
    assert time.monotonic() - begun < 20
    assert trouble == "looking up hooks.example.org took longer than 0.5 s"
    answer.set()


def test_a_webhook_whose_key_is_lost_waits_and_the_others_are_told(
    site: Site, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = logged(monkeypatch, notifier)
    key, sealer = Sealer("0123456789abcdef0123456789abcdef"), site.core.db.sealer
    site.core.db.sealer = key
    locked = site.add(receiver.url)
    site.core.db.sealer = sealer
    other = site.add(receiver.url, secret=OTHER)
    site.happen()
    for _ in range(3):
        site.go(MINUTE)
    assert [got.verified(OTHER)["type"] for got in receiver.got] == ["recording.gap"]
    assert site.states(other) == [("delivered", 200, 1)]
    assert site.states(locked) == [("waiting", None, 0)]  # no try was lost over it
    assert text_of(said).count("was sealed with another key") == 1
    site.core.db.sealer = key
    site.go()
    assert site.states(locked) == [("delivered", 200, 1)]


def test_how_long_the_oldest_waits_is_measured(site: Site, receiver: Receiver) -> None:
    """Of those who are told something: an alert goes by it."""
    site.go(MINUTE)
    assert waits_for() == 0
    idle = site.add(receiver.url, secret=OTHER)
    site.happen()
    receiver.replies = [Reply(500)]
    site.go()
    site.webhooks.change(idle.id, {"active": False}, site.clock.now_us())
    site.go(MINUTE)
    assert waits_for() == 0
    site.add(receiver.url)
    site.happen()
    site.go(2 * MINUTE)
    assert waits_for() >= 120
    receiver.replies = [Reply(204, b"")]
    site.go(HOUR)
    site.go(MINUTE)
    assert waits_for() == 0


def waits_for() -> float:
    found = REGISTRY.get_sample_value("gatehouse_webhook_oldest_waiting_seconds")
    assert found is not None
    return found


def test_it_is_told_again_until_it_has_heard_with_the_same_id_and_body(site: Site, receiver: Receiver) -> None:
    webhook = site.add(receiver.url)
    receiver.replies = [Reply(500, b"x" * 5000), Reply(302, headers={"Location": "/other"}), Reply(204, b"")]
    site.happen()
    site.go()
    found = site.deliveries.list(webhook.id, 1)[0]
    assert (found.state, found.status, found.detail) == ("waiting", 500, "it answered 500")
    assert found.answer == "x" * 1024
    site.go(4 * SECOND)
    assert len(receiver.got) == 1
    site.go(2 * SECOND)
    site.go(6 * MINUTE)
    assert len(receiver.got) == 3
    assert len({(got.id, got.body) for got in receiver.got}) == 1
    assert all(signed_by(got, SECRET) for got in receiver.got)
    assert len({got.headers["webhook-timestamp"] for got in receiver.got}) == 3
    assert site.states(webhook) == [("delivered", 204, 3)]


def test_redirects_are_not_followed(site: Site) -> None:
    with receiving(2) as (first, second):
        first.replies = [Reply(307, headers={"Location": second.url})]
        webhook = site.add(first.url)
        site.happen()
        site.go()
        assert second.got == []
        assert site.states(webhook) == [("waiting", 307, 1)]


def test_after_ten_tries_it_is_given_up(site: Site, receiver: Receiver) -> None:
    webhook = site.add(receiver.url)
    receiver.replies = [Reply(500)]
    site.happen()
    for delay in DELAYS_US:
        site.go(round(delay * 1.2))
    site.go(30 * DAY // 10)
    assert len(receiver.got) == 10
    assert site.states(webhook) == [("failed", 500, 10)]
    receiver.replies = [Reply()]
    again = site.deliveries.replay(webhook.id, site.deliveries.list(webhook.id, 1)[0].id, site.clock.now_us())
    site.go()
    assert receiver.got[-1].id == again.event
    assert site.states(webhook) == [("delivered", 200, 1)]


def test_410_ends_it(site: Site, receiver: Receiver) -> None:
    webhook = site.add(receiver.url)
    receiver.replies = [Reply(410)]
    for _ in range(4):
        site.happen()
    site.go()
    found = site.webhooks.get(webhook.id, site.clock.now_us())
    assert not found.active
    assert "410" in found.ended
    site.happen()
    site.go(DAY)
    assert len(receiver.got) <= 2
    assert {state for state, _, _ in site.states(webhook)} == {"failed"}


@pytest.mark.parametrize("reply", [Reply(410), Reply(429, headers={"Retry-After": "36000"})], ids=["410", "429"])
def test_a_late_answer_of_the_address_before_is_not_that_of_the_new_one(site: Site, reply: Reply) -> None:
    with receiving(2) as (old, new):
        webhook = site.add(old.url)
        reply.before = lambda: site.webhooks.change(webhook.id, {"url": new.url}, site.clock.now_us())
        old.replies = [reply]
        site.happen()
        site.go()
        found = site.webhooks.get(webhook.id, site.clock.now_us())
        assert (found.active, found.ended, found.not_before_us) == (True, "", 0)
        assert site.states(webhook) == [("waiting", reply.status, 1)]
        site.go(6 * SECOND)
        assert [got.id for got in new.got] == [got.id for got in old.got]
        assert site.states(webhook) == [("delivered", 200, 2)]


@pytest.mark.parametrize("status", [429, 503])
def test_who_asks_for_time_gets_it(site: Site, receiver: Receiver, status: int) -> None:
    webhook = site.add(receiver.url)
    receiver.replies = [Reply(status, headers={"Retry-After": "600"}), Reply()]
    site.happen()
    site.go()
    site.happen()
    site.go(9 * MINUTE)
    assert len(receiver.got) == 1
    site.go(2 * MINUTE)
    site.go()
    assert [state for state, _, _ in site.states(webhook)] == ["delivered", "delivered"]


def test_one_that_hangs_or_is_dead_keeps_nobody_waiting(site: Site) -> None:
    released = threading.Event()
    with receiving(2) as (slow, quick):
        slow.replies = [Reply(before=lambda: released.wait(20))]
        site.add(slow.url)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            site.add(f"http://127.0.0.1:{taken.getsockname()[1]}/")
        prompt = site.add(quick.url)
        for _ in range(6):
            site.happen()
        begun = time.monotonic()
        while len(quick.got) < 6 and time.monotonic() - begun < 4:
            site.notifier.look()
            time.sleep(0.05)
        assert len(quick.got) == 6
        assert len(slow.got) == 2
        released.set()
        assert site.notifier.join(20)
        assert {state for state, _, _ in site.states(prompt)} == {"delivered"}


@pytest.mark.parametrize(
    "begins",
    [
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n",
    ],
    ids=["head", "length", "close", "HTTP/1.0", "chunk"],
)
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_an_answer_that_drips_is_cut_off_in_time(
    begins: bytes, tls: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving = _tls(tmp_path, monkeypatch) if tls else None
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            plain, _ = server.accept()
            made = plain if serving is None else serving.wrap_socket(plain, server_side=True)
            with made as connection, suppress(OSError):
                connection.sendall(begins)
                for _ in range(200):
                    connection.sendall(b"a")
                    time.sleep(0.05)

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        target = Target("localhost", server.getsockname()[1], "/", tls)
        begun = time.monotonic()
        answer = post(target, ["127.0.0.1"], {}, b"{}", SystemClock(), timeout_s=0.5)
        assert answer.status is None
        assert answer.trouble == "no answer within 0.5 s"
        assert time.monotonic() - begun < 5
        thread.join(10)
        assert not thread.is_alive()  # nothing of the connection is open any more


def _tls(folder: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Make a certificate of this machine that is trusted here; return what a server encrypts by."""
    name, key = folder / "cert.pem", folder / "key.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    made += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-out", str(name)]
    subprocess.run([*made, "-keyout", str(key)], check=True, capture_output=True)
    trusting = ssl.create_default_context(cafile=str(name))
    monkeypatch.setattr("gatehouse_api.webhooks.posting._context", lambda: trusting)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(name, key)
    return serving


def test_while_secrets_change_both_sign(site: Site, receiver: Receiver) -> None:
    webhook = site.add(receiver.url)
    now_us = site.clock.now_us()
    site.webhooks.rotate(webhook.id, OTHER, now_us + 3 * MINUTE, now_us)
    site.happen()
    site.go()
    for secret in (SECRET, OTHER):
        assert receiver.got[0].verified(secret)["type"] == "recording.gap"
    site.clock.advance(HOUR)
    site.happen()
    site.go()
    assert not signed_by(receiver.got[1], SECRET)
    assert signed_by(receiver.got[1], OTHER)


def test_several_processes_tell_each_event_once(site: Site, receiver: Receiver) -> None:
    webhook = site.add(receiver.url)
    others = [site.notifier, site.another(), site.another()]
    for _ in range(12):
        site.happen()
    for _ in range(12):
        threads = [threading.Thread(target=one.look) for one in others]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(one.join(20) for one in others)
    assert len(receiver.got) == 12
    assert len({got.id for got in receiver.got}) == 12
    assert {state for state, _, _ in site.states(webhook)} == {"delivered"}


_DIES = """
import sys
from pathlib import Path
from webhook_kit import site_at
with site_at(Path(sys.argv[1])) as site:
    site.notifier.look()
    site.notifier.join(30)
"""


def test_killed_between_sending_and_noting_it_is_told_again(tmp_path: Path, receiver: Receiver) -> None:
    data, tests = tmp_path / "data", Path(__file__).resolve().parents[2]
    with site_at(data) as site:
        webhook = site.add(receiver.url)
        site.happen()
    victim: list[int] = []
    receiver.replies = [Reply(before=lambda: os.kill(victim[0], signal.SIGKILL)), Reply()]
    env = {**os.environ, "PYTHONPATH": str(tests)}
    with subprocess.Popen([sys.executable, "-c", _DIES, str(data)], env=env) as process:
        victim.append(process.pid)
        assert process.wait(120) == -signal.SIGKILL
    with site_at(data) as site:
        assert site.states(webhook) == [("waiting", None, 1)]
        site.go()
        assert len(receiver.got) == 1
        site.go(SENDING_US)
        first, again = receiver.got
        assert (again.id, again.body) == (first.id, first.body)
        assert site.states(webhook) == [("delivered", 200, 2)]


def test_what_ends_or_fails_its_sender_each_time_is_given_up_after_ten_tries(
    site: Site, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would end one process after the other, for good."""
    webhook = site.add(receiver.url)
    site.happen()
    site.notifier._deliveries.spread([webhook], site.clock.now_us())
    for _ in DELAYS_US:  # taken by who is killed over it
        (seen,) = site.deliveries.due(webhook.id, site.clock.now_us(), 9)
        assert site.deliveries.take(seen, "dead", site.clock.now_us()) is not None
        site.clock.advance(SENDING_US)
    site.go()
    assert [state for state, _, _ in site.states(webhook)] == ["failed"]
    assert "10 times" in site.deliveries.list(webhook.id, 1)[0].detail
    assert receiver.got == []

    def fail(*_: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr("gatehouse_api.webhooks.sending.Sender._settle", fail)
    site.happen()
    for _ in range(20):
        site.go(DAY + 3 * HOUR)
    assert len(receiver.got) == len(DELAYS_US)
    assert [state for state, _, _ in site.states(webhook)] == ["failed", "failed"]


def test_without_the_setting_nothing_is_sent_to_this_machine(tmp_path: Path, receiver: Receiver) -> None:
    with site_at(tmp_path / "data", **{"webhooks.allow_private": False}) as site:
        literal = site.add(receiver.url)
        named = site.add(receiver.url.replace("127.0.0.1", "localhost"))
        site.happen()
        site.go()
        assert receiver.got == []
        for webhook in (literal, named):
            assert site.states(webhook) == [("waiting", None, 1)]
            assert "webhooks.allow_private" in site.deliveries.list(webhook.id, 1)[0].detail


def test_proxies_of_the_environment_are_not_asked(
    site: Site, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    site.add(receiver.url)
    site.happen()
    site.go()
    assert len(receiver.got) == 1


def test_what_is_gone_when_it_is_to_be_told_is_said_to_be_gone(site: Site, receiver: Receiver) -> None:
    webhook = site.add(receiver.url)
    site.happen("plate.detected", "0190a000-0000-7000-8000-000000000000", None)
    site.go()
    assert receiver.got == []
    assert site.deliveries.list(webhook.id, 1)[0].detail == "what it tells of is gone"


def test_old_deliveries_go(site: Site, receiver: Receiver) -> None:
    webhook = site.add(receiver.url)
    site.happen()
    site.go()
    site.go(29 * DAY)
    assert len(site.states(webhook)) == 1
    site.go(2 * DAY)
    assert site.states(webhook) == []


def test_it_goes_on_by_itself_until_it_is_told_to_stop(site: Site, receiver: Receiver) -> None:
    site.add(receiver.url)
    stop = threading.Event()
    thread = threading.Thread(target=site.notifier.run, args=(stop,))
    thread.start()
    try:
        site.happen()
        wait_for("request", lambda: receiver.got, 20)
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()
