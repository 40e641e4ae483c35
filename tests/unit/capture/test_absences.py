"""Why a camera was not recorded is known when it comes back, whoever has ended meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatehouse_capture.absences import Absences
from gatehouse_common.clock import SECOND
from gatehouse_common.messages import GapCause, Interruption
from gatehouse_common.testing.clock import FakeClock
from gatehouse_indexer.gap_rules import derive_gaps

DOWN, OFF, AWAY = GapCause.SERVICE_DOWN, GapCause.DISABLED, GapCause.CAMERA_OFFLINE


class Life:
    """A service that lives and dies, with a clock; times are whole seconds since its first beginning."""

    def __init__(self, path: Path) -> None:
        self.path, self.clock = path / "absences.json", FakeClock(0)
        self.absences = self.begin()

    def begin(self, after_s: int = 0) -> Absences:
        """A new process, ``after_s`` seconds after the old one's death."""
        self.later(after_s)
        self.absences = Absences(self.path, self.clock)
        self.absences.begin()
        return self.absences

    def later(self, seconds: int) -> None:
        self.clock.advance(seconds * SECOND)

    def recorded(self) -> None:
        self.absences.settled()
        self.absences.update({"cam": []})
        self.absences.keep()

    def why(self, recorded_until_s: int) -> list[tuple[str, int, int]]:
        """Switch the camera on, and return the gaps of the run that begins now."""
        causes = self.absences.on("cam")
        gaps = derive_gaps("cam", "run", recorded_until_s * SECOND, self.clock.now_us(), causes)
        return [(g.cause, g.start_us // SECOND, g.end_us // SECOND) for g in gaps]


@pytest.fixture
def life(tmp_path: Path) -> Life:
    return Life(tmp_path)


def test_off_and_on_again(life: Life) -> None:
    life.absences.on("cam")
    life.later(10)
    life.recorded()
    life.absences.off("cam")
    life.later(20)
    life.absences.off("cam")  # seen off again at every look
    life.later(30)
    assert life.why(10) == [("disabled", 10, 60)]


def test_off_over_a_restart(life: Life) -> None:
    life.absences.on("cam")
    life.later(10)
    life.recorded()
    life.absences.off("cam")
    life.absences.keep()
    life.begin(after_s=50)
    life.absences.off("cam")
    life.absences.settled()
    life.later(40)
    assert life.why(10) == [("disabled", 10, 100)]


def test_switched_on_while_the_service_was_down(life: Life) -> None:
    life.absences.off("cam")
    life.later(10)
    life.absences.keep()
    life.begin(after_s=50)
    assert life.why(0) == [("disabled", 0, 10), ("service_down", 10, 60)]


def test_switched_off_while_the_service_was_down(life: Life) -> None:
    life.absences.on("cam")
    life.later(10)
    life.recorded()
    life.begin(after_s=50)
    life.absences.off("cam")
    life.absences.settled()
    life.later(40)
    assert life.why(10) == [("service_down", 10, 60), ("disabled", 60, 100)]


def test_an_outage_that_a_restart_fell_into(life: Life) -> None:
    life.absences.on("cam")
    life.absences.update({"cam": [Interruption(cause=AWAY, since_us=None)]})
    life.later(10)
    life.absences.keep()
    life.begin(after_s=5)
    assert life.why(0) == [("camera_offline", 0, 10), ("service_down", 10, 15)]


def test_what_was_recorded_after_the_last_look_hides_what_came_before(life: Life) -> None:
    """The camera came back just before a kill -9, and nobody could write that down."""
    life.absences.on("cam")
    life.absences.update({"cam": [Interruption(cause=AWAY, since_us=None)]})
    life.later(10)
    life.absences.keep()
    life.begin(after_s=50)
    assert life.why(18) == [("service_down", 18, 60)]


def test_off_while_it_was_away(life: Life) -> None:
    life.absences.on("cam")
    life.absences.settled()
    life.later(5)
    life.absences.update({"cam": [Interruption(cause=AWAY, since_us=None)]})
    life.later(5)
    life.absences.off("cam")
    life.later(10)
    assert life.why(0) == [("camera_offline", 0, 10), ("disabled", 10, 20)]


def test_a_worker_that_ends_late_does_not_switch_it_on(life: Life) -> None:
    life.absences.on("cam")
    life.absences.settled()
    life.absences.update({"cam": [Interruption(cause=AWAY, since_us=None)]})
    life.later(10)
    life.absences.off("cam")
    life.later(3)
    life.absences.update({"cam": []})  # it had recorded to its end
    life.later(7)
    assert life.why(13) == [("disabled", 13, 20)]


def test_a_camera_that_is_new(life: Life) -> None:
    life.absences.settled()
    life.later(2)
    assert life.why(0) == [("camera_offline", 0, 2)]


def test_the_first_start_of_all(life: Life) -> None:
    life.later(60)
    assert life.why(0) == [("service_down", 0, 60)]


@pytest.mark.parametrize(
    "damage", [b"", b"[]", b'{"cameras": {"cam": 1}}', b'{"cameras": {}, "alive_us": null}', b"\xff"]
)
def test_a_damaged_file_costs_what_it_told_and_no_recording(life: Life, damage: bytes) -> None:
    life.path.write_bytes(damage)
    life.begin(after_s=10)
    assert life.why(0) == [("service_down", 0, 10)]
    life.absences.keep()
    life.begin()


def test_months_of_restarts_keep_the_file_small(life: Life) -> None:
    life.absences.on("cam")
    life.absences.keep()
    for number in range(200):
        life.begin(after_s=1)
        causes = life.absences.on("cam")
        life.absences.update({"cam": [*causes, Interruption(cause=AWAY, since_us=number)]})
        life.absences.keep()
    assert len(life.absences.on("cam")) < 100
