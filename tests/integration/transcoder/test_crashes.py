"""A worker dies at the worst moments: whoever has its job next goes on, and nothing is there twice or lost."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from gatehouse_common.clock import SECOND, SystemClock
from gatehouse_common.db import Database, JobQueue, JobRepository, MediaFile
from gatehouse_common.db.job_queue import MOST_TRIES, tries
from gatehouse_common.db.media_models import MediaRow
from gatehouse_common.db.media_records import MEDIA_KINDS, PROCESS
from gatehouse_common.db.media_work import MediaWork
from gatehouse_common.errors import DataLoss, ResourceExhausted, Unavailable
from gatehouse_common.retention import reserve_bytes
from gatehouse_common.runtime import Core
from gatehouse_common.settings import load
from gatehouse_common.settings.transcoder import TranscoderSettings
from gatehouse_common.storage import keys
from gatehouse_transcoder import hand
from gatehouse_transcoder.children import Limits
from gatehouse_transcoder.hand import Hand
from gatehouse_transcoder.pipeline import STAGES, Stage
from gatehouse_transcoder.program import find_program
from gatehouse_transcoder.room import Room
from gatehouse_transcoder.work import Tools, Work
from media_jobs_kit import browser_film, files, media, upload

QUIET = TranscoderSettings(hardware=False)


class Killed(BaseException):
    """What `kill -9` does to a worker: nothing that it would have done happens any more."""


class Dying:
    """A store, or a draft of it, in whose hands the worker dies as soon as an operation of a name is done."""

    def __init__(self, real: Any, name: str, times: int) -> None:
        self._real, self._name, self._times = real, name, times

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if name == "draft" and self._name == "publish":
            return lambda *words: Dying(found(*words), self._name, self._times)
        return self._dying(found) if name == self._name else found

    def _dying(self, do: Callable[..., Any]) -> Callable[..., Any]:
        def done(*words: Any, **named: Any) -> Any:
            result = do(*words, **named)
            self._times -= 1
            if self._times == 0:
                raise Killed
            return result

        return done


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    settings = {"data_dir": str(tmp_path / "data"), "broker_url": "memory:", "auth.mode": "open"}
    opened = Core.open(load({**settings, "transcoder.compress": "none"}, config=None))
    opened.db.upgrade()
    yield opened
    opened.close()


def tools() -> Tools:
    program = find_program(QUIET, SystemClock(), lambda: None)
    return Tools(program, Limits.of(QUIET), Limits.of_probe(QUIET))


def test_of_what_has_been_deleted_nothing_is_made(core: Core, tmp_path: Path) -> None:
    """S4-21: in the midst of it; whoever has the job next ends it."""
    queue = JobQueue(core.db, MEDIA_KINDS)
    one, job = upload(core, browser_film(1, "160x120"))
    first = queue.take(job, "first", core.clock.now_us())
    assert first is not None
    with core.db.begin() as c:
        c.execute(update(MediaRow).values(state="deleted"))
    work = Hand(core, tools(), first, threading.Event(), {})
    assert not MediaWork(core.db).learn(first, one.number, stage="merging")
    work.do(tmp_path / "first")
    assert JobRepository(core.db).get(job.id).state == "done"
    assert (files(core, one.number), media(core, one.number).state) == ({}, "deleted")
    assert list(core.store.list(one.folder)) == []


@pytest.mark.parametrize(
    ("operation", "times"),
    [("publish", 1), ("keep", 1), ("delete_many", 1), ("put_file", 1), ("put_file", 3)],
    ids=["original-no-row", "pieces-still-there", "pieces-gone-rows-there", "playable-no-row", "sprite-no-row"],
)
def test_whoever_has_the_job_next_goes_on(
    core: Core, operation: str, times: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S4-5, S4-19: byte for byte, each file once."""
    film, queue = browser_film(1, "160x120"), JobQueue(core.db, MEDIA_KINDS)
    one, job = upload(core, film, piece_bytes=9000)
    first = queue.take(job, "first", core.clock.now_us())
    assert first is not None
    dying = replace(core, store=Dying(core.store, operation, times))
    with monkeypatch.context() as patched:
        if operation == "keep":
            patched.setattr(MediaWork, "keep", dying.store._dying(MediaWork.keep))  # type: ignore[attr-defined]
        with pytest.raises(Killed):
            Hand(dying, tools(), first, threading.Event(), {}).do(tmp_path / "first")
    left = JobRepository(core.db).get(job.id)
    assert (left.state, left.owner) == ("running", "first")
    had = files(core, one.number)
    second = queue.take(left, "second", core.clock.now_us())
    assert second is not None
    Hand(core, tools(), second, threading.Event(), {}).do(tmp_path / "second")
    assert JobRepository(core.db).get(job.id).state == "done"
    found = files(core, one.number)
    assert set(found) == {("original", ""), ("playable", ""), ("thumbnail", ""), ("sprite", "")}
    assert {key: found[key] for key in had} == had  # what had a row was not made again
    assert core.store.read(found["original", ""].key) == film
    assert media(core, one.number).state == "ready"
    assert list(core.store.list("incoming/")) == []
    assert MediaWork(core.db).pieces(MediaWork(core.db).upload(str(one.upload))) == []
    named = {file.key for file in found.values()}
    named.add(keys.media_description(one.folder))
    unnamed = {info.key for info in core.store.list(one.folder)} - named
    assert len(unnamed) == (operation == "put_file")  # and that one the janitor finds
    assert list(tmp_path.glob("first/*")) == []


@pytest.mark.parametrize("left", ["whole", "other bytes"])
def test_an_original_whose_row_was_lost_is_taken_for_what_it_is(core: Core, left: str, tmp_path: Path) -> None:
    """S4-5: a power cut took the last of the index, and the pieces were deleted already; only what is it is taken."""
    film, queue = browser_film(1, "160x120"), JobQueue(core.db, MEDIA_KINDS)
    one, job = upload(core, film, piece_bytes=9000)
    held = film if left == "whole" else film[:-1] + b"?"
    core.store.put_bytes(f"{one.folder}original.webm", held)
    core.store.delete_many([info.key for info in core.store.list("incoming/")])
    mine = queue.take(job, "first", core.clock.now_us())
    assert mine is not None
    Hand(core, tools(), mine, threading.Event(), {}).do(tmp_path / "first")
    found = files(core, one.number)
    if left == "whole":
        assert core.store.read(found["original", ""].key) == film
        assert media(core, one.number).state == "ready"
        assert media(core, one.number).digest == hashlib.sha256(film).hexdigest()
    else:
        assert found == {}
        assert media(core, one.number).state == "failed"


def test_a_medium_is_finished_without_what_it_can_do_without(
    core: Core, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S4-14, S4-18: the smaller film's program is killed each time, the pictures fail; the job says so."""

    def fail(_work: Work) -> None:
        raise DataLoss("not one picture can be decoded")

    *others, pictures, smaller = STAGES[PROCESS]
    assert (pictures.name, pictures.optional) == ("picturing", True)
    monkeypatch.setitem(STAGES, PROCESS, (*others, replace(pictures, do=fail), smaller))
    settings = {"data_dir": str(tmp_path / "own"), "broker_url": "memory:", "auth.mode": "open"}
    own = Core.open(load(settings, config=None))
    own.db.upgrade()
    real = tools()
    script = tmp_path / "ffmpeg"
    kill = 'for word in "$@"; do [ "$word" = libx264 ] && kill -9 $$; done'
    script.write_text(f'#!/bin/sh\n{kill}\nexec {real.program.path} "$@"\n')
    script.chmod(0o755)
    killed = replace(real, program=replace(real.program, path=str(script)))
    queue = JobQueue(own.db, MEDIA_KINDS)
    one, job = upload(own, browser_film(1, "160x120"))
    for turn in range(MOST_TRIES):
        assert job.state == "queued"
        mine = queue.take(job, f"turn {turn}", own.clock.now_us())
        assert mine is not None
        Hand(own, killed, mine, threading.Event(), {}).do(tmp_path / "work")
        job = JobRepository(own.db).get(job.id)
    said = {"picturing": "not one picture can be decoded", "compressed": "ffmpeg was ended by signal 9"}
    assert (job.state, job.result, media(own, one.number).state) == ("done", said, "ready")
    assert set(files(own, one.number)) == {("original", ""), ("playable", "")}
    own.close()


@pytest.mark.parametrize("when", ["while it works", "when it is done"])
def test_an_index_that_is_away_for_longer_is_no_try_of_a_job(
    core: Core, when: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S4-18: it is put back, or ended, as soon as the index answers."""
    queue, begin, away = JobQueue(core.db, MEDIA_KINDS), Database.begin, threading.Event()

    def refuse_while_away(self: Database, *, durable: bool = False) -> Any:
        if away.is_set():
            raise Unavailable("the index does not answer")
        return begin(self, durable=durable)

    def work(one: Work) -> None:
        away.set()
        threading.Timer(3.5, away.clear).start()
        while when == "while it works":
            one.check()
            time.sleep(0.05)

    monkeypatch.setattr(Database, "begin", refuse_while_away)
    monkeypatch.setattr(hand, "_ALONE_US", SECOND)
    monkeypatch.setitem(STAGES, PROCESS, (Stage("merging", work),))
    _, job = upload(core, browser_film(0.5, "160x120"))
    mine = queue.take(job, "first", core.clock.now_us())
    assert mine is not None
    Hand(core, tools(), mine, threading.Event(), {}).do(tmp_path / "work")
    now = JobRepository(core.db).get(job.id)
    assert (now.state, now.owner) == ("queued" if when == "while it works" else "done", None)
    assert tries(now) == 0


def test_a_job_does_not_wait_for_room_for_ever(core: Core, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S4-18: after many times it has failed, with the reason; what is away is waited for, as long as it takes."""

    def find_no_room(_work: Work) -> None:
        raise ResourceExhausted("the disk is full")

    queue = JobQueue(core.db, MEDIA_KINDS)
    monkeypatch.setitem(STAGES, PROCESS, (Stage("merging", find_no_room),))
    _, job = upload(core, browser_film(0.5, "160x120"))
    waits: dict[str, int] = {}
    for turn in range(21):
        assert (job.state, waits.get(job.id, 0)) == ("queued", turn)
        mine = queue.take(job, f"turn {turn}", core.clock.now_us())
        assert mine is not None
        Hand(core, tools(), mine, threading.Event(), waits).do(tmp_path / "work")
        job = JobRepository(core.db).get(job.id)
    assert (job.state, job.detail) == ("failed", "the disk is full; it has waited 20 times")
    assert waits == {}


@pytest.mark.parametrize("when", ["before anything is written", "in the midst of it"])
def test_what_is_made_leaves_room_for_what_is_recorded(
    tmp_path: Path, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S4-18: it waits until there is some; nothing of it stays in the way."""
    full = threading.Event()

    def fill(work: Work) -> None:
        (work.folder / "film").write_bytes(b"much")
        full.set()
        for _ in range(100):
            work.check()
            time.sleep(0.05)

    settings = {"data_dir": str(tmp_path / "own"), "broker_url": "memory:", "auth.mode": "open"}
    core = Core.open(load({**settings, "uploads.least_free_gib": 1}, config=None))
    core.db.upgrade()
    queue = JobQueue(core.db, MEDIA_KINDS)
    one, job = upload(core, browser_film(0.5, "160x120"))
    size = len(core.store.read(next(iter(core.store.list("incoming/"))).key))
    told = core.store.capacity()
    assert told is not None
    least = reserve_bytes(core.settings.values.retention, told.total, 0) // 2
    if when == "in the midst of it":
        monkeypatch.setitem(STAGES, PROCESS, (Stage("merging", fill),))
        monkeypatch.setattr(Room, "_local", lambda _self: (told.total, least - 1 if full.is_set() else 2 * least))
    else:
        monkeypatch.setattr(type(core.store), "capacity", lambda _self: replace(told, free=least + size - 1))
    mine = queue.take(job, "first", core.clock.now_us())
    assert mine is not None
    Hand(core, tools(), mine, threading.Event(), {}).do(tmp_path / "work")
    now = JobRepository(core.db).get(job.id)
    assert (now.state, now.owner) == ("queued", None)
    assert re.search(f"has [0-9]+ bytes of room: [0-9]+ are needed, and {least} stay free", now.detail)
    assert files(core, one.number) == {}
    assert list(core.store.list(one.folder)) == []
    assert not (tmp_path / "work").exists()
    core.close()


@pytest.mark.parametrize(
    ("total", "reserve_gb", "least"), [(10**13, 5, 1 << 28), (10**13, 0.2, 0), (10**13, 0, 0), (10**9, 0, 0)]
)
def test_a_disk_that_recordings_fill_has_room_for_films(
    core: Core, total: int, reserve_gb: float, least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S4-18: never more is asked for than half of what retention keeps free."""
    values = core.settings.values
    retention = values.retention.model_copy(update={"reserve_gb": reserve_gb})
    uploads = values.uploads.model_copy(update={"least_free_gib": 1})
    own = replace(core.settings, values=values.model_copy(update={"retention": retention, "uploads": uploads}))
    core = replace(core, settings=own)
    least = least or reserve_bytes(retention, total, 0) // 2
    assert least <= 1 << 28
    free = least
    monkeypatch.setattr(Room, "_local", lambda _self: (total, free))
    Room(core).require(0, 0)
    with pytest.raises(ResourceExhausted, match=f"1 are needed, and {least} stay free"):
        Room(core).require(1, 0)


def test_pieces_whose_original_is_there_go_though_the_disk_is_full(
    core: Core, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S4-18: that makes room."""
    queue, film = JobQueue(core.db, MEDIA_KINDS), browser_film(0.5, "160x120")
    one, job = upload(core, film)
    mine = queue.take(job, "first", core.clock.now_us())
    assert mine is not None
    key = f"{one.folder}original.webm"
    core.store.put_bytes(key, film)
    assert MediaWork(core.db).keep(mine, MediaFile(one.number, "original", "", key, one.type, len(film), "ready", 0))
    monkeypatch.setattr(Room, "_local", lambda _self: (1 << 40, 0))
    monkeypatch.setitem(STAGES, PROCESS, STAGES[PROCESS][:1])
    Hand(core, tools(), mine, threading.Event(), {}).do(tmp_path / "work")
    assert JobRepository(core.db).get(job.id).state == "done"
    assert list(core.store.list("incoming/")) == []


def test_what_a_medium_can_do_without_is_not_waited_for_long(
    core: Core, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S4-18: of a disk that stays full the finished film is not held up."""

    def find_no_room(_work: Work) -> None:
        raise ResourceExhausted("the disk is full")

    queue, waits = JobQueue(core.db, MEDIA_KINDS), dict[str, int]()
    stages = (Stage("merging", lambda _work: None), Stage("picturing", find_no_room, optional=True))
    monkeypatch.setitem(STAGES, PROCESS, stages)
    _, job = upload(core, browser_film(0.5, "160x120"))
    for state in ("queued", "queued", "queued", "done"):
        mine = queue.take(job, state, core.clock.now_us())
        assert mine is not None
        Hand(core, tools(), mine, threading.Event(), waits).do(tmp_path / "work")
        job = JobRepository(core.db).get(job.id)
        assert job.state == state
    assert job.result == {"picturing": "the disk is full"}
