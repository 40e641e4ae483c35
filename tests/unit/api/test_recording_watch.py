"""Who is not recorded is seen where the index does not know it: what the process says of itself counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatehouse_api.recording_watch import RecordingWatch
from gatehouse_common.clock import SECOND
from gatehouse_common.db import Camera, CameraRepository
from gatehouse_common.messages import CameraState, CameraStatus, GapCause
from gatehouse_common.observability.metrics import RECORDING_ALARM
from gatehouse_common.runtime import Check, Core
from gatehouse_common.settings import load
from gatehouse_common.testing.clock import FakeClock


class Site:
    """A camera in an index, and what the process says."""

    def __init__(self, data: Path) -> None:
        self.clock, self.said = FakeClock(), list[Check]()
        self.core = Core.open(load({"data_dir": str(data), "broker_url": "memory:"}, environ={}), self.clock)
        self.core.db.upgrade()
        self.cameras = CameraRepository(self.core.db)
        self.cameras.add(Camera("gate", "synthetic:", created_us=self.clock.now_us()))
        self.watch = RecordingWatch(self.core, lambda: self.said)

    def report(self, state: CameraState, cause: GapCause | None = None) -> None:
        now = self.clock.now_us()
        self.cameras.report(CameraStatus(camera="gate", time_us=now, state=state, since_us=now, cause=cause))

    def look(self) -> tuple[str, str | None, float]:
        self.clock.advance(SECOND)
        self.watch.look()
        seen = self.watch.seen(self.cameras.get("gate"))
        return seen.state, seen.state_cause, RECORDING_ALARM.labels("gate")._value.get()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_what_the_process_says_comes_before_what_the_index_knows(site: Site) -> None:
    """R3, S0-37: messages may wait for room on the very disk that is full."""
    site.report(CameraState.RECORDING)
    assert site.look() == ("recording", None, 0)
    site.said = [
        Check("camera gate", ok=False, detail="the disk is full", cause="storage_full"),
        Check("bus", ok=False),
    ]
    began = site.clock.now_us()
    assert site.look() == ("reconnecting", "storage_full", 1)
    site.look()
    seen = site.watch.seen(site.cameras.get("gate"))
    assert seen.state_detail == "the disk is full"
    assert seen.state_since_us == began + SECOND, "since it was seen first"
    site.said = [Check("camera gate", ok=True)]
    assert site.look() == ("recording", None, 0)


def test_what_the_index_knows_is_told_as_it_is(site: Site) -> None:
    site.report(CameraState.RECONNECTING, GapCause.CAMERA_OFFLINE)
    assert site.look() == ("reconnecting", "camera_offline", 1)
    site.report(CameraState.ENDED, GapCause.DISABLED)
    assert site.look() == ("ended", "disabled", 0)
    site.report(CameraState.FAILED, GapCause.CAMERA_OFFLINE)
    assert site.look()[2] == 1
    site.cameras.change("gate", enabled=False)
    assert site.look()[2] == 0


def test_a_camera_that_was_just_added_has_a_moment(site: Site) -> None:
    assert site.look() == ("starting", None, 0)
    site.clock.advance(8 * SECOND)
    assert site.look() == ("starting", None, 1)


def test_a_camera_that_is_gone_leaves_no_alarm(site: Site) -> None:
    site.report(CameraState.RECONNECTING, GapCause.CAMERA_OFFLINE)
    site.look()
    site.cameras.remove("gate")
    site.watch.look()
    assert ("gate",) not in RECORDING_ALARM._metrics
