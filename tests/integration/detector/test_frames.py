"""Pictures on their way from what is recorded to a detector."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from gatehouse_capture.service import build as build_capture
from gatehouse_capture.sources.jpeg import JpegDecoder
from gatehouse_capture.watching.options import WatchOptions
from gatehouse_capture.watching.turns import Turns
from gatehouse_capture.watching.watch import CameraWatch
from gatehouse_common.bus import Delivery
from gatehouse_common.db import Camera, CameraRepository
from gatehouse_common.messages import FrameSampled
from gatehouse_common.observability.metrics import DETECTOR_FRAMES, DETECTOR_LAG
from gatehouse_common.runtime import Supervisor
from gatehouse_common.testing import barcode
from gatehouse_common.testing.film import FilmSpec, luma, make_film
from gatehouse_detector.service import build as build_detector
from pipeline_kit import core_at
from running import wait_for
from watch_kit import shed, timed_samples

GOP = 15


def number_of(delivery: Delivery) -> int:
    assert delivery.body is not None
    frame = JpegDecoder().decode(bytes(delivery.body))
    assert frame is not None
    return barcode.read(luma(frame))


@pytest.mark.parametrize("bframes", [0, 2])
def test_keyframes_reach_the_detector_at_their_own_resolution_and_time(tmp_path: Path, bframes: int) -> None:
    film = make_film(tmp_path / "film.mp4", FilmSpec(frames=150, gop=GOP, width=640, height=360, bframes=bframes))
    heard: list[Delivery] = []
    before = DETECTOR_FRAMES.labels("cam", "skipped")._value.get()
    with core_at(tmp_path / "data", **{"detection.frames": "keyframes", "detection.reader": "none"}) as core:
        subscription = core.bus.subscribe_transient([FrameSampled], heard.append)
        CameraRepository(core.db).add(Camera("cam", f"file://{film}", created_us=core.clock.now_us()))
        supervisor = Supervisor([build_detector(core), build_capture(core)], core.clock)
        supervisor.start()
        wait_for("pictures", lambda: len(heard) >= 6)
        counted = DETECTOR_FRAMES.labels("cam", "skipped")._value.get() - before
        assert supervisor.stop()
        subscription.close()
    messages = [d.message for d in heard if isinstance(d.message, FrameSampled)]
    numbers = [number_of(d) for d in heard]
    assert numbers == [GOP * k for k in range(len(numbers))]
    assert {(m.width, m.height, m.picture_width, m.x, m.y) for m in messages} == {(640, 360, 640, 0, 0)}
    for number, message in zip(numbers, messages, strict=True):
        assert message.pts - messages[0].pts == number * 3000
        assert message.time_us - messages[0].time_us == pytest.approx(number * 1_000_000 / 30, abs=60_000)
    assert counted >= 5
    assert 0 <= DETECTOR_LAG.labels("cam")._value.get() < 2


def test_nothing_is_decoded_unless_it_is_asked_for(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", FilmSpec(frames=90, gop=GOP, width=160, height=96))
    heard: list[Delivery] = []
    with core_at(tmp_path / "data", **{"detection.frames": "off"}) as core:
        core.bus.subscribe_transient([FrameSampled], heard.append)
        CameraRepository(core.db).add(Camera("cam", f"file://{film}?pace=fast", created_us=core.clock.now_us()))
        supervisor = Supervisor([build_capture(core)], core.clock)
        supervisor.start()
        wait_for("footage", lambda: core.bus.depth("indexer") > 3)
        assert supervisor.stop()
    assert heard == []


def test_a_bus_that_is_slow_costs_old_pictures_and_never_the_recorder(tmp_path: Path) -> None:
    """The newest are looked at, what is left out is counted, and every sample is taken at once."""
    film = make_film(tmp_path / "film.mp4", FilmSpec(frames=300, gop=GOP, width=160, height=96))
    format_, samples = timed_samples(film)
    go_on, seen = threading.Event(), list[int]()

    def publish(_message: object, body: bytes) -> None:
        go_on.wait(10)
        seen.append(number_of(Delivery(FrameSampled.model_construct(), body)))

    turns = Turns(1)
    watch = CameraWatch("slow", turns, publish, WatchOptions("keyframes"))
    watch.begin_run("run", format_, lambda ticks: ticks)
    began = time.thread_time()
    for sample in samples:
        watch.sample(sample, shown=False)
    assert time.thread_time() - began < 0.5
    go_on.set()
    wait_for("the newest", lambda: bool(seen) and seen[-1] == 300 - GOP)
    turns.close()
    assert len(seen) <= 6
    assert shed("slow", "behind") == 300 // GOP - len(seen)
