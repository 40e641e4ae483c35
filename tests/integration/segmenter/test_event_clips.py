"""Clips around plate events, by the burned-in numbers of their frames."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from clip_kit import (
    FPS,
    FilmCamera,
    at_work,
    clips_of,
    left_open_by_a_dead_worker,
    read_at,
    settled,
    shown,
    stored_clips,
)
from gatehouse_common.clock import SECOND
from gatehouse_common.db import Clip, ClipRepository
from gatehouse_common.footage import Library
from gatehouse_common.ids import new_id
from gatehouse_common.media.slicing import slice_footage
from gatehouse_common.messages import FootageWanted
from gatehouse_common.runtime import Core, Supervisor
from gatehouse_common.testing.film import FilmSpec
from gatehouse_indexer.service import build as build_indexer
from gatehouse_segmenter.clip_cutter import ClipCutter, Cut
from pipeline_kit import START_US, add_camera, core_at
from running import wait_for


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data") as opened:
        add_camera(opened)
        yield opened


def at(number: float) -> int:
    """When a frame of the first run is on the screen."""
    return START_US + round(number * SECOND / FPS)


def test_a_clip_reaches_from_5_s_before_the_first_read_to_15_s_after_the_last(core: Core) -> None:
    """S2-1, S2-2, S2-4, S2-5, S2-11, S2-12, S2-13: to the frame, by the camera's own time, once it is there."""
    camera, event = FilmCamera(core.data_dir, core.bus.publish), new_id()
    with at_work(core):
        camera.advance(at(200))
        core.bus.publish(read_at(at(100), event))
        core.bus.publish(read_at(at(131), event, first_us=at(100)))
        settled(core)
        (planned,) = clips_of(core)
        assert (planned.state, planned.start_us, planned.end_us) == ("planned", at(50), at(281))
        camera.advance(at(280))  # its last part is not there yet: by the wall clock the clip has long been over
        time.sleep(0.5)
        assert [c.state for c in clips_of(core)] == ["planned"]
        camera.advance(at(300))
        (clip,) = stored_clips(core, 1)
    assert shown(core, clip) == list(range(50, 281))
    assert (clip.start_us, clip.end_us, clip.frames, clip.events) == (at(50), at(281), 231, (event,))
    assert (clip.width, clip.height, clip.detail) == (160, 96, "")
    assert clip.key == f"videos/2024-05-17/{event}_{at(50) // SECOND}.mp4"
    assert core.store.stat(clip.key).size == clip.bytes
    with core.db.read() as c:
        row = c.execute(text("SELECT file_path, duration_seconds, resolution, detection_ids FROM video_segments")).one()
    assert row == (clip.key, pytest.approx(23.1), "160x96", event)


def test_whoever_records_is_told_once_that_the_end_of_a_clip_is_waited_for(core: Core) -> None:
    """S2-4: when it is near, so that the part that holds it is written with that very frame."""
    camera, told = FilmCamera(core.data_dir, core.bus.publish), list[FootageWanted]()
    hearing = core.bus.subscribe_transient([FootageWanted], lambda d: told.append(d.message))  # type: ignore[arg-type]
    with at_work(core):
        camera.advance(at(230))
        core.bus.publish(read_at(at(100), new_id()))
        settled(core)
        time.sleep(0.5)
        assert told == []
        camera.advance(at(248))
        wait_for("word of it", lambda: told)
        time.sleep(0.5)
        assert [(m.camera, m.until_us) for m in told] == [("cam", at(250))]
        camera.advance(at(270))
        stored_clips(core, 1)
    hearing.close()
    assert len(told) == 1


def test_only_what_is_strictly_surer_than_the_threshold_begins_a_clip(core: Core) -> None:
    """S2-2, C-19: equality at 0.5 does not, nor does a read that belongs to no visit."""
    camera, sure = FilmCamera(core.data_dir, core.bus.publish), new_id()
    with at_work(core):
        camera.advance(at(600))
        core.bus.publish(read_at(at(100), new_id(), confidence=0.5))
        core.bus.publish(read_at(at(110), new_id(), confidence=0.9, visit=False))
        core.bus.publish(read_at(at(300), sure, confidence=0.5000001))
        (clip,) = stored_clips(core, 1)
    assert shown(core, clip) == list(range(250, 450))
    assert clip.events == (sure,)


def test_a_plate_that_stands_is_in_no_more_of_the_clip_than_any_other(core: Core) -> None:
    """S2-4: a parked car does not keep a clip going; that it drives off does."""
    camera, event = FilmCamera(core.data_dir, core.bus.publish), new_id()
    with at_work(core):
        camera.advance(at(900))
        core.bus.publish(read_at(at(100), event))
        for number in (160, 400, 460):
            core.bus.publish(read_at(at(number), event, first_us=at(100), standing=True))
        core.bus.publish(read_at(at(700), event, first_us=at(100)))
        came, went = stored_clips(core, 2)
    assert shown(core, came) == list(range(50, 250))
    assert shown(core, went) == list(range(650, 850))
    assert came.events == went.events == (event,)


def test_windows_that_overlap_are_one_clip(core: Core) -> None:
    """S2-4, S2-12: with the ids of all events in it, in the order in which they began, in the view too."""
    camera, events = FilmCamera(core.data_dir, core.bus.publish), [new_id() for _ in range(3)]
    with at_work(core):
        camera.advance(at(150))
        for number, event in zip((100, 140, 270), events, strict=True):
            core.bus.publish(read_at(at(number), event))
        settled(core)
        camera.advance(at(500))
        (clip,) = stored_clips(core, 1)
    assert shown(core, clip) == list(range(50, 420))
    assert clip.events == tuple(events)
    with core.db.read() as c:
        assert c.execute(text("SELECT detection_ids FROM video_segments")).scalar_one() == ",".join(events)


def test_a_long_clip_goes_on_in_another_without_a_frame_lost_or_doubled(tmp_path: Path) -> None:
    """S2-6: rolled at the longest length, gap-free, both linked to the event."""
    with core_at(tmp_path / "data", **{"clips.max_seconds": "20.05"}) as core:
        add_camera(core)
        camera, event = FilmCamera(core.data_dir, core.bus.publish, chunk_us=7 * SECOND), new_id()
        with at_work(core):
            for second in range(0, 80, 5):
                camera.advance(at(second * FPS))
                if 10 <= second <= 50:
                    core.bus.publish(read_at(at(second * FPS), event, first_us=at(100)))
            clips = stored_clips(core, 3)
        assert [n for clip in clips for n in shown(core, clip)] == list(range(50, 650))
        assert all(clip.events == (event,) for clip in clips)
        assert [clip.previous for clip in clips] == [None, clips[0].id, clips[1].id]
        assert [b.start_us - a.end_us for a, b in pairwise(clips)] == [0, 0]
        assert len({clip.key for clip in clips}) == 3


def test_a_read_that_comes_60_s_late_still_has_its_pre_roll(core: Core) -> None:
    """S2-1: what is before it is in the store by then, in several chunks."""
    camera, event = FilmCamera(core.data_dir, core.bus.publish, chunk_us=10 * SECOND), new_id()
    with at_work(core):
        camera.advance(at(900))
        settled(core)
        core.bus.publish(read_at(at(205), event))
        (clip,) = stored_clips(core, 1)
    assert shown(core, clip) == list(range(155, 355))


def test_a_read_before_any_footage_is_recorded_all_the_same(core: Core) -> None:
    """S2-7: and what there is not is said."""
    camera, event = FilmCamera(core.data_dir, core.bus.publish), new_id()
    with at_work(core):
        core.bus.publish(read_at(at(0), event))
        settled(core)
        camera.advance(at(200))
        (clip,) = stored_clips(core, 1)
    assert shown(core, clip) == list(range(150))
    assert clip.detail.startswith("5.00 s of it were not recorded")


def test_a_camera_that_stops_gives_what_there_is(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """S2-5: its own time goes no further, so in the end the wall clock decides."""
    monkeypatch.setattr("gatehouse_segmenter.clips.GRACE_US", SECOND)
    camera, event = FilmCamera(core.data_dir, core.bus.publish), new_id()
    with at_work(core):
        camera.advance(at(200))
        core.bus.publish(read_at(at(100), event))
        camera.stop()
        (clip,) = stored_clips(core, 1)
    assert shown(core, clip) == list(range(50, 200))
    assert clip.detail == "5.00 s of it were not recorded: 2024-05-17T10:23:20.000000Z to 2024-05-17T10:23:25.000000Z"


def test_a_camera_that_comes_back_within_a_clip_is_in_it_again(core: Core) -> None:
    """S2-5: the clip is true to the wall clock, the gap in it is told."""
    camera, event = FilmCamera(core.data_dir, core.bus.publish), new_id()
    with at_work(core):
        camera.advance(at(120))
        core.bus.publish(read_at(at(100), event))
        camera.reconnect(at(180))
        camera.advance(at(300))
        (clip,) = stored_clips(core, 1)
    assert shown(core, clip) == [*range(50, 120), *range(120, 190)]
    assert clip.detail.startswith("6.00 s of it were not recorded")


def test_nothing_recorded_is_said(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatehouse_segmenter.clips.GRACE_US", SECOND // 5)
    with at_work(core):
        core.bus.publish(read_at(at(100), new_id()))
        settled(core)
        for _ in range(100):
            (clip,) = clips_of(core)
            if clip.state != "planned":
                break
            time.sleep(0.05)
    assert (clip.state, clip.detail) == ("failed", "nothing is recorded in that range")


def test_clips_switched_off(tmp_path: Path) -> None:
    """S2-22: recording around events is optional; all else works without it."""
    with core_at(tmp_path / "data", **{"clips.enabled": "false"}) as core:
        add_camera(core)
        with at_work(core):
            core.bus.publish(read_at(at(100), new_id()))
            settled(core)
        assert ClipRepository(core.db).planned() == []


def cut_by_hand(core: Core, clip: Clip) -> Cut:
    """Make the object of a planned clip, as a process does that is killed before its row says so."""
    library = Library(core)
    try:
        return ClipCutter(core, ClipRepository(core.db), library).cut(clip)
    finally:
        library.close()


def test_killed_between_object_and_row(core: Core) -> None:
    """S2-43: the object is recognised by its name and bytes; there is one, and one row."""
    camera, event = FilmCamera(core.data_dir, core.bus.publish), new_id()
    ClipRepository(core.db).plan("cam", event, at(100), 5 * SECOND, 15 * SECOND, 300 * SECOND, at(100))
    camera.advance(at(300))
    with indexed(core):
        (planned,) = clips_of(core)
        cut = cut_by_hand(core, planned)
        before = core.store.stat(cut.key)
    with at_work(core):
        (clip,) = stored_clips(core, 1)
    assert clip.key == cut.key
    assert core.store.stat(cut.key) == before  # it has not been written again
    assert shown(core, clip) == list(range(50, 250))


def test_killed_before_all_of_the_footage_was_there(core: Core) -> None:
    """S2-43: what differs was made of less footage, and no row speaks of it: it is made anew."""
    camera, event = FilmCamera(core.data_dir, core.bus.publish), new_id()
    ClipRepository(core.db).plan("cam", event, at(100), 5 * SECOND, 15 * SECOND, 300 * SECOND, at(100))
    camera.advance(at(160))
    with indexed(core):
        (planned,) = clips_of(core)
        cut = cut_by_hand(core, planned)
    assert cut.frames < 110
    camera.advance(at(300))
    with at_work(core):
        (clip,) = stored_clips(core, 1)
    assert (clip.key, clip.frames) == (cut.key, 200)
    assert shown(core, clip) == list(range(50, 250))


def test_two_clips_of_an_event_that_begin_in_one_second(tmp_path: Path) -> None:
    """S2-11: each has a file of its own."""
    with core_at(tmp_path / "data", **{"clips.pre_seconds": "0", "clips.post_seconds": "0.3"}) as core:
        add_camera(core)
        camera, event = FilmCamera(core.data_dir, core.bus.publish), new_id()
        with at_work(core):
            camera.advance(at(200))
            core.bus.publish(read_at(at(100), event))
            core.bus.publish(read_at(at(106), event, first_us=at(100)))
            clips = stored_clips(core, 2)
    assert [shown(core, clip) for clip in clips] == [[100, 101, 102], [106, 107, 108]]
    assert [clip.key.removeprefix(f"videos/2024-05-17/{event}_") for clip in clips] == [
        f"{at(100) // SECOND}.mp4",
        f"{at(100) // SECOND}_2.mp4",
    ]


def test_b_frames_and_a_chunk_that_ends_within_the_clip(core: Core) -> None:
    """S2-3: pictures that are stored in another order than they are shown in are all there, none twice."""
    spec = FilmSpec(frames=60 * FPS, fps=FPS, gop=FPS, width=160, height=96, bframes=3)
    camera, event = FilmCamera(core.data_dir, core.bus.publish, spec=spec, chunk_us=7 * SECOND), new_id()
    with at_work(core):
        camera.advance(at(100))
        core.bus.publish(read_at(at(103), event))
        settled(core)
        camera.advance(at(300))
        (clip,) = stored_clips(core, 1)
    assert shown(core, clip) == list(range(53, 253))


@contextmanager
def indexed(core: Core) -> Iterator[None]:
    """The indexer alone at work, until it has done all."""
    supervisor = Supervisor([build_indexer(core)], core.clock)
    supervisor.start()
    try:
        wait_for("an empty queue", lambda: core.bus.depth("indexer") == 0)
        yield
    finally:
        assert supervisor.stop()


def test_what_was_copied_in_advance_is_the_same_file(core: Core, tmp_path: Path) -> None:
    """S2-3: a clip whose media was copied while it came has the bytes of one that is made at once."""
    camera, event = FilmCamera(core.data_dir, core.bus.publish, chunk_us=7 * SECOND), new_id()
    with at_work(core):
        camera.advance(at(100))
        core.bus.publish(read_at(at(98), event))
        settled(core)
        for number in range(110, 251, 10):
            camera.advance(at(number))
            time.sleep(0.15)
        drafts = list((core.data_dir / "videos").rglob(".put-*"))
        assert [d.stat().st_size > 100_000 for d in drafts] == [True]
        camera.advance(at(300))
        (clip,) = stored_clips(core, 1)
        settled(core)
    assert shown(core, clip) == list(range(48, 248))
    made = core.store.read(clip.key)
    core.store.delete(clip.key)
    planned = replace(clip, start_us=at(48), end_us=at(248), key="", state="planned")
    assert cut_by_hand(core, planned).key == clip.key
    assert core.store.read(clip.key) == made
    assert [p.name for p in (core.data_dir / "videos").rglob("*") if p.is_file()] == [clip.key.rpartition("/")[2]]


def test_an_earlier_read_that_comes_later_begins_the_file_anew(core: Core) -> None:
    """S2-3: what was copied in advance is not what the clip begins with any more."""
    camera, events = FilmCamera(core.data_dir, core.bus.publish), [new_id(), new_id()]
    with at_work(core):
        camera.advance(at(200))
        core.bus.publish(read_at(at(120), events[0]))
        wait_for("a draft", lambda: list((core.data_dir / "videos").rglob(".put-*")))
        core.bus.publish(read_at(at(101), events[1]))
        settled(core)
        camera.advance(at(300))
        (clip,) = stored_clips(core, 1)
    assert shown(core, clip) == list(range(51, 270))
    assert clip.events == (events[1], events[0])
    assert [p.name for p in (core.data_dir / "videos").rglob("*") if p.is_file()] == [clip.key.rpartition("/")[2]]


def test_a_clip_that_a_dead_worker_has_some_of_does_not_hold_up_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S2-43: it waits by itself; when it has waited long enough, it is made of what there is, and says so."""
    with core_at(tmp_path / "data", **{"service.token": "token"}) as core:
        add_camera(core)
        left_open_by_a_dead_worker(core, at(0), at(60))
        camera = FilmCamera(core.data_dir, core.bus.publish, start_us=at(80))
        with at_work(core):
            camera.advance(at(900))
            core.bus.publish(read_at(at(100), new_id()))
            core.bus.publish(read_at(at(500), new_id()))
            settled(core)
            wait_for("the second clip", lambda: clips_of(core)[1].state == "stored")
            assert clips_of(core)[0].state == "planned"
            monkeypatch.setattr("gatehouse_segmenter.clip_waits._PATIENCE_US", SECOND)
            first, second = stored_clips(core, 2)
    assert shown(core, second) == list(range(450 - 80, 650 - 80))
    assert shown(core, first) == list(range(250 - 80))
    assert first.detail.startswith("3.00 s of it are missing")
    assert "waited for in vain: http://127.0.0.1:9" in first.detail


def test_a_clip_that_fails_in_an_unknown_way_is_given_up_and_others_are_made(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S2-43: footage of one range that the slicer stumbles over."""

    def stumble(media: Any, start_us: int, end_us: int, **more: Any) -> Any:
        if start_us == at(50):
            raise ValueError("nobody thought of that")
        return slice_footage(media, start_us, end_us, **more)

    monkeypatch.setattr("gatehouse_segmenter.clip_cutter.slice_footage", stumble)
    camera = FilmCamera(core.data_dir, core.bus.publish)
    with at_work(core):
        camera.advance(at(900))
        core.bus.publish(read_at(at(100), new_id()))
        core.bus.publish(read_at(at(500), new_id()))
        wait_for("both", lambda: [c.state for c in clips_of(core)] == ["failed", "stored"])
        first, second = clips_of(core)
    assert first.detail == "it could not be cut: ValueError: nobody thought of that"
    assert shown(core, second) == list(range(450, 650))
