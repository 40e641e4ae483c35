"""The janitor looks after uploads that nobody ends (S4-7, S4-13)."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gatehouse_api.uploads.blobs import Blob, BlobDesk
from gatehouse_api.uploads.engine import Owner, UploadEngine, Wanted
from gatehouse_common.clock import HOUR, MINUTE, SECOND
from gatehouse_common.db import JobRepository, Upload, Uploads, UploadUpkeep
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys
from gatehouse_common.testing.clock import FakeClock
from gatehouse_janitor.service import Janitor
from gatehouse_janitor.upload_sweep import UploadSweep
from retention_kit import open_core
from upload_kit import bytes_of, film, incoming

NOW = 1_779_013_380_000_000
ANN = Owner(7, "ann")


@dataclass
class Site:
    """A store with an api and a janitor, and the time of both."""

    core: Core
    clock: FakeClock

    def __post_init__(self) -> None:
        self.engine = UploadEngine(self.core)
        self.blobs = BlobDesk(self.core, self.engine)
        self.uploads = Uploads(self.core.db)
        self.sweep = UploadSweep(self.core, self.clock.now_us)

    def look(self, after_us: int) -> None:
        """Let so much time go by, and look."""
        self.clock.advance(after_us)
        self.sweep.look(threading.Event())

    def send(self, name: str, *parts: tuple[int, bytes], last: int | None = None) -> None:
        """Send blobs."""
        for number, data in parts:
            self.blobs.take(ANN, name, Blob(number, data, number == last))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    clock = FakeClock(NOW)
    core = open_core(tmp_path / "data", clock, **{"uploads.least_free_gib": 0})
    yield Site(core, clock)
    core.close()


def test_an_upload_that_nobody_goes_on_with_expires_with_its_bytes(site: Site) -> None:
    """S4-13: after 48 hours without anything new; not before."""
    upload = site.engine.begin(Wanted(ANN, "tus", "a.webm", 9000))
    piece = site.engine.store(upload.id, 0, film(4000))
    site.uploads.append(upload.id, [piece], site.clock.now_us(), site.engine.expires_us())
    site.look(47 * HOUR)
    assert site.uploads.get(upload.id).state == "receiving"
    site.look(HOUR + SECOND)
    assert site.uploads.get(upload.id).state == "expired"
    assert (incoming(site.core), site.uploads.pieces(upload.id)) == ([], [])


def test_blobs_without_a_last_are_a_film_if_it_is_whole(site: Site) -> None:
    """S4-7: after half an hour without another, where nothing is missing and the container ends where a part ends."""
    data = film(9000)
    site.send("whole", (3, data[6000:]), (1, data[:3000]), (2, data[3000:6000]))
    site.send("torn", (1, data[:3000]), (2, data[3000:8000]))
    site.send("holed", (1, data[:3000]), (3, data[6000:]))
    site.send("text", (1, b"text"), (2, b"more"))
    site.look(29 * MINUTE)
    assert len(site.uploads.unfinished(7)) == 4
    site.look(2 * MINUTE)
    assert {one.name for one in site.uploads.unfinished(7)} == {"torn", "holed", "text"}
    assert bytes_of(site.core, 1) == data
    assert [job.media for job in JobRepository(site.core.db).list(10)] == [1]
    assert site.blobs.take(ANN, "whole", Blob(2, data[3000:6000], is_last=False)) is None
    assert site.blobs.complete(ANN, "whole").number == 1


def test_what_is_whole_is_completed_though_its_process_was_killed(site: Site) -> None:
    """S4-5: between the last piece and the medium a process may be killed: the janitor goes on where it stopped."""
    data = film(5000)
    upload = site.engine.begin(Wanted(ANN, "tus", "a.webm", len(data)))
    site.uploads.append(upload.id, [site.engine.store(upload.id, 0, data)], NOW, site.engine.expires_us())
    site.look(2 * MINUTE)
    found = site.uploads.get(upload.id)
    assert (found.state, found.media) == ("complete", 1)


def test_pieces_of_no_upload_go_after_an_hour_and_others_stay(site: Site) -> None:
    """S4-13: whoever stored them was killed before they counted."""
    data = film(5000)
    site.send("kept", (1, data))
    [kept] = incoming(site.core)
    lost, young = (keys.incoming("0190d8f0-0000-7000-8000-00000000000" + n, 0, "a") for n in "12")
    for key in (lost, young):
        site.core.store.put_bytes(key, b"x")
    for key, age_us in ((kept, 3 * HOUR), (lost, 2 * HOUR), (young, HOUR // 2)):
        path = site.core.store.local_path(key)
        assert path is not None
        at_s = (site.clock.now_us() - age_us) / SECOND
        os.utime(path, (at_s, at_s))
    site.look(SECOND)
    assert sorted(incoming(site.core)) == sorted([kept, lost, young])  # who was asleep may let it count yet
    site.look(10 * MINUTE)
    assert sorted(incoming(site.core)) == sorted([kept, young])


def test_a_clock_that_jumps_deletes_no_piece(site: Site) -> None:
    """S4-13: pieces that are about to count are as old as they are by the time that is guarded."""
    sweep = UploadSweep(site.core, lambda: site.clock.now_us() - 5 * HOUR)
    key = keys.incoming("0190d8f0-0000-7000-8000-000000000001", 0, "a")
    site.core.store.put_bytes(key, b"x")
    path = site.core.store.local_path(key)
    assert path is not None
    site.clock.step(5 * HOUR)
    os.utime(path, ((NOW - MINUTE) / SECOND, (NOW - MINUTE) / SECOND))
    for _ in range(2):
        assert sweep.delete_orphans(threading.Event()) == 0


def test_one_upload_that_has_lost_its_bytes_hinders_no_other(site: Site) -> None:
    """S4-7, S4-13: it has failed, which is said; those after it are completed, refused and let go of as ever."""
    data = film(5000)
    for name in ("lost", "whole"):
        upload = site.engine.begin(Wanted(ANN, "tus", name, len(data)))
        piece = site.engine.store(upload.id, 0, data)
        site.uploads.append(upload.id, [piece], NOW, site.engine.expires_us())
        if name == "lost":
            site.core.store.delete(piece.key)
    site.send("lost blobs", (1, data))
    [blob] = [p for one in site.uploads.unfinished(7) if one.door == "blob" for p in site.uploads.pieces(one.id)]
    site.send("whole blobs", (1, data))
    site.core.store.delete(blob.key)
    site.look(31 * MINUTE)
    assert site.uploads.unfinished(7) == []
    assert [site.uploads.medium(number).name for number in (1, 2)] == ["whole", "whole blobs"]
    ended = site.uploads.last_named(7, hashlib.sha256(b"lost blobs").hexdigest())
    assert ended is not None
    assert (ended.state, "not in the store" in ended.detail) == ("failed", True)


def test_an_upload_that_was_just_gone_on_with_does_not_expire(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """S4-13: what is acknowledged between the look and the end of its time is kept."""
    upload = site.engine.begin(Wanted(ANN, "tus", "a.webm", 9000))
    look = UploadUpkeep.expired

    def and_then_one_comes(upkeep: UploadUpkeep, now_us: int, limit: int) -> list[Upload]:
        found = look(upkeep, now_us, limit)
        piece = site.engine.store(upload.id, 0, film(4000))
        site.uploads.append(upload.id, [piece], site.clock.now_us(), site.engine.expires_us())
        return found

    monkeypatch.setattr(UploadUpkeep, "expired", and_then_one_comes)
    site.look(49 * HOUR)
    assert (site.uploads.get(upload.id).state, len(incoming(site.core))) == ("receiving", 1)


def test_what_hinders_uploads_is_told_and_a_clock_may_be_wrong_without_retention(tmp_path: Path) -> None:
    """S4-13: the health of the service says why uploads are not looked after; the clock is looked at all the same."""
    clock = FakeClock(NOW)
    core = open_core(tmp_path / "data", clock, **{"uploads.least_free_gib": 0, "retention.enabled": False})
    try:
        janitor, stop = Janitor(core), threading.Event()
        engine = UploadEngine(core)
        upload = engine.begin(Wanted(ANN, "tus", "a.webm", 9000))
        for _ in range(10):  # a clock that goes wrong by little and little has not jumped
            clock.advance(30 * SECOND)
            clock.step(10 * MINUTE)
            janitor.look(stop)
        assert all(check.ok for check in janitor.health())
        clock.step(48 * HOUR)
        clock.advance(30 * SECOND)
        janitor.look(stop)
        assert engine.uploads.get(upload.id).state == "receiving"
        core.store.put_bytes(keys.STORE_SIGN, b'{"store": "another"}', overwrite=True)
        janitor.look(stop)
        [check] = [one for one in janitor.health() if one.name == "uploads"]
        assert (check.ok, "another installation" in check.detail) == (False, True)
    finally:
        core.close()


def test_what_could_not_be_deleted_is_deleted_later(site: Site) -> None:
    """S4-13: an upload that was cancelled while the store was away leaves nothing in the end."""
    upload = site.engine.begin(Wanted(ANN, "tus", "a.webm", 9000))
    site.uploads.append(upload.id, [site.engine.store(upload.id, 0, film(4000))], NOW, site.engine.expires_us())
    assert site.uploads.end(upload.id, "cancelled", "", NOW)
    site.look(SECOND)
    assert (incoming(site.core), site.uploads.pieces(upload.id)) == ([], [])


def test_a_blob_0_that_never_came_is_told_of_in_the_end(site: Site) -> None:
    """S4-13: blobs that begin no film, and with none before them, are refused when nothing comes any more."""
    site.send("zero", (2, b"more"), (1, b"text"), last=2)
    [upload] = site.uploads.unfinished(7)
    site.look(31 * MINUTE)
    found = site.uploads.get(upload.id)
    assert (found.state, found.detail.startswith("Invalid video file"), incoming(site.core)) == ("failed", True, [])
