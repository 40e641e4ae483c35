"""Jobs that many workers take, on every database: each has one owner, and what a late one says is not heard."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import fields
from typing import Any

import pytest
from sqlalchemy import insert, update

from gatehouse_common.db import Database, Job, JobQueue, JobRepository, Media, MediaFile, MediaJobs, MediaWork
from gatehouse_common.db.job_queue import MOST_TRIES, STEPS, tries
from gatehouse_common.db.media_jobs import CALLED_OFF
from gatehouse_common.db.media_models import MediaRow
from gatehouse_common.db.media_records import AUDIO, MEDIA_KINDS, PROCESS
from gatehouse_common.db.upkeep_models import JobRow
from gatehouse_common.errors import Conflict
from gatehouse_common.ids import new_id

NOW = 1_000_000


def medium(db: Database, number: int = 1) -> Media:
    """A medium that waits to be processed."""
    facts: dict[str, Any] = {f.name: "" for f in fields(Media)} | {
        "number": number,
        "id": new_id(),
        "owner": 1,
        "kind": "upload",
        "state": "queued",
        "bytes": 5,
        "fps": 0.0,
        "width": 0,
        "height": 0,
        "version": 1,
        "created_us": NOW,
    }
    facts |= dict.fromkeys(("upload", "session", "lasted_us", "start_us", "ready_us", "trashed_us"))
    with db.begin() as c:
        c.execute(insert(MediaRow).values(facts))
    return MediaWork(db).media(number)


def asked(db: Database, kind: str = PROCESS, media: int | None = 1, at_us: int = NOW, user: int = 1) -> Job:
    """A job that waits."""
    job = Job(new_id(), kind, "queued", {"media": media}, 0, 0, "", None, at_us, "", None, None, None, 0, user, media)
    with db.begin() as c:
        c.execute(insert(JobRow).values({f.name: getattr(job, f.name) for f in fields(Job)}))
    return job


def taken(queue: JobQueue, job: Job, name: str = "one") -> Job:
    found = queue.take(job, name, 2 * NOW)
    assert found is not None
    return found


def test_a_job_is_taken_gets_on_and_is_done_and_its_medium_with_it(db: Database) -> None:
    """S4-12: state of the medium follows; S4-9: progress."""
    queue, rows = JobQueue(db, MEDIA_KINDS), MediaWork(db)
    medium(db)
    mine = taken(queue, asked(db))
    assert (mine.state, mine.owner, tries(mine), rows.media(1).state) == ("running", "one", 1, "processing")
    assert queue.queued(9) == []
    assert queue.renew(mine, 250, "merging")
    (seen,) = queue.running()
    assert (seen.done, seen.total, seen.detail) == (250, STEPS, "merging")
    assert seen.renewals > mine.renewals
    assert queue.end(mine, "done", "", {"compressed": "5 of 10 bytes"}, 3 * NOW)
    done = JobRepository(db).get(mine.id)
    assert (done.state, done.done, done.result, done.ended_us) == (
        "done",
        STEPS,
        {"compressed": "5 of 10 bytes"},
        3 * NOW,
    )
    assert (rows.media(1).state, rows.media(1).ready_us) == ("ready", 3 * NOW)
    assert not queue.renew(mine, 300, "")


def test_many_workers_take_every_job_once(db: Database) -> None:
    """S4-19: whoever asks at the same moment, one of them has it."""
    queue, count, workers = JobQueue(db, MEDIA_KINDS), 20, 4
    for number in range(count):
        asked(db, AUDIO, None, NOW + number)
    got: list[tuple[str, str]] = []
    ready = threading.Barrier(workers)

    def work(name: str) -> None:
        ready.wait()
        while True:
            seen = queue.queued(9)
            if not seen:
                return
            for job in seen:
                mine = queue.take(job, name, 2 * NOW)
                if mine is not None:
                    got.append((mine.id, name))
                    assert queue.end(mine, "done", "", None, 3 * NOW)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(got) == count
    assert set(Counter(job for job, _ in got).values()) == {1}


def test_what_the_dead_say_late_is_not_heard_and_nothing_of_theirs_is_written(db: Database) -> None:
    """S4-9: a worker that was taken for dead writes nothing more."""
    queue, rows = JobQueue(db, MEDIA_KINDS), MediaWork(db)
    medium(db)
    dead = taken(queue, asked(db), "dead")
    (left,) = queue.running()
    next_one = taken(queue, left, "next")
    assert tries(next_one) == 2
    file = MediaFile(1, "thumbnail", "", "uploads/u.1/1/thumbnail.jpg", "image/jpeg", 9, "ready", NOW)
    assert not queue.renew(dead, 900, "")
    assert not rows.learn(dead, 1, width=99)
    assert not rows.keep(dead, file)
    assert not queue.put_back(dead)
    assert not queue.end(dead, "failed", "too late", None, 3 * NOW)
    assert (rows.files(1), rows.media(1).width, rows.media(1).state) == ([], 0, "processing")
    assert rows.keep(next_one, file, width=640)
    assert rows.keep(next_one, file)  # again: whoever died may have done it already
    assert [one.key for one in rows.files(1)] == [file.key]
    assert rows.media(1).width == 640
    assert queue.take(left, "third", 3 * NOW) is None  # it is not as it was seen any more


def test_a_job_that_ends_whoever_does_it_is_not_tried_for_ever(db: Database) -> None:
    """S4-18: a dead letter, with its reason; S4-12: the medium says so, too."""
    queue, rows = JobQueue(db, MEDIA_KINDS), MediaWork(db)
    medium(db)
    job = asked(db)
    for turn in range(MOST_TRIES):
        assert tries(taken(queue, job, f"w{turn}")) == turn + 1
        (job,) = queue.running()
    hopeless = taken(queue, job, "last")
    assert (hopeless.state, hopeless.owner) == ("failed", None)
    assert "3 times" in hopeless.detail
    assert (rows.media(1).state, rows.media(1).detail) == ("failed", hopeless.detail)
    assert (queue.running(), queue.queued(9), queue.failed_since(0)) == ([], [], 1)


def test_who_is_stopped_puts_a_job_back_and_that_is_no_try(db: Database) -> None:
    queue = JobQueue(db, MEDIA_KINDS)
    medium(db)
    mine = taken(queue, asked(db))
    assert queue.put_back(mine)
    (again,) = queue.queued(9)
    assert (tries(again), again.owner) == (0, None)
    mine = taken(queue, again)
    assert queue.put_back(mine, "ffmpeg was ended by signal 9", 5 * NOW, counts=True)
    (again,) = queue.queued(9)
    assert (tries(again), again.not_before_us, again.detail) == (1, 5 * NOW, "ffmpeg was ended by signal 9")


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_job_is_called_off_by_anybody(db: Database, state: str) -> None:
    """S4-18: its owner notices with its next sign of life."""
    queue, rows = JobQueue(db, MEDIA_KINDS), MediaWork(db)
    medium(db)
    job = asked(db)
    mine = taken(queue, job) if state == "running" else None
    jobs = MediaJobs(db)
    assert jobs.cancel(job.id, 3 * NOW).state == "cancelled"
    with pytest.raises(Conflict, match="it is cancelled"):
        jobs.cancel(job.id, 4 * NOW)
    assert (rows.media(1).state, rows.media(1).detail) == ("failed", CALLED_OFF)
    if mine is not None:
        assert not queue.renew(mine, 10, "")
        assert not queue.end(mine, "done", "", None, 5 * NOW)
    assert queue.queued(9) == queue.running() == []


def test_what_lies_in_the_trash_stays_there_and_is_ready_when_it_is_taken_out(db: Database) -> None:
    queue, rows = JobQueue(db, MEDIA_KINDS), MediaWork(db)
    medium(db)
    mine = taken(queue, asked(db))
    with db.begin() as c:
        c.execute(update(MediaRow).values(state="trashed", before_trash="processing"))
    assert queue.end(mine, "done", "", None, 3 * NOW)
    assert (rows.media(1).state, rows.media(1).before_trash) == ("trashed", "ready")


def test_nothing_is_kept_of_what_has_been_deleted(db: Database) -> None:
    """S4-21: a medium that goes while something is made of it."""
    queue, rows = JobQueue(db, MEDIA_KINDS), MediaWork(db)
    medium(db)
    mine = taken(queue, asked(db))
    with db.begin() as c:
        c.execute(update(MediaRow).values(state="deleted"))
    assert not rows.learn(mine, 1, width=9)
    assert not rows.keep(mine, MediaFile(1, "sprite", "", "uploads/u.1/1/sprite.jpg", "image/jpeg", 9, "ready", NOW))
    assert rows.files(1) == []
    assert queue.end(mine, "done", "", None, 3 * NOW)
    assert rows.media(1).state == "deleted"


def test_a_job_of_another_kind_leaves_the_medium_as_it_is(db: Database) -> None:
    queue, rows = JobQueue(db, MEDIA_KINDS), MediaWork(db)
    medium(db)
    mine = taken(queue, asked(db, AUDIO))
    assert queue.end(mine, "failed", "it has no sound", None, 3 * NOW)
    assert rows.media(1).state == "queued"
    asked(db)
    assert queue.counts(NOW) == {(PROCESS, "queued"): (1, NOW)}


def test_what_is_open_is_counted_by_whether_somebody_may_do_it_now(db: Database) -> None:
    """More workers are of use for what is queued, and of none for what waits for the store."""
    queue = JobQueue(db, MEDIA_KINDS)
    taken(queue, asked(db, AUDIO, None))
    for at_us in (5 * NOW, 6 * NOW):
        assert queue.put_back(taken(queue, asked(db, AUDIO, None, at_us)), "the store is away", 9 * NOW)
    asked(db, AUDIO, None, 7 * NOW)
    later = {(AUDIO, "running"): (1, NOW), (AUDIO, "later"): (2, 5 * NOW), (AUDIO, "queued"): (1, 7 * NOW)}
    assert queue.counts(9 * NOW - 1) == later
    assert queue.counts(9 * NOW) == {(AUDIO, "running"): (1, NOW), (AUDIO, "queued"): (3, 5 * NOW)}


def test_neither_what_waits_nor_the_many_jobs_of_one_user_hide_those_of_others(db: Database) -> None:
    """S4-19: each user has a turn, whatever one of them asks for."""
    queue = JobQueue(db, MEDIA_KINDS)
    for number in range(30):
        mine = taken(queue, asked(db, AUDIO, None, NOW + number))
        assert queue.put_back(mine, "the store is away", 9 * NOW)
    many = [asked(db, AUDIO, None, NOW + 100 + number) for number in range(30)]
    late = asked(db, AUDIO, None, 3 * NOW, user=2)
    assert [job.id for job in queue.queued(4, 4 * NOW)] == [many[0].id, late.id, many[1].id, many[2].id]
    assert len(queue.queued(90, 4 * NOW, of_each=5)) == 6
    due = queue.queued(90, 9 * NOW, of_each=90)
    assert len(due) == 61
    assert taken(queue, due[0]).not_before_us is None
