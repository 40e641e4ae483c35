"""A busy camera does not starve the others, and what is too much goes, the oldest first."""

from __future__ import annotations

import threading

import pytest

from gatehouse_common.messages import FrameSampled
from gatehouse_common.observability.metrics import DETECTOR_FRAMES, MESSAGES_DROPPED
from gatehouse_detector.answers import Answer
from gatehouse_detector.intake import Intake, Picture

RUN = "01900000-0000-7000-8000-000000000001"
LATER = "01900000-0000-7000-8000-000000000002"
DONE = Answer("analysed")


def picture(camera: str, pts: int, *, x: int = 0, run: str = RUN, told: list[Picture] | None = None) -> Picture:
    message = FrameSampled(
        camera=camera,
        time_us=pts,
        run=run,
        pts=pts,
        x=x,
        y=0,
        width=100,
        height=100,
        picture_width=1920,
        picture_height=1080,
    )
    return Picture(b"", "", lambda p, _: told.append(p) if told is not None else None, message)


def counted(camera: str, outcome: str) -> float:
    return DETECTOR_FRAMES.labels(camera, outcome)._value.get()


def taken(intake: Intake) -> list[tuple[str, int, int]]:
    found = []
    while (one := intake.take()) is not None:
        assert one.message is not None
        found.append((one.camera, one.message.pts, one.message.x))
    return found


def test_cameras_have_their_turns() -> None:
    intake = Intake(100)
    for pts in range(6):
        intake.put(picture("busy", pts))
    intake.put(picture("quiet", 0))
    intake.put(picture("other", 0))
    assert [camera for camera, _, _ in taken(intake)][:4] == ["busy", "quiet", "other", "busy"]


def test_what_is_too_much_goes_from_who_has_most_the_oldest_first() -> None:
    before, dropped = counted("flood", "skipped"), MESSAGES_DROPPED.labels(FrameSampled.TYPE)._value.get()
    intake = Intake(8)
    for pts in range(100):
        intake.put(picture("flood", pts))
    for pts in range(3):
        intake.put(picture("calm", pts))
    found = taken(intake)
    assert [pts for camera, pts, _ in found if camera == "calm"] == [0, 1, 2]
    assert [pts for camera, pts, _ in found if camera == "flood"] == [95, 96, 97, 98, 99]
    assert counted("flood", "skipped") - before == 95
    assert counted("calm", "skipped") == 0
    assert MESSAGES_DROPPED.labels(FrameSampled.TYPE)._value.get() - dropped == 95


def test_regions_of_a_frame_stay_together_and_in_order() -> None:
    intake = Intake(100)
    for pts in (0, 9000):
        for x in (0, 500, 900):
            intake.put(picture("cam", pts, x=x))
    assert taken(intake) == [("cam", pts, x) for pts in (0, 9000) for x in (0, 500, 900)]


def test_a_little_disorder_is_put_right() -> None:
    intake = Intake(100)
    for pts in (18000, 0, 9000):
        intake.put(picture("cam", pts))
    assert [pts for _, pts, _ in taken(intake)] == [0, 9000, 18000]


def test_what_has_been_here_or_is_far_too_old_is_passed_over() -> None:
    before = counted("past", "late")
    intake = Intake(100)
    for pts in (900_000, 900_000, 890_000, 700_000):
        intake.put(picture("past", pts))
        intake.put(picture("past", pts, x=1)) if pts == 900_000 else None
        taken_now = intake.take() if pts == 900_000 else None
        assert taken_now is None or taken_now.message is not None
    assert counted("past", "late") - before == 3, "twice what came twice, and what is two seconds old"
    intake.put(picture("past", 0, run=LATER))
    assert [pts for _, pts, _ in taken(intake)] == [890_000, 0]
    intake.put(picture("past", 950_000))
    assert taken(intake) == []


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_answers_come_in_the_order_of_the_pictures(order: list[int]) -> None:
    intake, told = Intake(100), list[Picture]()
    for pts in range(3):
        intake.put(picture("cam", pts, told=told))
    pictures = [intake.take() for _ in range(3)]
    for k in order:
        one = pictures[k]
        assert one is not None
        assert not intake.is_idle("cam")
        intake.finish(one, DONE)
    assert [p.message.pts for p in told if p.message] == [0, 1, 2]
    assert intake.is_idle("cam")


def test_whoever_waits_is_woken() -> None:
    intake = Intake(100)
    found: list[bool] = []
    waiting = threading.Thread(target=lambda: found.append(intake.wait(10)))
    waiting.start()
    intake.put(picture("cam", 0))
    waiting.join(5)
    assert found == [True]
    intake.take()
    assert not intake.wait(0.01)
    ending = threading.Thread(target=lambda: found.append(intake.wait(10)))
    ending.start()
    intake.close()
    ending.join(5)
    assert found == [True, False]


def test_what_somebody_waits_for_is_next_and_has_a_bound() -> None:
    intake = Intake(100)
    intake.put(picture("cam", 0))
    asked = [Picture(b"", "", lambda *_: None) for _ in range(20)]
    assert [intake.ask(one) for one in asked].count(True) == 16
    assert intake.take() is asked[0]


def test_the_pictures_of_a_camera_that_is_anothers_are_let_go() -> None:
    intake = Intake(4)
    for pts in range(4):
        intake.put(picture("gone", pts))
    intake.forget("gone")
    for pts in range(4):
        intake.put(picture("cam", pts))
    assert [camera for camera, _, _ in taken(intake)] == ["cam"] * 4
