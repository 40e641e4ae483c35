"""``/api/v1/events/stream``: what happens is told at once, to who was away what was missed, and to no more than may."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from gatehouse_api.events import RING, Event, EventHub
from gatehouse_api.service import ApiService, build
from gatehouse_common.bus.memory import MemoryBus
from gatehouse_common.clock import SECOND
from gatehouse_common.db import (
    CameraRepository,
    ClipRepository,
    EntryFields,
    LeaseRepository,
    PlateLooks,
    WatchEntries,
    WatchLists,
)
from gatehouse_common.ids import new_id
from gatehouse_common.messages import ClipStored
from gatehouse_common.messages.cameras import CameraStatus
from gatehouse_common.runtime import Core
from gatehouse_common.sharing import FairShare
from plates_kit import PlateSite, indexing, settle, tell, visit
from running import wait_for
from server_kit import serving

PATH = "/api/v1/events/stream"


class Stream:
    """A page that is told of events."""

    def __init__(self, service: ApiService, query: str = "", last: str = "") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=20)
        self._connection.request("GET", PATH + query, headers={"Last-Event-ID": last} if last else {})
        self.answer = self._connection.getresponse()
        self.status = self.answer.status

    def block(self) -> dict[str, str]:
        """The next block: its fields; a comment is under the empty name."""
        found: dict[str, str] = {}
        while line := self.answer.readline().decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            found[name] = value
        return found

    def next(self) -> tuple[str, dict[str, Any], str]:
        """Name, data and id of the next event."""
        while "data" not in (block := self.block()):
            assert block, "the stream ended"
        return block["event"], json.loads(block["data"]), block["id"]

    def until(self, name: str, **fields: object) -> tuple[dict[str, Any], str]:
        while True:
            told, data, event_id = self.next()
            if told == name and all(data.get(k) == v for k, v in fields.items()):
                return data, event_id

    def close(self) -> None:
        self.answer.close()
        self._connection.close()


@contextmanager
def streaming(service: ApiService, query: str = "", last: str = "") -> Iterator[Stream]:
    stream = Stream(service, query, last)
    assert stream.status == 200
    assert stream.answer.headers["Content-Type"].startswith("text/event-stream")
    assert stream.block() == {"retry": "3000"}
    try:
        yield stream
    finally:
        stream.close()


def refused(service: ApiService, query: str = "", last: str = "") -> tuple[int, dict[str, Any]]:
    """Status and problem of a stream that is not given."""
    stream = Stream(service, query, last)
    try:
        return stream.status, json.loads(stream.answer.read())
    finally:
        stream.close()


@pytest.fixture(scope="module")
def service(plate_site: PlateSite) -> Iterator[ApiService]:
    made = build(plate_site.core)
    with serving(made), indexing(plate_site.core):
        yield made


def test_a_plate_on_a_list_is_told_once_and_says_how_close_it_is(plate_site: PlateSite, service: ApiService) -> None:
    """PRODUCT 5: `plate.listed` with list, kind, entry and distance; the plate itself says what it is on."""
    db, now = plate_site.core.db, plate_site.core.clock.now_us()
    guests, before = WatchLists(db).add("Guests", "allow", now), new_id()
    entry = WatchEntries(db).add(guests.id, EntryFields("GUEST1", distance=1), now)
    one = visit("gate", "GUEST7", now)
    on = {"list": guests.id, "name": "Guests", "kind": "allow", "entry": entry.id, "plate": "GUEST1"}
    with streaming(service) as stream:
        tell(plate_site.core, one, pictures=False)
        told, event_id = stream.until("plate.listed", camera="gate")
        assert told.items() >= {**on, "match": "fuzzy", "distance": 1, "text": "GUEST7", "id": event_id}.items()
        assert told["visit"]["id"] == one.event
        closed, _ = stream.until("plate.closed", id=one.event)
        assert closed["lists"] == [{**on, "match": "fuzzy", "distance": 1}]
        with streaming(service, last=before) as late:  # nobody remembers such an event: the index is asked
            again, _ = late.until("plate.listed", id=event_id)
        assert again["entry"] == entry.id
        # What a person says it is counts at once. That it is the plate to the letter is news, by an id of its own.
        shown = plate_site.client.patch(f"/api/v1/plates/{one.event}", json={"text": "GUEST1"}).get_json()
        assert shown["lists"] == [{**on, "match": "exact", "distance": 0}]
        assert PlateLooks(db).of(one.event) == []  # nobody has to look again
        exact, exact_id = stream.until("plate.listed", camera="gate")
        assert exact.items() >= {**on, "match": "exact", "distance": 0, "text": "GUEST1", "id": exact_id}.items()
        assert exact_id != event_id
        plate_site.client.patch(f"/api/v1/plates/{one.event}", json={"rejected": True})
        names = [stream.next()[0] for _ in range(2)]
        assert names == ["plate.corrected", "plate.corrected"]
    assert plate_site.client.get(f"/api/v1/plates/{one.event}").get_json()["lists"] == []
    WatchLists(db).remove(guests.id)


def test_a_visit_is_told_as_it_goes_on(plate_site: PlateSite, service: ApiService) -> None:
    """PRODUCT 5: detected, updated, closed, corrected; each with the whole of what a list shows of it."""
    now = plate_site.core.clock.now_us()
    one = visit("gate", "LIVE01", now)
    with streaming(service) as stream:
        began = time.monotonic()
        tell(plate_site.core, one, pictures=False)
        data, _ = stream.until("plate.detected", id=one.event)
        assert time.monotonic() - began < 3
        assert (data["text"], data["camera"]) == ("LIVE01", "gate")
        closed, event_id = stream.until("plate.closed", id=one.event)
        assert (closed["state"], closed["reads"]) == ("closed", 3)
        assert event_id[14] == "7"
        plate_site.client.patch(f"/api/v1/plates/{one.event}", json={"rejected": True})
        data, _ = stream.until("plate.corrected", id=one.event)
        assert data["rejected"] is True


def test_only_what_was_asked_for_is_told(plate_site: PlateSite, service: ApiService) -> None:
    core = plate_site.core
    clips = ClipRepository(core.db)
    event = new_id()
    (clip,) = clips.plan("yard", event, plate_site.first.start_us, SECOND, SECOND, 300 * SECOND, 0)
    clips.stored(clip, "videos/none.mp4", 0, SECOND, 1, 16, 16, 1, "", core.clock.now_us())
    with streaming(service, "?topics=clips") as stream:
        tell(core, visit("gate", "LIVE02", core.clock.now_us()), pictures=False)
        settle(core)
        stored = ClipStored(
            camera="yard",
            time_us=0,
            clip=clip,
            key="videos/none.mp4",
            start_us=0,
            end_us=SECOND,
            bytes=1,
            events=[event],
        )
        core.bus.publish(stored)
        name, data, event_id = stream.next()
        assert (name, data["id"], data["events"], event_id) == ("clip.ready", clip, [event], stored.id)


@contextmanager
def holding_leases(core: Core) -> Iterator[None]:
    """Hold the leases of all cameras, as a capture worker does: else nobody records them, whatever they report."""
    leases, parts = LeaseRepository(core.db, "camera"), CameraRepository(core.db).enabled
    share, stop = FairShare(leases, "worker", parts, core.clock.monotonic_us), threading.Event()

    def keep() -> None:
        while not stop.wait(0.5):
            share.look(())

    share.look(())
    keeping = threading.Thread(target=keep)
    keeping.start()
    try:
        yield
    finally:
        stop.set()
        keeping.join()
        share.leave()


def test_cameras_that_go_and_come_are_told(plate_site: PlateSite, service: ApiService) -> None:
    cameras = CameraRepository(plate_site.core.db)

    def report(state: str, at: int) -> None:
        cameras.report(
            CameraStatus.model_validate(
                {"camera": "yard", "time_us": at, "state": state, "since_us": at, "detail": "x"}
            )
        )

    now = plate_site.core.clock.now_us()
    report("recording", now)
    with holding_leases(plate_site.core), streaming(service, "?topics=cameras") as stream:
        time.sleep(2.5)
        report("reconnecting", now + 1)
        data, _ = stream.until("camera.offline", id="yard")
        assert data["state"] == "reconnecting"
        report("recording", now + 2)
        stream.until("camera.online", id="yard")


def test_who_was_away_is_told_what_it_missed(plate_site: PlateSite, service: ApiService) -> None:
    """Each of the last thousand by its id, in order; of an older id the plates as they are now, out of the index."""
    core = plate_site.core
    with streaming(service, "?topics=plates") as stream:
        first = visit("gate", "MISS01", core.clock.now_us())
        tell(core, first, pictures=False)
        _, last = stream.until("plate.closed", id=first.event)
    missed = [visit("gate", f"MISS{k:02}", core.clock.now_us()) for k in range(2, 5)]
    for one in missed:
        tell(core, one, pictures=False)
    settle(core)
    with streaming(service, "?topics=plates", last) as stream:
        for one in missed:
            stream.until("plate.closed", id=one.event)
    unknown = new_id_at(first.start_us - SECOND)
    with streaming(service, f"?topics=plates&last_event_id={unknown}") as stream:
        told = [stream.next() for _ in range(4)]
    assert [data["text"] for _, data, _ in told] == ["MISS01", "MISS02", "MISS03", "MISS04"]
    assert {name for name, _, _ in told} == {"plate.closed"}


def test_who_missed_more_than_is_told_is_told_that(
    plate_site: PlateSite, service: ApiService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PRODUCT 5: nothing is missed without the page knowing; and clips that could not be made are told too."""
    core = plate_site.core
    clips = ClipRepository(core.db)
    (clip,) = clips.plan("yard", new_id(), core.clock.now_us(), SECOND, SECOND, 300 * SECOND, 0)
    clips.failed(clip, "the disk was full", core.clock.now_us())
    unknown = new_id_at(core.clock.now_us() - 60 * SECOND)
    with streaming(service, f"?topics=clips&last_event_id={unknown}") as stream:
        data, _ = stream.until("clip.failed", id=clip)
        assert data["detail"] == "the disk was full"
    monkeypatch.setattr("gatehouse_api.event_sources._MOST", 1)
    with streaming(service, f"?topics=clips&last_event_id={unknown}") as stream:
        assert [stream.next()[0] for _ in range(2)] == ["clip.failed", "reset"]


def test_who_reads_so_slowly_that_events_are_forgotten_is_told_that(plate_site: PlateSite) -> None:
    """PRODUCT 5: the memory is of a thousand events."""

    def resolve(events: Sequence[Event], visible: object = None) -> None:
        for event in events:
            event.data = "{}"

    hub = EventHub(MemoryBus(plate_site.core.clock), plate_site.core.clock, 10, resolve, {})
    try:
        for n in range(RING + 10):
            hub._add(str(n), "plates", "plate.updated", str(n))
        _, found = hub.next_after(10, ["plates"], 0)
        assert [one.name for one in found] == ["plate.updated"] * RING
        number, found = hub.next_after(9, ["plates"], 0)
        assert [one.name for one in found] == ["reset", *["plate.updated"] * RING]
        assert hub.next_after(number, ["plates"], 0)[1] == []
    finally:
        hub.close()


def new_id_at(us: int) -> str:
    """An id of a message that was made then, and that no process remembers."""
    head = f"{us // 1000:012x}"
    return f"{head[:8]}-{head[8:]}-7{new_id()[15:]}"


@pytest.mark.parametrize("query", ["?topics=", "?topics=plates,users", "?topics=%00", "?topics=" + "a" * 200])
def test_a_topic_that_there_is_none_of_is_refused(service: ApiService, query: str) -> None:
    status, problem = refused(service, query)
    assert status in {400, 422}
    assert problem["type"].endswith("/validation")


@pytest.mark.parametrize("last", ["x", "1", "0" * 36, "../../etc/passwd", "'; drop table plate_events"])
def test_an_id_that_is_none_is_refused(service: ApiService, last: str) -> None:
    assert refused(service, "", last)[0] == 400


def test_the_viewer_beyond_the_last_is_told_and_place_is_made(plate_site: PlateSite) -> None:
    """Viewers are counted and bounded; one that has left makes room once something is sent to it."""
    core = plate_site.core
    most = core.settings.values.api.max_event_viewers
    service = build(core)
    with serving(service):
        streams = [Stream(service) for _ in range(most)]
        for stream in streams:
            assert stream.block() == {"retry": "3000"}
        status, problem = refused(service)
        assert (status, problem["status"]) == (503, 503)
        for stream in streams:
            stream.close()
        event = ClipStored(camera="gate", time_us=0, clip=new_id(), key="", start_us=0, end_us=1, bytes=0, events=[])

        def room() -> bool:
            core.bus.publish(event.model_copy(update={"id": new_id(), "clip": plate_site.clips[0].id}))
            probe = Stream(service)
            probe.close()
            return probe.status == 200

        wait_for("room", room, 20)


def test_it_ends_with_the_server(plate_site: PlateSite) -> None:
    service = build(plate_site.core)
    with serving(service) as stop:
        stream = Stream(service)
        assert stream.block()
        stop.set()
    assert stream.block() == {}
    stream.close()
