"""Who is dead, seen by one's own clock alone: no clocks are compared."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from gatehouse_common.clock import SECOND
from gatehouse_common.db import Job, JobQueue
from gatehouse_common.errors import Unavailable
from gatehouse_common.testing.clock import FakeClock
from gatehouse_transcoder.dispatch import DEAD_US, Dispatch

RUNNING = Job("j1", "media-process", "running", {}, 0, 0, "", None, 0, "", 0, None, "other/1", 5, 1, 1)


class Table:
    """Jobs as they are seen, by whoever looks at this moment; the real ones are in ``tests/contract``."""

    def __init__(self) -> None:
        self.jobs, self.away = [RUNNING], False
        self.names: list[str] = []
        self.asked = 0

    def running(self) -> list[Job]:
        if self.away:
            raise Unavailable("the index does not answer")
        return self.jobs

    def queued(self, _limit: int, _now_us: int) -> list[Job]:
        self.asked += 1
        return []

    def take(self, seen: Job, name: str, _now_us: int) -> Job:
        self.names.append(name)
        return replace(seen, owner=name)


def looking() -> tuple[Table, FakeClock, Dispatch]:
    table, clock = Table(), FakeClock()
    return (
        table,
        clock,
        Dispatch(cast(JobQueue, cast(Any, table)), clock, "a-host-with-a-long-name/transcoder-0-12345678"),
    )


def test_a_job_whose_owner_gives_no_sign_of_life_is_taken_over_within_ten_seconds() -> None:
    """S4-19."""
    table, clock, dispatch = looking()
    waited = 0
    while True:
        dispatch.look([])
        taken = dispatch.take()
        if taken is not None:
            break
        clock.advance(2 * SECOND)
        waited += 2 * SECOND
    assert DEAD_US <= waited <= 10 * SECOND
    assert len(table.names[0]) <= 64
    assert "transcoder-0-12345678/" in table.names[0]


def test_one_that_gives_signs_is_left_alone_however_slow() -> None:
    table, clock, dispatch = looking()
    for renewals in range(20):
        table.jobs = [replace(RUNNING, renewals=renewals)]
        dispatch.look([])
        assert dispatch.take() is None
        clock.advance(5 * SECOND)


def test_what_could_not_be_looked_at_makes_nobody_look_dead() -> None:
    """S4-18: an index that was away for a minute."""
    table, clock, dispatch = looking()
    dispatch.look([])
    table.away = True
    for _ in range(30):
        clock.advance(2 * SECOND)
        with pytest.raises(Unavailable):
            dispatch.look([])
    table.away = False
    dispatch.look([])
    assert dispatch.take() is None


def test_what_this_process_does_itself_it_does_not_take() -> None:
    table, clock, dispatch = looking()
    for _ in range(10):
        dispatch.look(["j1"])
        assert dispatch.take() is None
        clock.advance(2 * SECOND)
    assert table.names == []


def test_who_has_no_worker_free_asks_for_nothing_that_waits_and_still_sees_who_is_dead() -> None:
    """S4-19: each look of each busy process would sort all that wait, of all users."""
    table, clock, dispatch = looking()
    dispatch.look([], room=False)
    clock.advance(DEAD_US)
    dispatch.look([], room=False)
    assert table.asked == 0
    dispatch.look([])
    assert table.asked == 1
    assert dispatch.take() is not None
