"""What webhooks are told of plates on watch lists whose text is voted otherwise meanwhile."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from prometheus_client import REGISTRY

from gatehouse_common.clock import MINUTE, SECOND
from gatehouse_common.db import EntryFields, PlateListings, PlateWriter, WatchEntries, WatchLists
from gatehouse_common.watching.listed_plates import message_of
from plate_kit import seen
from running import wait_for
from webhook_kit import Site, site_at
from webhook_receiver import Receiver, receiving

ZONE = ZoneInfo("UTC")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with site_at(tmp_path / "data") as made:
        of = WatchLists(made.core.db).add("Guests", "allow", 1)
        WatchEntries(made.core.db).add(of.id, EntryFields("ABC123", distance=1), 1)
        yield made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as (made,):
        yield made


def read(site: Site, text: str, n: int) -> None:
    """The n-th read of a visit, by which it says a text, and whoever looks which lists it is on."""
    start_us = site.clock.now_us() - n * SECOND
    PlateWriter(site.core.db).see(seen("one", text, n, start_us=start_us))
    PlateListings(site.core.db).note("one", ZONE, site.clock.now_us())


def counted(outcome: str) -> float:
    found = REGISTRY.get_sample_value("gatehouse_webhook_deliveries_total", {"outcome": outcome})
    assert found is not None
    return found


def told(receiver: Receiver) -> list[tuple[str, int]]:
    return [(data["match"], data["distance"]) for data in (json.loads(got.body)["data"] for got in receiver.got)]


def test_a_match_that_another_has_taken_the_place_of_is_withdrawn(site: Site, receiver: Receiver) -> None:
    """Nothing is lost, so nobody is called: what is told is that it is the plate itself."""
    webhook = site.add(receiver.url, "plate.listed")
    failed, withdrawn = counted("failed"), counted("withdrawn")
    read(site, "A8C123", 0)
    read(site, "ABC123", 1)
    site.go()
    site.go(2 * MINUTE)
    assert told(receiver) == [("exact", 0)]
    assert site.states(webhook) == [("delivered", 200, 1)]
    assert (counted("failed"), counted("withdrawn")) == (failed, withdrawn + 1)


def test_a_plate_that_says_something_else_by_now_is_withdrawn(site: Site, receiver: Receiver) -> None:
    webhook = site.add(receiver.url, "plate.listed")
    failed = counted("failed")
    read(site, "ABC123", 0)
    read(site, "XYZ789", 1)
    site.go()
    assert [state for state, _, _ in site.states(webhook)] == ["waiting"]
    site.go(2 * MINUTE)
    assert site.states(webhook) == []
    assert receiver.got == []
    assert counted("failed") == failed


def test_a_plate_that_is_voted_back_is_told(site: Site, receiver: Receiver) -> None:
    """It keeps its listing, so that it is not noted once more."""
    webhook = site.add(receiver.url, "plate.listed")
    read(site, "ABC123", 0)
    read(site, "XYZ789", 1)
    site.go()
    read(site, "ABC123", 2)
    site.go(6 * SECOND)
    assert told(receiver) == [("exact", 0)]
    assert site.states(webhook) == [("delivered", 200, 1)]


def test_whoever_tells_looks_at_once_when_a_plate_is_on_a_list(
    site: Site, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gate waits for it."""
    monkeypatch.setattr("gatehouse_api.webhooks.notifier._LOOK_S", 60)
    webhook = site.add(receiver.url, "plate.listed", "recording.gap")
    site.happen()
    stop = threading.Event()
    thread = threading.Thread(target=site.notifier.run, args=(stop,))
    thread.start()
    try:
        wait_for("first look", lambda: site.states(webhook) == [("delivered", 200, 1)])
        PlateWriter(site.core.db).see(seen("one", "ABC123", start_us=site.clock.now_us()))
        (one,) = PlateListings(site.core.db).note("one", ZONE, site.clock.now_us())
        site.core.bus.publish(message_of(one))
        wait_for("request", lambda: len(receiver.got) == 2, 20)
    finally:
        stop.set()
        site.notifier.wake()
        thread.join(20)
    assert not thread.is_alive()
