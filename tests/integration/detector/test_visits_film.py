"""A5: a film of cars of three regions, by day and by night, one parked for two minutes, and a shop's sign.

Through what watches cameras, the engine that is built in, and the detector: exactly the right events, to the letter.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from fault_rig import Finding, tell
from gatehouse_capture.service import build as build_capture
from gatehouse_capture.watching.options import WatchOptions
from gatehouse_common.db import Camera, CameraRepository, PlateReader
from gatehouse_common.messages import FrameSampled, PlateClosed, PlateSeen
from gatehouse_common.messages.plates import Direction
from gatehouse_common.runtime import Supervisor
from gatehouse_detector.service import build as build_detector
from gatehouse_indexer.service import build as build_indexer
from pipeline_kit import core_at
from plate_film import Car, Street, make_plate_film
from running import wait_for
from watch_kit import START_US, watch_film

SECOND = 1_000_000
PARKED = Car("WX-604-TN", "eu", 20, stays_s=120, seconds=4, lane=280)
DAY = (
    Car("HJT-4821", "us", 2.7),
    Car("BX-835-KV", "eu", 8.9, leftwards=True),
    Car("ABC1D23", "br", 15.3),
)
PASSING = Car("7KLM492", "us", 80.6, lane=370)
NIGHT = (
    Car("KLD-5093", "us", 156.8, leftwards=True),
    Car("DG-417-RL", "eu", 162.9),
    Car("QRT4E56", "br", 168.7, leftwards=True),
)
STREET = Street((*DAY, PARKED, PASSING, *NIGHT), 176, nights=((150, 176),), sign="BAKERY")


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_exactly_the_right_visits_with_the_right_texts(tmp_path: Path) -> None:
    """A5, S2-2; PRODUCT.md fact 10: no first read that is wrong, no sign, no parked car again and again."""
    film = make_plate_film(tmp_path / "street.mp4", STREET)
    shown = watch_film(film, "cam", WatchOptions("activity"))
    heard: list[object] = []
    settings = {"detection.waiting": 5000, "detection.visit_seconds": 3, "detection.timeout_seconds": 120}
    with core_at(tmp_path / "data", **settings) as core:
        listening = core.bus.subscribe("indexer", lambda delivery: heard.append(delivery.message))
        detector = build_detector(core)
        supervisor = Supervisor([detector], core.clock)
        supervisor.start()
        wait_for("subscriptions", lambda: detector._share)
        for message, jpeg in shown.pictures:
            core.bus.publish(message, jpeg)
        cars = list(STREET.cars)
        wait_for("the end of all visits", lambda: count(heard) >= len(cars), 1200)
        assert detector._intake is not None
        assert detector._intake.is_idle("cam")
        assert supervisor.stop()
        listening.close()
    closed = sorted((m for m in heard if isinstance(m, PlateClosed)), key=lambda m: m.visit.start_us)
    seen = [m for m in heard if isinstance(m, PlateSeen)]
    assert [m.visit.text for m in closed] == [car.text for car in sorted(cars, key=lambda car: car.at_s)]
    assert len({m.visit.event for m in seen if m.visit}) == len(cars)
    for message, car in zip(closed, sorted(cars, key=lambda car: car.at_s), strict=True):
        visit = message.visit
        assert car.at_s * SECOND <= visit.start_us - START_US
        assert visit.end_us - START_US <= car.leaves_s * SECOND
        assert visit.direction is (Direction.LEFT if car.leftwards else Direction.RIGHT)
        assert visit.confidence > 0.9
        assert visit.best.text == car.text
        assert (tmp_path / "data" / visit.crop_key).exists()
        if not car.stays_s:
            assert 5 <= visit.reads <= 10, "of ten pictures, those at the edges show half a plate"
    standing = [m for m in seen if m.standing]
    assert {m.visit.text for m in standing if m.visit} == {PARKED.text}
    assert 1 <= len(standing) <= 5, "at its beginning, and at most twice a minute in two minutes"
    what = f"a film of {len(cars)} cars of three regions, by day and by night, one of them parked, and a shop's sign"
    figure = f"{len(closed)} of {len(cars)} events, each with the right text; none of the sign"
    tell(Finding("A5", what, figure, "one event of each car, with the right text", met=True))


def count(heard: list[object]) -> int:
    return sum(isinstance(m, PlateClosed) for m in heard)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_car_before_a_camera_is_an_event_in_the_index(tmp_path: Path) -> None:
    """S2-2, S2-22: from what is recorded, by way of capture, detector and indexer, in real time."""
    car = Car("HJT-4821", "us", 4.7)
    film = make_plate_film(tmp_path / "car.mp4", Street((car,), 12))
    sampled: list[FrameSampled] = []
    with core_at(tmp_path / "data", **{"detection.visit_seconds": 3, "detection.timeout_seconds": 120}) as core:
        heard = core.bus.subscribe_transient([FrameSampled], lambda d: sampled.append(d.message))  # type: ignore[arg-type]
        CameraRepository(core.db).add(Camera("cam", f"file://{film}", created_us=core.clock.now_us()))
        supervisor = Supervisor([build_indexer(core), build_detector(core), build_capture(core)], core.clock)
        supervisor.start()
        index = PlateReader(core.db)
        event = wait_for("an event", lambda: next(iter(index.open_events()), None), 120)
        wait_for("its end", lambda: index.event(event.id).state == "closed", 240)
        event = index.event(event.id)
        assert event.text == car.text
        assert (tmp_path / "data" / event.frame_key).exists()
        assert sum(read.qualifies for read in index.reads(event.id)) == event.reads
        assert supervisor.stop()
        heard.close()
    assert min(m.time_us for m in sampled) <= event.start_us <= max(m.time_us for m in sampled)
