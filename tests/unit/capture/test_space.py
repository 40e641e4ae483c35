"""Room for footage, looked at all the time."""

from __future__ import annotations

import threading
from collections.abc import Callable

from gatehouse_capture.space import Space
from gatehouse_common.clock import SECOND
from gatehouse_common.errors import Unavailable
from gatehouse_common.observability.metrics import RECORDING_HELD_BACK
from gatehouse_common.storage import Capacity
from gatehouse_common.testing.clock import FakeClock

MB = 1_000_000


class Disk:
    """A file system of 200 MB; ``free`` is what is left."""

    def __init__(self) -> None:
        self.free, self.away, self.looks = 200 * MB, False, 0
        self.capacity_of: Callable[[], Capacity] | None = None
        self.clock = FakeClock()
        self.space = Space(self.capacity, self.clock)

    def capacity(self) -> Capacity:
        self.looks += 1
        if self.away:
            raise Unavailable("the disk does not answer")
        if self.capacity_of is not None:
            return self.capacity_of()
        return Capacity(200 * MB, self.free, None)

    def pass_second(self, **written: int) -> None:
        for camera, count in written.items():
            self.space.wrote(camera, count)
        self.free -= sum(written.values())
        self.clock.advance(SECOND)
        self.space.look()

    def held(self) -> set[str]:
        return {camera for camera in ("gate", "yard") if self.space.refused(camera)}


def test_the_less_important_camera_stops_first_and_both_come_back() -> None:
    """R3: at the measured rate, said in a metric, and each with a sentence for people."""
    disk = Disk()
    disk.space.follow({"gate": 5, "yard": 0})
    for _ in range(3):
        disk.pass_second(gate=2 * MB, yard=2 * MB)
    assert disk.held() == set()
    disk.free = 13 * MB
    disk.pass_second(gate=0, yard=0)
    assert disk.held() == {"yard"}
    assert "nearly full" in disk.space.refused("yard")
    assert RECORDING_HELD_BACK.labels("yard")._value.get() == 1
    disk.free = 8 * MB
    disk.pass_second(gate=0)
    assert disk.held() == {"gate", "yard"}
    disk.free = 100 * MB
    disk.pass_second()
    assert disk.held() == {"yard"}, "one at a time, the most important first"
    disk.pass_second(gate=2 * MB)
    assert disk.held() == set()
    assert RECORDING_HELD_BACK.labels("yard")._value.get() == 0


def test_priorities_are_followed_while_recording() -> None:
    disk = Disk()
    disk.space.follow({"gate": 0, "yard": 1})
    disk.pass_second(gate=2 * MB, yard=2 * MB)
    disk.space.follow({"gate": 2, "yard": 1})
    disk.free = 12 * MB
    disk.pass_second()
    assert disk.held() == {"yard"}
    disk.space.follow({"gate": 2})
    disk.pass_second()
    assert disk.held() == set(), "a camera that is not to be recorded is not held back"


def test_a_disk_that_cannot_be_asked_stops_nobody() -> None:
    disk = Disk()
    disk.space.follow({"gate": 0})
    disk.away = True
    disk.pass_second(gate=MB)
    assert disk.held() == set()
    assert disk.space.chunk_bytes() > 200 * MB


def test_the_disk_is_looked_at_before_each_chunk_is_begun_but_not_for_each_of_many() -> None:
    disk = Disk()
    disk.space.follow({"gate": 0})
    disk.clock.advance(SECOND)
    before = disk.looks
    assert [disk.space.chunk_bytes() for _ in range(100)] == [10 * MB] * 100
    assert disk.looks == before + 1


def test_no_camera_waits_for_a_disk_that_takes_its_time_to_say_how_full_it_is() -> None:
    """R3: one over a network may; what was written is counted all the same, and is seen at the next look."""
    disk = Disk()
    disk.space.follow({"gate": 0, "yard": 0})
    disk.pass_second(gate=MB, yard=MB)
    disk.clock.advance(SECOND)
    asked, answers, written = threading.Event(), threading.Event(), threading.Event()
    free = disk.free

    def slow() -> Capacity:
        asked.set()
        answers.wait()
        disk.clock.advance(SECOND)
        return Capacity(200 * MB, free, None)

    disk.capacity_of = slow
    looking = threading.Thread(target=disk.space.look)
    looking.start()
    try:
        assert asked.wait(5)
        disk.clock.advance(SECOND)

        def write() -> None:
            disk.space.wrote("gate", MB)
            disk.space.chunk_bytes()
            written.set()

        threading.Thread(target=write, daemon=True).start()
        assert written.wait(5), "it waited for the look of another"
    finally:
        answers.set()
        looking.join(5)
    before = disk.looks
    disk.clock.advance(SECOND)
    disk.space.wrote("gate", MB)
    assert disk.looks == before, "it is slow: that is for the thread that records nothing"
    disk.capacity_of = None
    disk.space.look()
    disk.clock.advance(SECOND)
    disk.space.wrote("gate", MB)
    assert disk.looks == before + 2, "it is quick again"


def test_a_camera_that_becomes_important_takes_the_place_of_one_that_is_not() -> None:
    """S1-17: while there is room for one of them, also if it was held back already when somebody said so."""
    disk = Disk()
    disk.space.follow({"gate": 0, "yard": 0})
    disk.pass_second(gate=2 * MB, yard=2 * MB)
    disk.free = 13 * MB
    disk.pass_second()
    assert disk.held() == {"yard"}
    disk.space.follow({"gate": 0, "yard": 1})
    disk.pass_second()
    assert disk.held() == {"gate"}
    disk.pass_second()
    assert disk.held() == {"gate"}, "and stays"
