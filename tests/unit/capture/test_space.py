"""Room for footage, looked at all the time."""

from __future__ import annotations

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
        self.clock = FakeClock()
        self.space = Space(self.capacity, self.clock)

    def capacity(self) -> Capacity:
        self.looks += 1
        if self.away:
            raise Unavailable("the disk does not answer")
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
