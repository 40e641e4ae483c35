"""A disk that does not answer: nothing fails, nothing returns, and everybody is told all the same."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from gatehouse_api.recording_watch import RecordingWatch
from gatehouse_capture.service import CaptureService
from gatehouse_common.db import Camera, CameraRepository, CoverageReader, FootageReader
from gatehouse_common.intervals import Interval
from gatehouse_common.observability.metrics import RECORDING_ACTIVE, RECORDING_ALARM
from gatehouse_common.runtime import Core, Supervisor
from gatehouse_common.testing.film import FilmSpec, frame_numbers, make_film
from gatehouse_indexer.service import build as build_indexer
from gatehouse_segmenter.service import build as build_segmenter
from pipeline_kit import core_at
from rtsp_kit import CameraProcess, rtsp_camera

FPS = 10
SECOND = 1_000_000
LATEST_S = 10.0


class StandingDisk:
    """Writes of footage wait, as for a server that is away, until the disk answers again; the calls are real."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers = threading.Event()
        self.answers.set()
        writev = os.writev

        def waiting(fd: int, buffers: Any) -> int:
            self.answers.wait()
            return writev(fd, buffers)

        monkeypatch.setattr(os, "writev", waiting)


@contextmanager
def recording(
    data: Path, network: CameraProcess, disk: StandingDisk
) -> Iterator[tuple[Core, CaptureService, Supervisor, int]]:
    """One camera being recorded; yields the core, what records, who keeps it running, and when it was added."""
    with core_at(data, **{"detection.frames": "off", "recording.chunk_seconds": 2}) as core:
        created = core.clock.now_us()
        CameraRepository(core.db).add(Camera("gate", network.url("gate"), created_us=created))
        capture = CaptureService(core)
        supervisor = Supervisor([build_indexer(core), build_segmenter(core), capture], core.clock)
        supervisor.start()
        try:
            yield core, capture, supervisor, created
        finally:
            disk.answers.set()


def until(what: Callable[[], object], seconds: float) -> float:
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < seconds
        time.sleep(0.05)
    return time.monotonic() - began


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CameraProcess]:
    spec = FilmSpec(frames=120 * FPS, fps=FPS, gop=FPS, width=160, height=96)
    with rtsp_camera({"gate": make_film(tmp_path_factory.mktemp("film") / "film.mp4", spec)}) as serving:
        yield serving


def state(core: Core) -> tuple[str, str | None]:
    found = CameraRepository(core.db).get("gate")
    return found.state, found.state_cause


@pytest.mark.slow
def test_a_write_that_hangs_is_told_within_ten_seconds_and_has_its_cause_in_the_ledger(
    tmp_path: Path, network: CameraProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S1-17, S0-37: no call returns an error, so nobody but who looks at the clock can know."""
    disk = StandingDisk(monkeypatch)
    with recording(tmp_path / "data", network, disk) as (core, capture, supervisor, created):
        watch, ending = RecordingWatch(core, supervisor.health), threading.Event()
        watching = threading.Thread(target=watch.run, args=(ending,))
        watching.start()
        try:
            alarm, active = RECORDING_ALARM.labels("gate"), RECORDING_ACTIVE.labels("gate")
            until(lambda: state(core) == ("recording", None) and active._value.get() == 1, 20)
            time.sleep(3)
            assert alarm._value.get() == 0
            disk.answers.clear()
            stood = time.monotonic()
            assert until(lambda: alarm._value.get() == 1, 20) < LATEST_S
            assert active._value.get() == 0
            (check,) = [c for c in capture.health() if c.name == "camera gate"]
            assert (check.ok, check.cause) == (False, "storage_full")
            assert "does not answer" in check.detail
            until(lambda: state(core) == ("reconnecting", "storage_full"), 5)
            time.sleep(max(0.0, stood + 17 - time.monotonic()))  # longer than a camera keeps what it cannot send
            disk.answers.set()
            until(lambda: state(core) == ("recording", None) and alarm._value.get() == 0, 15)
            time.sleep(4)
        finally:
            disk.answers.set()
            ending.set()
            watching.join(10)
            assert supervisor.stop(15)
        one, now = CameraRepository(core.db).get("gate"), core.clock.now_us()
        found = CoverageReader(core.db).coverage(one, Interval(created, now), now)
        assert set(found.gaps_us) <= {"storage_full", "service_down", "camera_offline"}, "until it was begun, and now"
        assert 5 * SECOND < found.gaps_us["storage_full"] < 30 * SECOND
        assert found.unexplained_us == 0
        assert all(a.end_us == b.start_us for a, b in pairwise(found.stretches))
        stored = sorted((c.start_us, c.key) for c in FootageReader(core.db).all_chunks() if c.state == "stored")
        numbers = [n for _, key in stored for n, _ in frame_numbers(core.data_dir / key)]
        breaks = [(a, b) for a, b in pairwise(numbers) if b != a + 1]
        assert len(breaks) <= 1, "whole pictures, one after the other, before and behind the pause"


@pytest.mark.slow
def test_a_disk_that_is_slow_now_and_then_costs_nothing(
    tmp_path: Path, network: CameraProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S1-17: a card that writes for seven seconds is told of; all that the camera sent meanwhile is recorded."""
    disk = StandingDisk(monkeypatch)
    with recording(tmp_path / "data", network, disk) as (core, _, supervisor, created):
        try:
            until(lambda: state(core) == ("recording", None), 20)
            time.sleep(3)
            disk.answers.clear()
            until(lambda: state(core) == ("reconnecting", "storage_full"), 9)
            disk.answers.set()
            until(lambda: state(core) == ("recording", None), 5)
            time.sleep(4)
        finally:
            disk.answers.set()
            assert supervisor.stop(15)
        one, now = CameraRepository(core.db).get("gate"), core.clock.now_us()
        found = CoverageReader(core.db).coverage(one, Interval(created, now), now)
        assert "storage_full" not in found.gaps_us
        stored = sorted((c.start_us, c.key, c.run) for c in FootageReader(core.db).all_chunks() if c.state == "stored")
        assert len({run for _, _, run in stored}) == 1
        numbers = [n for _, key, _ in stored for n, _ in frame_numbers(core.data_dir / key)]
        assert [b - a for a, b in pairwise(numbers)] == [1] * (len(numbers) - 1)
