"""Jobs of media that many workers take, each by comparison and swap, and keep by signs of life.

Unlike what a leader does alone (``JobRepository``), any number of processes are at these at once. A worker is known by
a name that it had for nobody else and for no other job: so what it says late, when another has its job, is not heard.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, Select, bindparam, case, func, or_, select, update

from gatehouse_common.clock import NEVER

from .contention import retried
from .engine import Database
from .happenings import note
from .jobs import JOB, Job
from .media_models import MediaRow
from .media_records import WHOLE
from .upkeep_models import JobRow

MOST_TRIES = 3
"""So often is a job begun: one that takes its process with it would do so for ever."""
STEPS = 1000
"""How far a job is, is told in thousandths."""
OPEN = ("queued", "later", "running")
"""How jobs that are open are counted: may be begun, may not be begun yet, are done at the moment."""
_TRIES = "tries"
_BEING_MADE = ("queued", "processing")
_TOLD = ("done", "failed")
_MOST_RUNNING = 1000
_OF_KINDS = JobRow.kind.in_(bindparam("kinds", expanding=True))
_AGE = (JobRow.created_us, JobRow.id)


def _queued() -> Select[Any]:
    begins = or_(JobRow.not_before_us.is_(None), JobRow.not_before_us <= bindparam("until_us", type_=BigInteger))
    turn = func.row_number().over(partition_by=JobRow.user, order_by=_AGE)
    waiting = select(JobRow.id, turn.label("turn")).where(_OF_KINDS, JobRow.state == "queued", begins)
    turns = waiting.subquery()
    query = select(*JOB).join(turns, turns.c.id == JobRow.id).where(turns.c.turn <= bindparam("of_each", type_=Integer))
    return query.order_by(turns.c.turn, *_AGE).limit(bindparam("most", type_=Integer))


# Made once: every worker asks them again and again.
_QUEUED = _queued()
_RUNNING = select(*JOB).where(_OF_KINDS, JobRow.state == "running").order_by(*_AGE).limit(_MOST_RUNNING)


def tries(job: Job) -> int:
    """Return how often a job has been begun; it is kept as the job's result while it has no other."""
    return int((job.result or {}).get(_TRIES, 0))


class JobQueue:
    """Looks for jobs, takes them, keeps them and ends them; the medium's state follows in the same transaction.

    Args:
        db: the index.
        kinds: of the jobs that are looked for.
    """

    def __init__(self, db: Database, kinds: Sequence[str]) -> None:
        self._db, self._kinds = db, tuple(kinds)

    def queued(self, limit: int, now_us: int | None = None, of_each: int = 16) -> list[Job]:
        """Return jobs that nobody does: the oldest of each user first, then the second of each, and so on.

        However many one user has asked for, those of others are among them.

        Args:
            limit: so many at most.
            now_us: the time: those that are not to be begun yet are left out; None: they are not.
            of_each: so many of each user at most.
        """
        until_us = NEVER if now_us is None else now_us
        asked = {"kinds": self._kinds, "until_us": until_us, "of_each": of_each, "most": limit}
        with self._db.look() as c:
            return [Job(*row) for row in c.execute(_QUEUED, asked)]

    def running(self) -> list[Job]:
        """Return jobs that somebody does, or did until it died."""
        with self._db.look() as c:
            return [Job(*row) for row in c.execute(_RUNNING, {"kinds": self._kinds})]

    def counts(self, now_us: int) -> dict[tuple[str, str], tuple[int, int]]:
        """Return how many jobs wait or go on and when the oldest was asked for, by kind and state (``OPEN``).

        Args:
            now_us: the time: those that are not to be begun yet are ``later``.
        """
        late = case((JobRow.not_before_us > now_us, "later"), else_="queued")
        state = case((JobRow.state == "queued", late), else_=JobRow.state).label("state")
        of_ours = (JobRow.kind.in_(self._kinds), JobRow.state.in_(("queued", "running")))
        each = select(JobRow.kind, state, JobRow.created_us).where(*of_ours).subquery().c
        query = select(each.kind, each.state, func.count(), func.min(each.created_us))
        with self._db.look() as c:
            rows = c.execute(query.group_by(each.kind, each.state)).all()
        return {(kind, state): (count, oldest) for kind, state, count, oldest in rows}

    def failed_since(self, since_us: int) -> int:
        """Return how many jobs have failed since then."""
        query = select(func.count()).where(JobRow.kind.in_(self._kinds), JobRow.state == "failed")
        with self._db.look() as c:
            return int(c.execute(query.where(JobRow.created_us >= since_us)).scalar_one())

    @retried
    def take(self, seen: Job, name: str, now_us: int) -> Job | None:
        """Take a job that still is as it was seen; return it as it is then, None if it is not.

        One that was begun three times has ``failed`` then: whoever did it died of it.

        Args:
            seen: queued, or running while its owner has given no sign of life.
            name: of whoever takes it: for this one time alone.
            now_us: the time.
        """
        begun = tries(seen)
        values: dict[str, Any] = {"renewals": seen.renewals + 1, "owner": name, "state": "running"}
        values |= {"started_us": now_us, "done": 0, "total": STEPS, "detail": "", "result": {_TRIES: begun + 1}}
        values["not_before_us"] = None
        with self._db.begin() as c:
            same = (JobRow.id == seen.id, JobRow.state == seen.state, JobRow.renewals == seen.renewals)
            if c.execute(update(JobRow).where(*same).values(values)).rowcount == 0:
                return None
            job = self._read(c, seen.id)
            if begun >= MOST_TRIES:
                detail = f"whoever did it ended before it was done, {begun} times: it is not tried again"
                self._finish(c, job, "failed", detail, None, now_us)
                return self._read(c, seen.id)
            if job.kind in WHOLE:
                being_made = (MediaRow.number == job.media, MediaRow.state == "queued")
                c.execute(update(MediaRow).where(*being_made).values(state="processing"))
        return job

    @retried
    def renew(self, mine: Job, done: int, detail: str) -> bool:
        """Give a sign of life and tell how far a job is.

        Args:
            mine: as it was taken.
            done: thousandths.
            detail: what is going on.

        Returns:
            Whether it still is this worker's: nobody has called it off, nobody else has it.
        """
        values = {"renewals": JobRow.renewals + 1, "done": done, "detail": detail}
        with self._db.begin() as c:
            return c.execute(update(JobRow).where(*_own(mine)).values(values)).rowcount == 1

    @retried
    def end(self, mine: Job, state: str, detail: str, result: Mapping[str, Any] | None, now_us: int) -> bool:
        """Keep what came of a job, and of its medium; return False if it is not this worker's any more."""
        with self._db.begin() as c:
            return self._finish(c, mine, state, detail, result, now_us)

    @retried
    def put_back(self, mine: Job, detail: str = "", not_before_us: int = 0, *, counts: bool = False) -> bool:
        """Let a job be begun again; return False if it is not this worker's any more.

        Args:
            mine: as it was taken.
            detail: why it was not done.
            not_before_us: when it may be begun again at the soonest, microseconds UTC; 0: at any time.
            counts: whether this was one of its tries: it was the job that went wrong, not what it needs.
        """
        values: dict[str, Any] = {"state": "queued", "owner": None, "detail": detail}
        values |= {
            "renewals": JobRow.renewals + 1,
            "result": {_TRIES: tries(mine) - (not counts)},
            "not_before_us": not_before_us or None,
        }
        with self._db.begin() as c:
            return c.execute(update(JobRow).where(*_own(mine)).values(values)).rowcount == 1

    def _finish(
        self, c: Connection, mine: Job, state: str, detail: str, result: Mapping[str, Any] | None, now_us: int
    ) -> bool:
        values: dict[str, Any] = {"state": state, "detail": detail, "result": result, "ended_us": now_us}
        values |= {"owner": None, "renewals": JobRow.renewals + 1}
        if state == "done":
            values["done"] = STEPS
        if c.execute(update(JobRow).where(*_own(mine)).values(values)).rowcount == 0:
            return False
        if mine.user is not None and state in _TOLD:
            note(c, f"job.{state}", mine.id, "", now_us)
        settle(c, mine, "ready" if state == "done" else "failed", "" if state == "done" else detail, now_us)
        return True

    @staticmethod
    def _read(c: Connection, job_id: str) -> Job:
        return Job(*c.execute(select(*JOB).where(JobRow.id == job_id)).one())


def _own(mine: Job) -> tuple[Any, ...]:
    return JobRow.id == mine.id, JobRow.state == "running", JobRow.owner == mine.owner


def hold_job(c: Connection, mine: Job) -> bool:
    """Return whether a job is this worker's until the end of the transaction; it counts as a sign of life."""
    return c.execute(update(JobRow).where(*_own(mine)).values(renewals=JobRow.renewals + 1)).rowcount == 1


def settle(c: Connection, job: Job, state: str, detail: str, now_us: int) -> None:
    """Let the state of a medium follow, in a transaction, what came of the job that processes it.

    Of one in the trash it is the state that it had before. Jobs of other kinds change nothing of their medium.

    Args:
        c: the transaction.
        job: that has ended.
        state: of the medium from now on, ``ready`` or ``failed``.
        detail: why it failed.
        now_us: the time.
    """
    if job.kind not in WHOLE:
        return
    facts: dict[str, Any] = {"detail": detail}
    if state == "ready":
        facts |= {"stage": "", "ready_us": now_us}
    mine = MediaRow.number == job.media
    c.execute(update(MediaRow).where(mine, MediaRow.state.in_(_BEING_MADE)).values(state=state, **facts))
    trashed = (mine, MediaRow.state == "trashed", MediaRow.before_trash.in_(_BEING_MADE))
    c.execute(update(MediaRow).where(*trashed).values(before_trash=state, **facts))
