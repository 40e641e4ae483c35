"""Who is not recorded is seen where the index does not know it: what the process says of itself counts."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from gatehouse_api.recording_watch import RecordingWatch
from gatehouse_common.clock import SECOND, Clock, SystemClock
from gatehouse_common.db import Camera, CameraRepository
from gatehouse_common.messages import CameraState, CameraStatus, GapCause
from gatehouse_common.observability.metrics import RECORDING_ALARM, RECORDING_WANTED
from gatehouse_common.runtime import Check, Core
from gatehouse_common.settings import load
from gatehouse_common.testing.clock import FakeClock
from running import wait_for


class Site:
    """A camera in an index, and what the process says."""

    def __init__(self, data: Path, clock: Clock | None = None) -> None:
        self.fake, self.said = FakeClock(), list[Check]()
        self.clock = clock or self.fake
        self.core = Core.open(load({"data_dir": str(data), "broker_url": "memory:"}, environ={}), self.clock)
        self.core.db.upgrade()
        self.cameras = CameraRepository(self.core.db)
        self.cameras.add(Camera("gate", "synthetic:", created_us=self.clock.now_us()))
        self.watch = RecordingWatch(self.core, lambda: self.said)

    def report(self, state: CameraState, cause: GapCause | None = None) -> None:
        now = self.clock.now_us()
        self.cameras.report(CameraStatus(camera="gate", time_us=now, state=state, since_us=now, cause=cause))

    def look(self) -> tuple[str, str | None, float]:
        self.fake.advance(SECOND)
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
    assert RECORDING_WANTED.labels("gate")._value.get() == 0
    site.report(CameraState.FAILED, GapCause.CAMERA_OFFLINE)
    assert site.look()[2] == 1
    assert RECORDING_WANTED.labels("gate")._value.get() == 1
    site.cameras.change("gate", enabled=False)
    assert site.look()[2] == 0
    assert RECORDING_WANTED.labels("gate")._value.get() == 0
    site.cameras.remove("gate")
    site.watch.look()
    assert ("gate",) not in RECORDING_WANTED._metrics


def test_a_camera_that_was_just_added_has_a_moment(site: Site) -> None:
    assert site.look() == ("starting", None, 0)
    site.fake.advance(8 * SECOND)
    assert site.look() == ("starting", None, 1)


def test_a_camera_that_is_gone_leaves_no_alarm(site: Site) -> None:
    site.report(CameraState.RECONNECTING, GapCause.CAMERA_OFFLINE)
    site.look()
    site.cameras.remove("gate")
    site.watch.look()
    assert ("gate",) not in RECORDING_ALARM._metrics


def test_who_records_has_failed_and_says_nothing_of_its_cameras_any_more(site: Site) -> None:
    """S1-17: the index goes on to say that a camera is recorded, and no worker is left to say that it is not."""
    site.report(CameraState.RECORDING)
    site.said = [Check("camera gate", ok=True)]
    assert site.look() == ("recording", None, 0)
    site.said = [Check("capture", ok=False, detail="the disk is gone")]
    seen = [site.look() for _ in range(5)]
    assert seen[0] == ("recording", None, 0), "it may be beginning"
    assert seen[-1] == ("reconnecting", "service_down", 1)
    assert "has failed" in site.watch.seen(site.cameras.get("gate")).state_detail
    site.said = [Check("camera gate", ok=True)]
    assert site.look() == ("recording", None, 0)
    site.cameras.change("gate", enabled=False)
    site.said = []
    assert [site.look()[2] for _ in range(5)] == [0] * 5, "one that is off misses nobody"


def test_an_index_that_does_not_answer_keeps_no_alarm_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S1-17: it may be on the disk that does not take what the camera sends either."""
    site, answers, stop = Site(tmp_path, SystemClock()), threading.Event(), threading.Event()
    site.report(CameraState.RECORDING)
    site.said = [Check("camera gate", ok=True)]
    alarm, read = RECORDING_ALARM.labels("gate"), CameraRepository.list

    def hanging(cameras: CameraRepository) -> list[Camera]:
        answers.wait()
        return read(cameras)

    watching = threading.Thread(target=site.watch.run, args=(stop,))
    watching.start()
    try:
        wait_for("a first look", lambda: site.watch._known and alarm._value.get() == 0)
        monkeypatch.setattr(CameraRepository, "list", hanging)
        site.said = [Check("camera gate", ok=False, detail="the disk does not answer", cause="storage_full")]
        wait_for("the alarm", lambda: alarm._value.get() == 1, 5)
    finally:
        answers.set()
        stop.set()
        watching.join(5)
