"""What a recorder hands on is beside recording: nothing that goes wrong in it may reach the recorder."""

from __future__ import annotations

from typing import Any

import pytest
import structlog

from gatehouse_capture.live import LiveTap
from gatehouse_capture.watching.options import WatchOptions
from gatehouse_capture.watching.turns import Turns
from gatehouse_capture.watching.watch import CameraWatch
from gatehouse_common.bus.transient import TransientTopics
from gatehouse_common.clock import SystemClock
from gatehouse_common.media.fragment import TimedSample
from gatehouse_common.media.samples import TrackFormat
from gatehouse_common.messages import LiveMedia, LiveRequested
from gatehouse_common.observability.metrics import WATCH_DAMAGED
from running import wait_for
from watch_kit import settle

FORMAT = TrackFormat(1, "video", 90_000, "avc1", "", b"")
STEP = 1500


def keyframe(place: int) -> TimedSample:
    return TimedSample(place * STEP, 0, STEP, True, bytes(100))


def test_a_fault_in_watching_neither_ends_recording_nor_fills_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(*_: Any, **__: Any) -> None:
        raise IndexError("nobody thought of this")

    topics, turns, told = TransientTopics(), Turns(1), list[str]()
    monkeypatch.setattr(CameraWatch, "sample", faulty)
    tap = LiveTap(topics, SystemClock(), "cam", 70_000, turns, lambda *_: None, WatchOptions("activity"))
    media = topics.subscribe_transient([LiveMedia], lambda d: told.append(d.message.run), maxlen=100)
    tap.request(LiveRequested(camera="cam", time_us=0, kinds=["media"], ttl_us=60_000_000))
    with structlog.testing.capture_logs() as logs:
        for run in ("one", "two"):
            tap.begin_run(run, FORMAT, lambda ticks: ticks)
            for place in range(10):
                tap.sample("chunk", keyframe(place))
        wait_for("fragments of both", lambda: {"one", "two"} <= set(told))
    turns.close()
    media.close()
    assert [(e["event"], e["run"]) for e in logs if e["log_level"] == "error"] == [
        ("a camera is not watched as it should be", "one"),
        ("a camera is not watched as it should be", "two"),
    ]


def test_whoever_looks_again_at_once_is_shown_the_picture_at_hand() -> None:
    """Where every picture is a keyframe, few of them are decoded; the one at hand is, even if it is not due yet."""
    turns = Turns(1)
    watch = CameraWatch("jpegs", turns, lambda *_: None, WatchOptions("off"))
    watch.begin_run("run", FORMAT, lambda ticks: ticks)
    for place, shown in enumerate((True, True, False, True)):
        watch.sample(keyframe(place), shown=shown)
    following = watch._following
    assert following is not None
    assert following.start == 3 * STEP
    watch.close()
    turns.close()


def test_pictures_that_cannot_be_decoded_are_counted_and_told_of_once_a_run() -> None:
    turns, before = Turns(1), WATCH_DAMAGED.labels("damaged")._value.get()
    watch = CameraWatch("damaged", turns, lambda *_: None, WatchOptions("off"))
    with structlog.testing.capture_logs() as logs:
        for run in ("one", "two"):
            watch.begin_run(run, FORMAT, lambda ticks: ticks)
            for place in range(0, 100, 10):
                watch.sample(keyframe(place), shown=True)
            watch.end_run()
            settle(turns)
    watch.close()
    turns.close()
    assert WATCH_DAMAGED.labels("damaged")._value.get() == before + 20
    warnings = [e for e in logs if e["log_level"] == "warning"]
    assert len(warnings) == 2
    assert {e["camera"] for e in warnings} == {"damaged"}
    assert all(e["reason"] for e in warnings)


def test_pictures_that_cannot_be_decoded_are_not_followed_without_end() -> None:
    turns = Turns(1)
    watch = CameraWatch("endless", turns, lambda *_: None, WatchOptions("activity"))
    watch.begin_run("run", FORMAT, lambda ticks: ticks)
    for place in range(180):
        watch.sample(TimedSample(place * 2 * STEP, 0, 2 * STEP, place % 30 == 0, bytes(100)), shown=place < 30)
        settle(turns)
        if place == 30:
            assert watch._following is not None
    assert watch._following is None
    watch.close()
    turns.close()
