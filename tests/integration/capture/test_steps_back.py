"""A camera's time that steps back a little: no picture is lost by it, and none is dated by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatehouse_capture import run_session
from gatehouse_common.messages import GapCause, RunStarted
from gatehouse_common.observability.metrics import CAPTURE_UNDECODABLE
from gatehouse_common.testing.film import FilmSpec
from log_kit import logged
from run_kit import Says, fed

SPEC = FilmSpec(frames=120, gop=10, fps=10, width=160, height=96, audio=True)
VIDEO, SOUND = 0, 1


def back(by_s: float, at_s: float) -> Says:
    return lambda due, _track: due - (by_s if due >= at_s else 0)


def left_out() -> float:
    return CAPTURE_UNDECODABLE.labels("cam")._value.get()


@pytest.mark.parametrize("at_s", [0.15, 0.45, 1.0, 1.45])
@pytest.mark.parametrize("by_s", [0.7, 1.8])
def test_a_step_back_before_the_run_loses_no_picture(tmp_path: Path, at_s: float, by_s: float) -> None:
    """The first sender report of a camera may move all times, right after the run has begun."""
    before = left_out()
    with fed(tmp_path, SPEC) as film:
        for sample in film.samples:
            film.send(sample, back(by_s, at_s))
        film.session.end(GapCause.SERVICE_DOWN)
        pictures, heard = film.found(VIDEO), film.found(SOUND)
    assert len(pictures) == SPEC.frames
    assert left_out() == before
    if by_s > at_s:
        assert max(abs(wall - due) for due, wall in pictures) < 0.02
        assert [due for due, _ in sorted(pictures, key=lambda p: p[1])] == sorted(due for due, _ in pictures)
        assert max(abs(wall - due) for due, wall in heard) < 0.15
        assert len(heard) > 0.8 * sum(s.track == SOUND for s in film.samples)


def test_pictures_that_lead_a_runs_first_keyframe_are_left_out_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an open GOP: they refer to what is not there. That is no jump, and no new run begins."""
    entries = logged(monkeypatch, run_session).entries
    before = left_out()
    spec = FilmSpec(codec="hevc", frames=90, gop=15, fps=30, bframes=3, width=160, height=96)
    with fed(tmp_path, spec) as film:
        first = [n for n, s in enumerate(film.samples) if s.sync][1]  # of the second GOP, as one that connects then
        key = film.samples[first]
        leading = sum(s.pts < key.pts for s in film.samples[first:])
        assert leading
        for sample in film.samples[first:]:
            film.send(sample, lambda due, _track: due)
        film.session.end(GapCause.SERVICE_DOWN)
        pictures = film.found(VIDEO)
    assert left_out() - before == leading
    assert len(pictures) == len(film.samples) - first - leading
    assert sum(isinstance(m, RunStarted) for m in film.told) == 1
    assert not entries


def test_more_pictures_than_can_lead_a_keyframe_do_not(tmp_path: Path) -> None:
    """The time steps back with the very first picture after the keyframe."""
    before = left_out()
    spec = FilmSpec(frames=120, gop=60, fps=30, width=160, height=96)
    with fed(tmp_path, spec) as film:
        for sample in film.samples:
            film.send(sample, back(1.5, 0.02))
        film.session.end(GapCause.SERVICE_DOWN)
        walls = sorted(wall for _, wall in film.found(VIDEO))
    assert left_out() - before == 16
    assert walls == pytest.approx([0.0, *(n / spec.fps for n in range(17, spec.frames))], abs=0.02)


def test_a_step_back_within_a_run_misdates_a_few_pictures_only_and_holds_up_as_many(tmp_path: Path) -> None:
    """Pictures may be reordered: that it was a step is known by the seventeenth; what follows is dated by arrival."""
    spec = FilmSpec(frames=240, gop=240, fps=30, width=160, height=96)
    with fed(tmp_path, spec) as film:
        for sample in film.samples:
            film.send(sample, back(1.8, 4))
        recorder = film.session._recorder
        assert recorder is not None
        assert len(recorder._order._times) <= 16
        film.session.end(GapCause.SERVICE_DOWN)
        walls = sorted(wall for _, wall in film.found(VIDEO))
    assert len(walls) == spec.frames
    due = [n / spec.fps for n in range(spec.frames)]
    assert sum(min(abs(wall - at) for wall in walls) > 0.02 for at in due) == 16
