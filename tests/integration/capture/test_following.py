"""Capture follows its cameras: at once, never with two writers of one, and the ledger says why it did not record."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gatehouse_capture.service import CaptureService
from gatehouse_common.camera_url import CameraUrl
from gatehouse_common.db import Camera, CameraRepository, FootageReader
from gatehouse_common.errors import SourceUnavailable, Unavailable
from gatehouse_common.runtime import Core, Supervisor
from gatehouse_indexer.service import build as build_indexer
from gatehouse_segmenter.service import build as build_segmenter
from pipeline_kit import core_at

URL = "synthetic:?size=320x240&fps=15"


def until(what: Callable[[], object], seconds: float = 10.0) -> float:
    """Wait until something is so; return the seconds that it took."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < seconds
        time.sleep(0.02)
    return time.monotonic() - began


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data", **{"recording.chunk_seconds": 2, "detection.frames": "off"}) as opened:
        yield opened


@contextmanager
def pipeline(core: Core) -> Iterator[CaptureService]:
    """Indexer, segmenter and capture at work; at the end they have stopped, and told everything."""
    capture = CaptureService(core)
    supervisor = Supervisor([build_indexer(core), build_segmenter(core), capture], core.clock)
    supervisor.start()
    try:
        yield capture
    finally:
        assert supervisor.stop(15)


def add(core: Core, camera: str = "cam", url: str = URL, *, enabled: bool = True) -> None:
    CameraRepository(core.db).add(Camera(camera, url, created_us=core.clock.now_us(), enabled=enabled))


def recorded_us(core: Core, camera: str = "cam") -> int:
    return FootageReader(core.db).last_end_us(camera) or 0


def records(core: Core, camera: str = "cam") -> None:
    """Return when more is recorded than is now."""
    before = max(recorded_us(core, camera), core.clock.now_us())
    until(lambda: recorded_us(core, camera) > before)


def switch(core: Core, *, on: bool) -> None:
    CameraRepository(core.db).change("cam", enabled=on)


def stopped(capture: CaptureService) -> None:
    until(lambda: not capture.health())


def causes(core: Core) -> list[tuple[str, float]]:
    """The gaps after the first frame of all, each with its length in seconds."""
    reader = FootageReader(core.db)
    first = min(c.start_us for c in reader.all_chunks())
    return [(g.cause, (g.end_us - g.start_us) / 1e6) for g in reader.gaps("cam", first, 1 << 62) if g.start_us > first]


def test_a_camera_that_was_off_was_disabled_and_nothing_else(core: Core) -> None:
    """S1-13: over a restart of the service too, which is why nothing else was recorded then, but not this camera."""
    add(core)
    with pipeline(core) as capture:
        records(core)
        switch(core, on=False)
        stopped(capture)
        time.sleep(0.5)
        switch(core, on=True)
        records(core)
        assert [cause for cause, _ in causes(core)] == ["disabled"]
        switch(core, on=False)
        stopped(capture)
    time.sleep(0.5)
    with pipeline(core):
        time.sleep(1)
        switch(core, on=True)
        records(core)
    assert [cause for cause, _ in causes(core)] == ["disabled", "disabled"]
    assert causes(core)[1][1] > 1.5
    # Recorded, stopped, begun again: now it was the service.
    time.sleep(0.5)
    with pipeline(core):
        records(core)
    assert [cause for cause, _ in causes(core)] == ["disabled", "disabled", "service_down"]


def test_each_time_has_its_own_cause_when_a_camera_is_switched_while_the_service_is_down(core: Core) -> None:
    add(core)
    with pipeline(core):
        records(core)
    time.sleep(1)
    switch(core, on=False)
    with pipeline(core) as capture:
        time.sleep(1.5)
        assert not capture.health()
    time.sleep(1)
    switch(core, on=True)
    with pipeline(core):
        records(core)
    found = causes(core)
    assert [cause for cause, _ in found] == ["service_down", "disabled", "service_down"]
    assert found[0][1] == pytest.approx(1.0, abs=0.7)
    assert found[1][1] == pytest.approx(1.5, abs=0.7)


def test_a_change_by_another_process_is_followed_at_once(core: Core) -> None:
    """What `gatehouse camera add` and a second api do: they write to the index, and tell nobody."""
    with pipeline(core) as capture:
        time.sleep(1)
        add(core)
        assert until(lambda: [c.name for c in capture.health()] == ["camera cam"]) < 2
        records(core)
        switch(core, on=False)
        assert until(lambda: not capture.health()) < 2
        switch(core, on=True)
        assert until(capture.health) < 2
        CameraRepository(core.db).remove("cam")
        assert until(lambda: not capture.health()) < 2


def test_recording_goes_on_when_nobody_knows_the_cameras(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """The index is away, and the copy of its list is damaged."""
    add(core)
    with pipeline(core) as capture:
        records(core)

        def away(_: object) -> None:
            raise Unavailable("the database is away")

        with monkeypatch.context() as patched:
            patched.setattr(CameraRepository, "list", away)
            (core.data_dir / "cameras.json").write_bytes(b"no list")
            capture._changed.set()
            time.sleep(1)
            records(core)
            assert [c.ok for c in capture.health()] == [True]
        switch(core, on=False)
        stopped(capture)
    assert causes(core) == []


class Deaf:
    """A source that hears no interruption until it is let go; never may two of one camera be open."""

    open_now = most = opened = 0
    lock = threading.Lock()
    let_go = threading.Event()

    def open(self) -> None:
        with Deaf.lock:
            Deaf.opened += 1
            Deaf.open_now += 1
            Deaf.most = max(Deaf.most, Deaf.open_now)
        Deaf.let_go.wait(20)
        raise SourceUnavailable("it was let go")

    def interrupt(self) -> None:
        """Hear nothing."""

    def close(self) -> None:
        with Deaf.lock:
            Deaf.open_now -= 1


def test_a_second_writer_waits_until_the_first_has_ended(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    def opens(url: CameraUrl, *_: object) -> Deaf:
        assert url.scheme == "synthetic"
        return Deaf()

    monkeypatch.setattr("gatehouse_capture.camera.open_source", opens)
    monkeypatch.setattr("gatehouse_capture.service._STOP_S", 0.2)
    add(core)
    with pipeline(core) as capture:
        until(lambda: Deaf.opened == 1)
        CameraRepository(core.db).change("cam", url=URL + "&other=1")
        until(lambda: any("does not end" in c.detail for c in capture.health()))
        switch(core, on=False)
        time.sleep(1)
        switch(core, on=True)
        time.sleep(1)
        assert (Deaf.opened, Deaf.open_now) == (1, 1)
        assert [c.ok for c in capture.health()] == [False]
        Deaf.let_go.set()
        until(lambda: Deaf.opened > 1)
        until(lambda: not any("does not end" in c.detail for c in capture.health()))
    assert Deaf.most == 1
