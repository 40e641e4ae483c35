"""The detector at work: pictures come over the bus, visits are told of over it, their pictures are in the store."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import simplejpeg

import plate_engine
from gatehouse_common.bus import Delivery
from gatehouse_common.clock import SystemClock
from gatehouse_common.db import Camera, CameraRepository, PlateReader
from gatehouse_common.errors import Unavailable
from gatehouse_common.messages import FrameSampled, Message, PlateClosed, PlateSeen
from gatehouse_common.messages.plates import Direction
from gatehouse_common.observability.metrics import DETECTOR_FRAMES, DETECTOR_SECONDS, PLATE_EVENTS, PLATE_READS
from gatehouse_common.runtime import Core, Supervisor
from gatehouse_common.storage import LocalStore
from gatehouse_detector.notes import note_of
from gatehouse_detector.service import Detector
from gatehouse_indexer.service import build as build_indexer
from pipeline_kit import open_core
from plate_engine import HEIGHT, WIDTH, picture, plate
from running import wait_for

RUN = "01900000-0000-7000-8000-000000000001"
LATER_RUN = "01900000-0000-7000-8000-000000000002"
QUICK = {"detection.visit_seconds": 2}


class Film:
    """A camera whose pictures are told by numbers; its times begin now."""

    def __init__(self, core: Core, camera: str = "cam", run: str = RUN, start_us: int | None = None) -> None:
        self.core, self.camera, self.run = core, camera, run
        self.start_us = core.clock.now_us() if start_us is None else start_us

    def show(self, number: int, at_s: float, *, x: int = 0, y: int = 0, jpeg: bytes | None = None) -> None:
        message = FrameSampled(
            camera=self.camera,
            time_us=self.start_us + round(at_s * 1e6),
            run=self.run,
            pts=round(at_s * 90_000),
            x=x,
            y=y,
            width=WIDTH,
            height=HEIGHT,
            picture_width=1920,
            picture_height=1080,
        )
        self.core.bus.publish(message, picture(number) if jpeg is None else jpeg)


class Listener:
    """What the indexer and the segmenter would hear."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.messages: list[Message] = []
        self.keys_missing: list[str] = []
        self._subscription = core.bus.subscribe("indexer", self._hear)

    def _hear(self, delivery: Delivery) -> None:
        message = delivery.message
        if isinstance(message, PlateSeen | PlateClosed):
            if message.visit is not None:
                for key in filter(None, (message.visit.frame_key, message.visit.crop_key)):
                    path = self.core.store.local_path(key)
                    if path is None or not path.exists():
                        self.keys_missing.append(key)
            self.messages.append(message)

    @property
    def seen(self) -> list[PlateSeen]:
        return [m for m in self.messages if isinstance(m, PlateSeen)]

    @property
    def closed(self) -> list[PlateClosed]:
        return [m for m in self.messages if isinstance(m, PlateClosed)]

    def close(self) -> None:
        self._subscription.close()


@contextmanager
def opened(data: Path, **settings: object) -> Iterator[Core]:
    core = open_core(data, **{**QUICK, **settings})
    core.db.upgrade()
    try:
        yield core
    finally:
        core.close()


@contextmanager
def detecting(core: Core, scenes: dict[str, Any]) -> Iterator[Detector]:
    file = core.data_dir / "scenes.json"
    file.write_text(json.dumps(scenes))
    detector = Detector(core, plate_engine.command(file))
    supervisor = Supervisor([detector], core.clock)
    supervisor.start()
    wait_for("subscriptions", lambda: detector._share)
    try:
        yield detector
    finally:
        assert supervisor.stop()


def crossing(text: str = "ABC1234", first: int = 1, **more: Any) -> dict[str, Any]:
    return {str(first + k): [plate(text, 60 + 50 * k, 200, **more)] for k in range(10)}


def counted(metric: Any, *labels: str) -> float:
    value: float = metric.labels(*labels)._value.get()
    return value


def stored_pictures(data: Path) -> list[str]:
    return sorted(p.name for p in (data / "plates").rglob("*.jpg"))


def test_a_car_that_crosses_is_told_of_with_the_very_frame_it_was_read_on(tmp_path: Path) -> None:
    """A5, S2-2; PRODUCT.md fact 10: the picture shown is of this car."""
    scenes = crossing()
    scenes["3"] = [plate("A8C1234", 160, 200, confidence=0.7)]
    events, reads = counted(PLATE_EVENTS, "cam"), counted(PLATE_READS, "cam", "accepted")
    with opened(tmp_path) as core, detecting(core, scenes):
        listener = Listener(core)
        film = Film(core)
        for k in range(10):
            film.show(1 + k, k / 5, x=1000, y=500)
        wait_for("the end of the visit", lambda: listener.closed)
        assert len(listener.seen) == 10
        (closed,) = listener.closed
        assert not listener.keys_missing
        listener.close()
    visit = closed.visit
    assert {m.visit.event for m in listener.seen if m.visit} == {visit.event}
    assert all(m.qualifies for m in listener.seen)
    assert (visit.text, visit.reads, visit.direction) == ("ABC1234", 10, Direction.RIGHT)
    assert (visit.start_us, visit.end_us) == (film.start_us, film.start_us + 1_800_000)
    assert visit.confidence > 0.9
    assert listener.seen[0].visit is not None
    assert listener.seen[0].visit.crop_key, "pictures are named from the first message on"
    frame = (tmp_path / visit.frame_key).read_bytes()
    number = round((visit.best.time_us - film.start_us) / 200_000) + 1
    assert simplejpeg.decode_jpeg(frame).tobytes() == simplejpeg.decode_jpeg(picture(number)).tobytes()
    note = note_of(frame)
    assert note is not None
    assert (note["x"], note["y"], note["pts"], note["camera"]) == (1000, 500, visit.best.pts, "cam")
    assert visit.best.quad[0][0] == pytest.approx(1000 + 60 + 50 * (number - 1) - 40)
    height, width, *_ = simplejpeg.decode_jpeg_header((tmp_path / visit.crop_key).read_bytes())
    assert 80 <= width <= 120
    assert 20 <= height <= 50
    assert stored_pictures(tmp_path) == sorted(Path(k).name for k in (visit.frame_key, visit.crop_key))
    assert counted(PLATE_EVENTS, "cam") - events == 1
    assert counted(PLATE_READS, "cam", "accepted") - reads == 10
    assert DETECTOR_SECONDS.labels("find")._sum.get() > 0


def test_reads_that_do_not_qualify_are_told_of_and_open_nothing(tmp_path: Path) -> None:
    """S2-2, S2-40, C-19: equality does not qualify; what does not is counted, and kept for the histogram."""
    before = counted(PLATE_READS, "cam", "below_threshold")
    scenes = {"1": [plate("ABC1234", 200, 200, confidence=0.5)], "2": [plate("XYZ9876", 400, 100, confidence=0.49)]}
    with opened(tmp_path) as core, detecting(core, scenes):
        listener = Listener(core)
        film = Film(core)
        film.show(1, 0)
        film.show(2, 1)
        wait_for("both", lambda: len(listener.seen) == 2)
        listener.close()
    assert [(m.read.text, m.read.confidence, m.threshold, m.visit) for m in listener.seen] == [
        ("ABC1234", 0.5, 0.5, None),
        ("XYZ9876", 0.49, 0.5, None),
    ]
    assert not any(m.qualifies for m in listener.seen)
    assert counted(PLATE_READS, "cam", "below_threshold") - before == 2
    assert stored_pictures(tmp_path) == []


def test_each_camera_has_its_own_threshold_region_and_masks(tmp_path: Path) -> None:
    """S2-40: settings of a camera hold as soon as they are changed; one that is off is not looked at."""
    scenes = {"1": [plate("ABC1234", 200, 200, confidence=0.7)]}
    with opened(tmp_path) as core:
        cameras = CameraRepository(core.db)
        square = [[0.0, 0.0], [0.5, 0.0], [0.5, 0.5], [0.0, 0.5]]
        own: dict[str, dict[str, Any]] = {
            "strict": {"threshold": 0.7},
            "lax": {"threshold": 0.3, "region": "eu"},
            "masked": {"masks": [square]},
            "zoned": {"zones": [square]},
            "off": {"enabled": False},
        }
        for camera, plates in own.items():
            cameras.add(Camera(camera, "synthetic:", created_us=1, settings={"plates": plates}))
        with detecting(core, scenes):
            listener = Listener(core)
            for camera in own:
                Film(core, camera).show(1, 0)
            wait_for("reads", lambda: len(listener.seen) == 3)
            by_camera = {m.camera: m for m in listener.seen}
            assert by_camera.keys() == {"strict", "lax", "zoned"}
            assert not by_camera["strict"].qualifies
            assert by_camera["lax"].qualifies
            assert by_camera["lax"].read.region == "eu"
            assert counted(DETECTOR_FRAMES, "off", "skipped") == 1
            cameras.change("strict", settings={"plates": {"threshold": 0.2}})
            cameras.change("lax", settings={"plates": {"enabled": False}})
            wait_for("the end of what is not watched any more", lambda: any(m.camera == "lax" for m in listener.closed))
            Film(core, "strict", LATER_RUN).show(1, 10)
            wait_for("a visit", lambda: any(m.camera == "strict" and m.qualifies for m in listener.seen))
            listener.close()


def test_pictures_that_are_none_are_counted_and_those_after_them_are_read(tmp_path: Path) -> None:
    scenes = {**crossing(), "20": "raise"}
    rejected, failed = counted(DETECTOR_FRAMES, "cam", "rejected"), counted(DETECTOR_FRAMES, "cam", "failed")
    with opened(tmp_path) as core, detecting(core, scenes):
        listener = Listener(core)
        film = Film(core)
        film.show(1, 0, jpeg=b"nothing")
        film.show(1, 0.1, jpeg=picture(1)[:500])
        film.show(20, 0.2)
        film.show(1, 0.3)
        wait_for("the read", lambda: listener.seen)
        listener.close()
    assert counted(DETECTOR_FRAMES, "cam", "rejected") - rejected == 2
    assert counted(DETECTOR_FRAMES, "cam", "failed") - failed == 1


def test_an_engine_that_cannot_be_opened_is_said_by_health_and_mends(tmp_path: Path) -> None:
    scenes: dict[str, Any] = {**crossing(), "open": "refuse"}
    with opened(tmp_path) as core, detecting(core, scenes) as detector:
        assert all(check.ok for check in detector.health())
        listener = Listener(core)
        Film(core).show(1, 0)
        wait_for("trouble", lambda: any(not check.ok for check in detector.health()))
        (check,) = [c for c in detector.health() if not c.ok]
        assert check.detail == "the model file is none"
        (tmp_path / "scenes.json").write_text(json.dumps(crossing()))
        wait_for("the read", lambda: listener.seen)
        assert all(check.ok for check in detector.health())
        listener.close()


def test_a_restart_goes_on_with_the_visits_that_are_open(tmp_path: Path) -> None:
    """What is open in the index after a crash goes on if its plate is read, and ends if not."""
    scenes = {
        **{str(k): [plate("ABC1234", 300 + k % 2, 200), plate("XYZ9876", 60 + 16 * k, 100)] for k in range(1, 60)},
        "70": [plate("ABC1234", 301, 200)],
    }
    with opened(tmp_path) as core:
        supervisor = Supervisor([build_indexer(core)], core.clock)
        supervisor.start()
        index = PlateReader(core.db)
        film = Film(core, start_us=core.clock.now_us() - 8_000_000)
        with detecting(core, scenes):
            for k in range(30):
                film.show(1 + k, k / 5)
            wait_for("open visits", lambda: len(index.open_events()) == 2)
            wait_for("reads", lambda: max(e.end_us for e in index.open_events()) >= film.start_us + 5_000_000)
            wait_for("all of it in the index", lambda: core.bus.depth("indexer") == 0)
        before = {e.text: e for e in index.open_events()}
        assert before.keys() == {"ABC1234", "XYZ9876"}
        with detecting(core, scenes):
            Film(core, run=LATER_RUN, start_us=core.clock.now_us()).show(70, 0)
            wait_for("the end of the one that is gone", lambda: index.event(before["XYZ9876"].id).state == "closed")
            after = wait_for(
                "the read of the one that stands",
                lambda: next((e for e in index.open_events() if e.end_us > before["ABC1234"].end_us), None),
            )
        assert supervisor.stop()
    assert after.id == before["ABC1234"].id
    assert after.start_us == before["ABC1234"].start_us
    assert after.reads > before["ABC1234"].reads
    gone = index_event(tmp_path, before["XYZ9876"].id)
    assert gone.crop_key
    assert (tmp_path / gone.crop_key).exists()
    assert len([n for n in stored_pictures(tmp_path) if n.startswith(gone.id)]) == 2


def index_event(data: Path, event: str) -> Any:
    with opened(data) as core:
        return PlateReader(core.db).event(event)


class AbsentStore(LocalStore):
    """A directory that is away until it is back."""

    away = True

    def put_bytes(self, key: str, data: bytes, *, overwrite: bool = False) -> Any:
        if self.away:
            raise Unavailable("the store does not answer")
        return super().put_bytes(key, data, overwrite=overwrite)


def test_a_store_that_is_away_keeps_nobody_from_hearing_and_gets_the_pictures_later(tmp_path: Path) -> None:
    with opened(tmp_path) as core:
        store = AbsentStore(tmp_path)
        object.__setattr__(core, "store", store)
        with detecting(core, crossing()):
            listener = Listener(core)
            film = Film(core)
            for k in range(10):
                film.show(1 + k, k / 5)
            wait_for("the end of the visit", lambda: listener.closed)
            assert len(listener.seen) == 10
            assert {m.visit.crop_key for m in listener.seen if m.visit} == {""}
            assert listener.closed[0].visit.crop_key == ""
            store.away = False
            wait_for("the pictures", lambda: len(listener.closed) == 2)
            late = listener.closed[1].visit
            assert late.event == listener.closed[0].visit.event
            assert (tmp_path / late.crop_key).exists()
            assert (tmp_path / late.frame_key).exists()
            listener.close()


def test_a_database_that_is_away_changes_nothing(tmp_path: Path) -> None:
    """Settings hold as they were last known, or as the site's say."""
    nowhere = "mysql://nobody:x@127.0.0.1:9/none"
    core = Core.open(_settings(tmp_path, database_url=nowhere), SystemClock())
    try:
        with detecting(core, crossing()):
            listener = Listener(core)
            film = Film(core)
            for k in range(10):
                film.show(1 + k, k / 5)
            wait_for("the end of the visit", lambda: listener.closed, 60)
            assert listener.closed[0].visit.text == "ABC1234"
            listener.close()
    finally:
        core.close()


def _settings(data: Path, **more: object) -> Any:
    from gatehouse_common.settings import load

    return load({"data_dir": str(data), **QUICK, **more}, environ={})


def test_without_a_reader_pictures_are_counted_and_not_looked_at(tmp_path: Path) -> None:
    before = counted(DETECTOR_FRAMES, "cam", "skipped")
    with opened(tmp_path, **{"detection.reader": "none"}) as core:
        detector = Detector(core, plate_engine.command(tmp_path / "none"))
        stop = threading.Event()
        thread = threading.Thread(target=detector.run, args=(stop,))
        thread.start()
        wait_for("the subscription", lambda: core.bus._transient._subscriptions)  # type: ignore[attr-defined]
        Film(core).show(1, 0)
        wait_for("the count", lambda: counted(DETECTOR_FRAMES, "cam", "skipped") == before + 1)
        assert detector.health() == []
        stop.set()
        thread.join()
