"""Files of recorder sessions, by the burned-in numbers of their frames."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from clip_kit import FPS, FilmCamera, at_work
from gatehouse_common.accounts import Role
from gatehouse_common.clock import SECOND
from gatehouse_common.db import RecorderSessions, SessionChunk, Users
from gatehouse_common.intervals import Interval
from gatehouse_common.runtime import Core
from gatehouse_common.testing.film import frame_numbers
from pipeline_kit import START_US, add_camera, core_at
from running import wait_for


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data") as opened:
        add_camera(opened)
        yield opened


def at(number: float) -> int:
    """When a frame of the first run is on the screen."""
    return START_US + round(number * SECOND / FPS)


def begin(core: Core, first: float, last: float, chunk_s: int) -> int:
    user = Users(core.db).add("Ann", Role.OPERATOR, START_US)
    span = Interval(at(first), at(last))
    return RecorderSessions(core.db).begin(user.number, user.name, "cam", span, chunk_s).number


def stored(core: Core, count: int) -> list[SessionChunk]:
    def found() -> list[SessionChunk]:
        chunks = RecorderSessions(core.db).chunks()
        return chunks if len(chunks) >= count else []

    return wait_for(f"{count} files", found, 20)


def shown(core: Core, chunk: SessionChunk) -> list[int]:
    return [number for number, _ in frame_numbers(core.store.read(chunk.key))]


def test_the_files_of_a_session_follow_on_each_other_to_the_frame(core: Core) -> None:
    """S0-2, S0-3, S0-7: no frame is in two of them, and none between them is missing, wherever keyframes are."""
    camera = FilmCamera(core.data_dir, core.bus.publish)
    begin(core, 53.5, 203, 4)
    with at_work(core):
        camera.advance(at(120))
        first = stored(core, 1)
        assert [c.position for c in first] == [1], "the others have not been recorded yet"
        camera.advance(at(260))
        chunks = stored(core, 4)
        camera.stop()
    numbers = [shown(core, c) for c in chunks]
    assert numbers[0][0] == 53, "the frame that is on the screen when it begins"
    assert [n for one in numbers for n in one] == list(range(53, 203))
    assert [len(one) for one in numbers] == [41, 40, 40, 29]
    assert all(a.end_us == b.start_us for a, b in pairwise(chunks))
    assert all(c.detail == "" and c.bytes > 0 and c.width == 160 for c in chunks)
    assert [c.key.rpartition("_")[2] for c in chunks] == ["1.mp4", "2.mp4", "3.mp4", "4.mp4"]


def test_a_session_that_is_stopped_keeps_what_was_recorded(core: Core) -> None:
    """S0-5: the last file is what there is of it, and plays."""
    camera = FilmCamera(core.data_dir, core.bus.publish)
    number = begin(core, 10, 410, 10)
    with at_work(core):
        camera.advance(at(160))
        RecorderSessions(core.db).stop(number, at(147))
        camera.advance(at(240))
        chunks = stored(core, 2)
        camera.stop()
    assert [n for c in chunks for n in shown(core, c)] == list(range(10, 147))
    assert RecorderSessions(core.db).planned(lambda _: True) == []


def test_what_is_not_recorded_is_told_and_the_rest_is_there(core: Core) -> None:
    """A camera that is away for the second file costs that one; the third is whole."""
    camera = FilmCamera(core.data_dir, core.bus.publish)
    begin(core, 0, 300, 10)
    with at_work(core):
        camera.advance(at(90))
        camera.reconnect(at(210))
        camera.advance(at(210) + 11 * SECOND)
        chunks = stored(core, 2)
        camera.stop()
    assert "not recorded" in chunks[0].detail
    assert {c.position for c in chunks} == {1, 3}
    with core.db.look():
        failed = RecorderSessions(core.db).planned(lambda _: True)
    assert failed == []
