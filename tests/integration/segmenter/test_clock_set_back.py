"""Clips of what is recorded after the clock was set back by an hour: each has its seconds afterwards (R4, S2-13)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clip_kit import FilmCamera, at_work, clips_of, read_at, settled, shown
from gatehouse_common.clock import HOUR, SECOND, SystemClock
from gatehouse_common.db import Camera, CameraRepository, FootageReader
from gatehouse_common.errors import NotFound
from gatehouse_common.footage import Library
from gatehouse_common.ids import new_id
from gatehouse_common.messages import RunEnded
from gatehouse_common.runtime import Core
from gatehouse_segmenter.footage_clock import GRACE_US, FootageClock
from pipeline_kit import core_at
from running import wait_for

QUICK: dict[str, Any] = {"clips.pre_seconds": "1", "clips.post_seconds": "2", "clips.late_seconds": "1"}


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data", **QUICK) as made:
        CameraRepository(made.db).add(Camera("cam", "synthetic:", settings={"keep": "events"}))
        yield made


def now_us() -> int:
    return SystemClock().now_us()


def ahead(core: Core) -> FilmCamera:
    """A camera of a recorder whose clock is an hour ahead, and 13 s of it."""
    camera = FilmCamera(core.data_dir, core.bus.publish, start_us=now_us() + HOUR, chunk_us=600 * SECOND)
    camera.advance(camera.at(130))
    return camera


def frames_of(core: Core, event: str) -> list[int] | None:
    stored = [c for c in clips_of(core, "stored") if c.events == (event,)]
    return shown(core, stored[0]) if stored else None


@pytest.mark.parametrize("waiting", [True, False], ids=["one waits from before", "none waits from before"])
def test_a_clip_after_the_clock_was_set_back_has_its_seconds_afterwards(core: Core, waiting: bool) -> None:
    """What was recorded is dated an hour later, and its chunk is still open: it is not how far footage reaches."""
    before, after = new_id(), new_id()
    with at_work(core):
        camera = ahead(core)
        if waiting:
            core.bus.publish(read_at(camera.at(120), before))
        settled(core)
        time.sleep(1.5)
        camera.reconnect(now_us() - 3 * SECOND)  # frame 130 is the first
        camera.advance(camera.at(28))
        core.bus.publish(read_at(camera.at(25), after))
        settled(core)
        time.sleep(3)
        assert frames_of(core, after) is None, "cut before its end was there"
        camera.advance(camera.at(80))
        assert wait_for("the clip", lambda: frames_of(core, after)) == list(range(145, 175))


def test_what_was_planned_before_the_clock_was_set_back_is_cut_while_recording_goes_on(core: Core) -> None:
    """Nothing comes to it any more until the clock comes by there again: that is not waited for."""
    before, after = new_id(), new_id()
    with at_work(core):
        camera = ahead(core)
        core.bus.publish(read_at(camera.at(120), before))
        settled(core)
        time.sleep(1.5)
        camera.reconnect(now_us())

        def found() -> list[int] | None:
            camera.advance(now_us())
            return frames_of(core, before)

        core.bus.publish(read_at(camera.at(300), after))  # one that waits meanwhile holds back no other
        began = time.monotonic()
        assert wait_for("the clip", found, 30) == list(range(110, 130))
        assert time.monotonic() - began >= GRACE_US / SECOND, "it is seen that footage goes on elsewhere"
        assert frames_of(core, after) is None


@pytest.mark.parametrize("told", [True, False], ids=["its end is told", "a crash ended it"])
def test_footage_reaches_as_far_as_the_run_that_goes_on(core: Core, told: bool) -> None:
    library = Library(core)
    reach = FootageClock(library, core.clock)
    with at_work(core):
        camera = ahead(core)
        settled(core)
        assert reach.look("cam").end_us > now_us() + HOUR
        camera.send = lambda one: core.bus.publish(one) if told or not isinstance(one, RunEnded) else None
        camera.reconnect(now_us() - 5 * SECOND)
        camera.advance(camera.at(40))
        settled(core)
        assert len(FootageReader(core.db).open_chunks("cam")) == 2
        time.sleep(1.1)
        assert camera.at(30) < reach.look("cam").end_us <= camera.at(40)
        assert library.newest("cam").run_id == camera.run
    library.close()


def test_it_reaches_no_further_when_all_that_is_dated_later_is_stored(core: Core) -> None:
    """Between two files, and while the camera is away, the newest chunk is still one of the run that goes on."""
    CameraRepository(core.db).change("cam", settings={"keep": "all"})
    library = Library(core)
    footage = FootageReader(core.db)
    with at_work(core):
        camera = ahead(core)
        camera.reconnect(now_us() - 5 * SECOND)
        wait_for("the chunk of before", lambda: [c for c in footage.all_chunks() if c.state == "stored"])
        camera.advance(camera.at(2))  # its chunk is open, and has no part yet
        settled(core)
        with pytest.raises(NotFound):
            library.newest("cam")
        camera.advance(camera.at(40))
        settled(core)
        assert library.newest("cam").run_id == camera.run
        camera.stop()
        wait_for("the chunk of now", lambda: [c.state for c in footage.all_chunks()] == ["stored", "stored"])
        newest = library.newest("cam")
        assert newest.run_id == camera.run
        assert newest.end_us <= now_us()
    library.close()


@pytest.mark.parametrize("before", [True, False], ids=["recorded before, too", "nothing else recorded"])
def test_a_clip_whose_footage_is_there_is_cut_when_the_camera_does_not_come_back(core: Core, before: bool) -> None:
    """The clock was set back by an hour, and the camera is away since: nobody waits until it is that late again."""
    CameraRepository(core.db).change("cam", settings={"keep": "all"})
    event = new_id()
    with at_work(core):
        if before:
            old = FilmCamera(core.data_dir, core.bus.publish, start_us=now_us() - 60 * SECOND, chunk_us=600 * SECOND)
            old.advance(old.at(60))
            old.stop()
        camera = ahead(core)
        core.bus.publish(read_at(camera.at(80), event))
        settled(core)
        camera.stop()
        assert wait_for("the clip", lambda: frames_of(core, event), 30) == list(range(70, 100))
