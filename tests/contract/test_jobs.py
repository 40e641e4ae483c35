"""Jobs in the index, on every database: asked for once, done by one, left by the dead to the next."""

from __future__ import annotations

import pytest

from gatehouse_common.db import Database, JobRepository
from gatehouse_common.errors import NotFound

KIND = "consistency-check"


def test_a_job_is_asked_for_taken_done_and_kept(db: Database) -> None:
    """S2-44: with its progress and what came of it."""
    jobs = JobRepository(db)
    asked = jobs.ask(KIND, {"repair": False}, 1_000_000, "api")
    assert (asked.state, asked.owner, asked.done) == ("queued", None, 0)
    seen = jobs.next(KIND)
    assert seen is not None
    taken = jobs.take(seen, "one", 2_000_000)
    assert taken is not None
    assert (taken.state, taken.owner, taken.started_us) == ("running", "one", 2_000_000)
    on = jobs.renew(taken, 5, 12, "comparing")
    assert on is not None
    assert (on.done, on.total, on.detail) == (5, 12, "comparing")
    done = jobs.end(on, "done", "1 problem", {"counts": {"missing": 1}}, 3_000_000)
    assert done is not None
    assert jobs.get(asked.id) == done
    assert (done.state, done.result, done.ended_us, done.owner) == ("done", {"counts": {"missing": 1}}, 3_000_000, None)
    assert jobs.next(KIND) is None


def test_the_same_is_not_asked_for_twice_while_it_waits(db: Database) -> None:
    jobs = JobRepository(db)
    first = jobs.ask(KIND, {"repair": False}, 1_000_000)
    assert jobs.ask(KIND, {"repair": False}, 2_000_000).id == first.id
    other = jobs.ask(KIND, {"repair": True}, 2_000_000)
    assert other.id != first.id
    taken = jobs.take(first, "one", 3_000_000)
    assert taken is not None
    assert jobs.ask(KIND, {"repair": False}, 4_000_000).id == first.id
    jobs.end(taken, "done", "", None, 5_000_000)
    assert jobs.ask(KIND, {"repair": False}, 6_000_000).id not in {first.id, other.id}


def test_of_two_that_take_a_job_one_gets_it(db: Database) -> None:
    jobs = JobRepository(db)
    seen = jobs.ask(KIND, {}, 1_000_000)
    assert jobs.take(seen, "one", 2_000_000) is not None
    assert jobs.take(seen, "two", 2_000_000) is None


def test_a_job_of_the_dead_is_taken_again_and_its_late_owner_notices(db: Database) -> None:
    """S2-44: the janitor was killed; the next leader does the job, and what the former says later is not heard."""
    jobs = JobRepository(db)
    dead = jobs.take(jobs.ask(KIND, {}, 1_000_000), "one", 2_000_000)
    assert dead is not None
    left = jobs.next(KIND)
    assert left is not None
    assert (left.id, left.owner) == (dead.id, "one")
    mine = jobs.take(left, "two", 3_000_000)
    assert mine is not None
    assert jobs.renew(dead, 9, 9, "") is None
    assert jobs.end(dead, "failed", "", None, 4_000_000) is None
    jobs.put_back(dead)
    assert jobs.get(mine.id).owner == "two"
    jobs.put_back(mine)
    assert jobs.get(mine.id).state == "queued"


def test_a_job_that_kills_its_process_is_not_begun_for_ever(db: Database) -> None:
    """S2-44: a file that makes a check run out of memory must not end the recorder at each start."""
    jobs = JobRepository(db)
    jobs.ask(KIND, {}, 1_000_000)
    begun = 0
    for start in range(10):
        seen = jobs.next(KIND)
        begun += seen is not None and jobs.take(seen, f"start-{start}", start) is not None  # and killed
    assert begun == 3
    (job,) = jobs.list(10)
    assert (job.state, job.owner) == ("failed", None)
    assert job.ended_us is not None
    assert "3 times" in job.detail
    assert jobs.ask(KIND, {}, 5_000_000).id != job.id, "what is due the next night is tried"


def test_a_job_that_is_put_back_at_each_stop_is_not_given_up(db: Database) -> None:
    jobs = JobRepository(db)
    jobs.ask(KIND, {}, 1_000_000)
    for _ in range(10):
        seen = jobs.next(KIND)
        assert seen is not None
        taken = jobs.take(seen, "one", 2_000_000)
        assert taken is not None
        jobs.put_back(taken)
    done = jobs.take(seen := jobs.get(seen.id), "one", 3_000_000)
    assert done is not None
    ended = jobs.end(done, "done", "", {"counts": {}}, 4_000_000)
    assert ended is not None
    assert ended.result == {"counts": {}}


def test_jobs_are_listed_page_by_page(db: Database) -> None:
    jobs = JobRepository(db)
    ids = [jobs.ask(KIND, {"n": n}, n // 2).id for n in range(7)]
    first = jobs.list(3)
    second = jobs.list(10, (first[-1].created_us, first[-1].id))
    assert [j.id for j in [*first, *second]] == [j.id for j in jobs.list(100)]
    assert sorted(j.id for j in [*first, *second]) == sorted(ids)
    assert jobs.list(10, kind="other") == []
    with pytest.raises(NotFound, match="no job"):
        jobs.get("nothing")
