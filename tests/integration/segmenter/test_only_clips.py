"""Cameras of which only clips are kept: the rest waits in the spool for late reads, and goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clip_kit import FPS, FilmCamera, at_work, clips_of, read_at, settled, shown, stored_clips
from gatehouse_common.bus import Bus, Delivery
from gatehouse_common.clock import SECOND
from gatehouse_common.db import (
    Camera,
    CameraRepository,
    ClipRepository,
    FootageReader,
    Gap,
    HoldRepository,
    TimelineReader,
)
from gatehouse_common.ids import new_id
from gatehouse_common.messages import ChunkClosed, ChunkDiscarded, ChunkFreed, GapCause, Message
from gatehouse_common.runtime import Core
from gatehouse_indexer.service import build as build_indexer
from gatehouse_segmenter.clip_plans import CameraLocks
from gatehouse_segmenter.unkept import Unkept
from pipeline_kit import START_US, core_at, record, rows, spool_files, stored_files
from retention_kit import hold
from running import wait_for

QUICK: dict[str, Any] = {"clips.pre_seconds": "1", "clips.post_seconds": "2", "clips.late_seconds": "1"}
ONLY_CLIPS = "only clips of plate events are kept of this camera"


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data", **QUICK) as opened:
        add(opened)
        yield opened


def add(core: Core) -> None:
    camera = Camera(id="cam", url="synthetic:", created_us=START_US - 60 * SECOND, settings={"keep": "events"})
    CameraRepository(core.db).add(camera)


def at(number: float) -> int:
    return START_US + round(number * SECOND / FPS)


def gaps(core: Core, since_us: int = START_US) -> list[Gap]:
    return FootageReader(core.db).gaps("cam", since_us, START_US + 3600 * SECOND)


def test_only_the_clip_stays(core: Core) -> None:
    """S2-22, S2-13: to the frame as ever; the ledger has one gap for all that went."""
    camera, event = FilmCamera(core.data_dir, core.bus.publish, chunk_us=4 * SECOND), new_id()
    with at_work(core):
        camera.advance(at(100))
        core.bus.publish(read_at(at(50), event))
        camera.advance(at(300))
        (clip,) = stored_clips(core, 1)
        assert shown(core, clip) == list(range(40, 70))
        wait_for("chunks to go", lambda: len(spool_files(core.data_dir)) == 1)
        camera.stop()
        wait_for("the last to go", lambda: not spool_files(core.data_dir))
        settled(core)
    assert stored_files(core.data_dir) == []
    assert rows(core) == []
    assert gaps(core) == [Gap("cam", at(0), at(300), GapCause.PURGED, ONLY_CLIPS)]
    assert shown(core, clip) == list(range(40, 70))
    assert core.bus.dead_letters() == []


def test_nothing_goes_that_a_planned_clip_has(core: Core) -> None:
    camera = FilmCamera(core.data_dir, core.bus.publish, chunk_us=4 * SECOND)
    with at_work(core):
        for number in (70, 85, 100, 115, 130):  # first: a machine that stalls would have them come too late
            core.bus.publish(read_at(at(number), new_id()))
        settled(core)
        camera.advance(at(130))
        settled(core)
        # 10:23:00 ends before the clip begins, at 6 s; all others have something of it.
        wait_for("the first chunk to go", lambda: len(spool_files(core.data_dir)) == 3)
        time.sleep(5)
        assert len(spool_files(core.data_dir)) == 3
        assert [c.state for c in clips_of(core)] == ["planned"]
        camera.advance(at(300))
        (clip,) = stored_clips(core, 1)
        assert shown(core, clip) == list(range(60, 150))
        wait_for("the others to go", lambda: len(spool_files(core.data_dir)) == 1)


def test_a_late_read_finds_its_pre_roll(tmp_path: Path) -> None:
    """S2-1: as late as `clips.late_seconds` says."""
    with core_at(tmp_path / "data", **{**QUICK, "clips.late_seconds": "20"}) as core:
        add(core)
        camera, event = FilmCamera(core.data_dir, core.bus.publish, chunk_us=4 * SECOND), new_id()
        with at_work(core):
            camera.advance(at(300))
            settled(core)
            time.sleep(6)
            core.bus.publish(read_at(at(41), event))
            (clip,) = stored_clips(core, 1)
            assert shown(core, clip) == list(range(31, 61))
            assert stored_files(core.data_dir) == []


def test_what_is_held_is_stored_if_all_is_to_be_kept_again(core: Core) -> None:
    with core_at(core.data_dir, **{**QUICK, "clips.late_seconds": "600"}) as slow:
        camera = FilmCamera(slow.data_dir, slow.bus.publish, chunk_us=4 * SECOND)
        with at_work(slow):
            camera.advance(at(130))
            settled(slow)
            assert stored_files(slow.data_dir) == []
            CameraRepository(slow.db).change("cam", settings={"keep": "all"})
            wait_for("chunks in the store", lambda: len(stored_files(slow.data_dir)) == 3)
            camera.stop()
            settled(slow)
            assert [state for _, state, _ in rows(slow)] == ["stored"] * 4


def test_what_is_on_hold_is_stored(core: Core) -> None:
    """S2-31: of a camera of which only clips are kept, too; what is beside it goes as ever."""
    HoldRepository(core.db).place(hold(camera="cam", start_us=at(100), end_us=at(140)))
    HoldRepository(core.db).place(hold(camera="yard"))
    HoldRepository(core.db).place(hold(until_us=START_US))
    camera = FilmCamera(core.data_dir, core.bus.publish, chunk_us=4 * SECOND)
    with at_work(core):
        camera.advance(at(300))
        camera.stop()
        wait_for("the spool to be empty", lambda: not spool_files(core.data_dir))
        settled(core)
    first, last = START_US + 8 * SECOND, START_US + 16 * SECOND
    assert FootageReader(core.db).spans("cam", START_US, at(300))[0].start == first
    assert FootageReader(core.db).spans("cam", START_US, at(300))[-1].end == last
    assert len(stored_files(core.data_dir)) == 2
    assert [(g.start_us, g.end_us) for g in gaps(core)] == [(START_US, first), (last, at(300))]


@pytest.mark.parametrize(
    ("site", "own"),
    [
        ({"clips.enabled": "false"}, {}),
        ({"detection.frames": "off"}, {}),
        ({"detection.reader": "none"}, {}),
        ({}, {"plates": {"enabled": False}}),
    ],
    ids=str,
)
def test_where_there_can_be_no_clips_all_is_kept(tmp_path: Path, site: dict[str, Any], own: dict[str, Any]) -> None:
    """S2-22: clips are optional, and without them `keep = events` must not throw away all there is."""
    with core_at(tmp_path / "data", **{**QUICK, **site}) as core:
        add(core)
        CameraRepository(core.db).change("cam", settings={"keep": "events", **own})
        camera = FilmCamera(core.data_dir, core.bus.publish, chunk_us=4 * SECOND)
        with at_work(core):
            camera.advance(at(130))
            wait_for("chunks in the store", lambda: len(stored_files(core.data_dir)) == 3)


def test_a_pause_is_measured_from_what_has_gone(core: Core) -> None:
    """R6: every second is in the ledger once, also where nothing of before is left."""
    camera = FilmCamera(core.data_dir, core.bus.publish, chunk_us=4 * SECOND)
    with at_work(core):
        camera.advance(at(80))
        camera.stop()
        wait_for("all to go", lambda: not spool_files(core.data_dir))
        camera.reconnect(at(200))
        camera.advance(at(250))
        camera.stop()
        settled(core)
        timeline = TimelineReader(core.db).timeline(["cam"], at(0), at(300))["cam"]
        told = [(g.cause, (g.start_us - START_US) / SECOND, (g.end_us - START_US) / SECOND) for g in timeline.gaps]
        assert told == [("purged", 0, 8), ("dropped", 8, 20)]
        wait_for("the rest to go", lambda: not spool_files(core.data_dir))


class Killed(BaseException):
    """The process ends here."""


class Fatal:
    """A bus that ends the process before or after it takes a message of a kind."""

    def __init__(self, bus: Bus, kind: type[Message], when: str) -> None:
        self._bus, self._kind, self._when = bus, kind, when
        self.sent: list[Message] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)

    def publish(self, message: Message) -> None:
        fatal = isinstance(message, self._kind)
        if fatal and self._when == "before":
            raise Killed
        self._bus.publish(message)
        self.sent.append(message)
        if fatal:
            raise Killed


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", [ChunkDiscarded, ChunkFreed])
def test_killed_between_any_two_steps(tmp_path: Path, kind: type[Message], when: str) -> None:
    """S2-43: at the next start what was to go goes, and the ledger says so once."""
    data = tmp_path / "data"
    with core_at(data, **QUICK) as core:
        add(core)
        (closed,) = record(data, tmp_path).closed
        bus = Fatal(core.bus, kind, when)
        doomed = replace(core, bus=bus)
        with pytest.raises(Killed):
            _until_killed(doomed, bus, closed)
    with core_at(data, **QUICK) as core:
        with at_work(core):
            settled(core)  # what the start has found in the spool is told by then
            wait_for("all to go", lambda: not spool_files(data) and not rows(core))
            settled(core)
        assert rows(core) == []
        assert stored_files(data) == []
        assert gaps(core) == [Gap("cam", START_US, START_US + 2 * SECOND, GapCause.PURGED, ONLY_CLIPS)]
        assert core.bus.dead_letters() == []


def _until_killed(core: Core, bus: Fatal, closed: ChunkClosed) -> None:
    """Hold a chunk and let it go, one step after the other, as the services would."""
    indexer, unkept = build_indexer(core), Unkept(core, ClipRepository(core.db), CameraLocks())
    indexer.handle(Delivery(closed))
    unkept.hold(closed)
    assert unkept.look() == []
    assert bus.sent == []
    time.sleep(2.1)
    assert unkept.look() == []
    for message in bus.sent:
        indexer.handle(Delivery(message))
    raise AssertionError("it was not killed")
