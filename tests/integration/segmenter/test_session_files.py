"""Files of recorder sessions, by the burned-in numbers of their frames."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from clip_kit import FPS, FilmCamera, at_work, left_open_by_a_dead_worker, settled
from gatehouse_common.accounts import Role
from gatehouse_common.clock import SECOND
from gatehouse_common.db import (
    Camera,
    CameraRepository,
    Deletions,
    FootageReader,
    FootageWriter,
    HoldRepository,
    RecorderSessions,
    SessionChunk,
    SessionTrash,
    Users,
)
from gatehouse_common.errors import GatehouseError, ResourceExhausted, Unavailable
from gatehouse_common.footage import Library
from gatehouse_common.intervals import Interval
from gatehouse_common.runtime import Core, PageSettings
from gatehouse_common.storage import keys
from gatehouse_common.testing.film import frame_numbers
from gatehouse_segmenter.session_cutter import SessionCutter
from pipeline_kit import START_US, add_camera, core_at, spool_files
from retention_kit import hold
from running import wait_for
from small_disk import small_disk


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data") as opened:
        add_camera(opened)
        yield opened


def at(number: float) -> int:
    """When a frame of the first run is on the screen."""
    return START_US + round(number * SECOND / FPS)


def begin(core: Core, first: float, last: float, chunk_s: int, who: str = "Ann") -> int:
    user = Users(core.db).add(who, Role.OPERATOR, START_US)
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


def test_where_only_clips_are_kept_a_session_has_its_footage(tmp_path: Path) -> None:
    """S0-2, S2-22: chunks wait until the last file is cut of them, then they go."""
    settings = {"clips.pre_seconds": "1", "clips.post_seconds": "1", "clips.late_seconds": "1"}
    with core_at(tmp_path / "data", **settings) as core:
        CameraRepository(core.db).add(
            Camera(id="cam", url="synthetic:", created_us=START_US - 60 * SECOND, settings={"keep": "events"})
        )
        camera = FilmCamera(core.data_dir, core.bus.publish, chunk_us=4 * SECOND)
        begin(core, 50, 350, 30)
        with at_work(core):
            camera.advance(at(340))
            time.sleep(4)
            assert len(spool_files(core.data_dir)) >= 8, "of the thirty seconds that a file is to have, nothing is gone"
            camera.advance(at(400))
            (chunk,) = stored(core, 1)
            camera.stop()
            wait_for("the chunks to go", lambda: not spool_files(core.data_dir), 20)
        assert shown(core, chunk) == list(range(50, 350))


def test_a_file_that_two_make_is_there_once(core: Core) -> None:
    """S0-3: at a hand-over both cut it; what the row names is there, and no other object."""
    camera = FilmCamera(core.data_dir, core.bus.publish)
    begin(core, 10, 60, 30)
    sessions = RecorderSessions(core.db)
    (planned,) = sessions.planned(lambda _: True)
    with at_work(core):
        camera.advance(at(120))
        (chunk,) = stored(core, 1)
        library = Library(core, 0)
        cutter = SessionCutter(core, sessions, library)
        late = cutter.cut(planned)
        assert not sessions.made(late)
        cutter.take_back(late)
        SessionTrash(core.db).put(chunk.number, START_US)
        assert not sessions.made(cutter.cut(planned))
        (decided,) = Deletions(core.db).mark_session_files([chunk.id], "asked", START_US)
        cutter.take_back(cutter.cut(planned))
        assert core.store.stat(chunk.key), "what was decided on may be held by now: only the janitor deletes it"
        HoldRepository(core.db).place(hold(camera="cam"))
        assert Deletions(core.db).give_back(START_US, 1) == [decided]
        camera.stop()
        library.close()
    assert [info.key for info in core.store.list(keys.SESSIONS)] == [chunk.key]
    assert shown(core, chunk) == list(range(10, 60))


def test_a_folder_that_became_a_link_is_not_followed(core: Core, tmp_path: Path) -> None:
    """C-12: after the path was set as well: nothing is written outside of the store, and the file is not lost."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (core.data_dir / "sessions").mkdir()
    (core.data_dir / "sessions" / "front").symlink_to(outside)
    PageSettings(core).save({"sessions.path": "front/{id}"})
    camera = FilmCamera(core.data_dir, core.bus.publish)
    begin(core, 10, 60, 30)
    with at_work(core):
        camera.advance(at(120))
        sessions = RecorderSessions(core.db)
        wait_for("an answer", lambda: not sessions.planned(lambda _: True), 20)
        camera.stop()
    stored = sessions.any_state(1)
    assert stored.state == "stored"
    assert stored.key.startswith("sessions/2024-05-17/session_")
    assert shown(core, stored)
    assert list(outside.iterdir()) == []


def test_what_another_made_of_more_footage_is_let_be(core: Core) -> None:
    """S0-3, S2-43: whose row comes first, that one's object stays, as it is; the other's goes."""
    camera = FilmCamera(core.data_dir, core.bus.publish, chunk_us=4 * SECOND)
    with at_work(core):
        camera.advance(at(160))
        camera.stop()
        settled(core)
    begin(core, 10, 110, 30)
    sessions, library = RecorderSessions(core.db), Library(core, 0)
    cutter, (planned,) = SessionCutter(core, sessions, library), sessions.planned(lambda _: True)
    whole = cutter.cut(planned)
    before = core.store.stat(whole.key), core.store.read(whole.key)
    (last,) = [c for c in FootageReader(core.db).find_chunks("cam", at(80), at(110)) if c.start_us >= at(80)]
    FootageWriter(core.db).forget_chunk(last.id)  # as it is for who does not know of it yet
    less = cutter.cut(planned)
    library.close()
    assert (less.key, less.frames) == (whole.key.replace(".mp4", "-2.mp4"), 70)
    assert (core.store.stat(whole.key), core.store.read(whole.key)) == before
    assert sessions.made(whole)
    assert not sessions.made(less)
    cutter.take_back(less)
    cutter.take_back(whole)
    (row,) = sessions.chunks()
    assert [info.key for info in core.store.list(keys.SESSIONS)] == [row.key] == [whole.key]
    assert shown(core, row) == list(range(10, 110))


@pytest.mark.parametrize("newest", [True, False], ids=["which records now", "which recorded before"])
def test_a_file_waits_for_a_worker_that_is_away_and_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, newest: bool
) -> None:
    """S2-43: it waits by itself; when it has waited for long, it is made of what there is, and says so."""
    with core_at(tmp_path / "data", **{"service.token": "token"}) as core:
        add_camera(core)
        lost = (100, 160) if newest else (0, 60)
        left_open_by_a_dead_worker(core, at(lost[0]), at(lost[1]))
        camera = FilmCamera(core.data_dir, core.bus.publish, start_us=START_US if newest else at(80))
        sessions, hers = RecorderSessions(core.db), begin(core, 10, 150, 30)
        with at_work(core):
            camera.advance(at(100 if newest else 400))
            if newest:
                camera.stop()
            else:
                begin(core, 200, 300, 30, "Bob")
                (other,) = stored(core, 1)
                assert shown(core, other) == list(range(200 - 80, 300 - 80)), "what waits holds up nobody else"
            settled(core)
            time.sleep(3)
            waiting = [c.session for c in sessions.planned(lambda _: True)]
            assert waiting == [hers], "it is neither made of less, nor failed"
            monkeypatch.setattr("gatehouse_segmenter.clip_waits._PATIENCE_US", SECOND)
            wait_for("the file", lambda: sessions.chunks(session=hers), 30)
            (chunk,) = sessions.chunks(session=hers)
    assert shown(core, chunk) == (list(range(10, 100)) if newest else list(range(150 - 80)))
    assert "of it are missing" in chunk.detail
    assert "waited for in vain: http://127.0.0.1:9" in chunk.detail


def test_a_file_waits_for_room_in_the_store(tmp_path: Path) -> None:
    """S2-41: on a disk that is full nothing of it is lost; as soon as there is room it is stored."""
    with (
        small_disk(tmp_path / "disk", 8) as disk,
        core_at(tmp_path / "data", storage_url=f"file://{disk.root}") as core,
    ):
        if not disk.real:
            pytest.skip("no file system can be mounted here")
        add_camera(core)
        camera = FilmCamera(core.data_dir, core.bus.publish)
        begin(core, 10, 110, 5)
        disk.fill()
        with at_work(core):
            camera.advance(at(200))
            assert_it_waits(core, 2)
            disk.clear()
            chunks = stored(core, 2)
            camera.stop()
            settled(core)
        assert [n for c in chunks for n in shown(core, c)] == list(range(10, 110))


@pytest.mark.parametrize("error", [Unavailable, ResourceExhausted])
def test_a_file_waits_for_a_store_that_takes_none(
    core: Core, monkeypatch: pytest.MonkeyPatch, error: type[GatehouseError]
) -> None:
    """S2-41: and then it is stored, whole."""

    def away(*_: object) -> None:
        raise error("the store takes nothing")

    camera = FilmCamera(core.data_dir, core.bus.publish)
    begin(core, 10, 110, 5)
    with at_work(core):
        with monkeypatch.context() as patch:
            patch.setattr(core.store, "put", away)
            camera.advance(at(200))
            assert_it_waits(core, 2)
        chunks = stored(core, 2)
        camera.stop()
    assert [n for c in chunks for n in shown(core, c)] == list(range(10, 110))


def assert_it_waits(core: Core, files: int) -> None:
    """Let the store be met a few times: nothing is made, and nothing is given up."""
    time.sleep(3)
    found = [RecorderSessions(core.db).any_state(number) for number in range(1, files + 1)]
    assert [(c.state, c.detail) for c in found] == [("planned", "")] * files
    assert list(core.store.list(keys.SESSIONS)) == []


def test_one_that_cannot_be_cut_does_not_stop_the_others(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """S0-6: whatever is wrong with one file, it says so in the end, and others are made."""
    cut = SessionCutter.cut

    def poisoned(self: SessionCutter, chunk: SessionChunk, *, partial: bool = False) -> SessionChunk:
        if chunk.position == 1:
            raise KeyError("odd media")
        return cut(self, chunk, partial=partial)

    monkeypatch.setattr(SessionCutter, "cut", poisoned)
    camera = FilmCamera(core.data_dir, core.bus.publish)
    begin(core, 10, 110, 5)
    with at_work(core):
        camera.advance(at(200))
        (second,) = stored(core, 1)
        camera.stop()
    assert shown(core, second) == list(range(60, 110))
    first = RecorderSessions(core.db).any_state(1)
    assert (first.state, "KeyError" in first.detail) == ("failed", True)


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
