"""Longer works, as rows: asked for by anybody, done by one process at a time, each change a comparison and a swap."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, bindparam, insert, or_, select, update

from gatehouse_common.clock import HOUR
from gatehouse_common.errors import NotFound
from gatehouse_common.ids import new_id

from .contention import retried
from .engine import Database
from .media_records import EXPORT
from .upkeep_models import JobRow
from .visible import Visible


@dataclass(frozen=True, slots=True)
class Job:
    """A work that takes longer than a request; see ``JobRow``. Times are microseconds UTC."""

    id: str
    kind: str
    state: str
    parameters: dict[str, Any]
    done: int
    total: int
    detail: str
    result: dict[str, Any] | None
    created_us: int
    created_by: str
    started_us: int | None
    ended_us: int | None
    owner: str | None
    renewals: int
    user: int | None = None
    media: int | None = None
    not_before_us: int | None = None


@dataclass(frozen=True, slots=True)
class JobsSeen:
    """Which jobs there are for somebody.

    Attributes:
        house: whether those that are nobody's are.
        user: of users', those of this number; None: all.
        visible: of those that are nobody's, only those of these cameras, by their parameter ``camera``; None: all. What
            comes of a job that names no camera may name any: it is there only for who sees all.
        exports_of: of exports, which tell of cameras, only those of these users; None: as of all other jobs.
    """

    house: bool = True
    user: int | None = None
    visible: Visible | None = None
    exports_of: Collection[int] | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the conditions that a job is there."""
        house = JobRow.user.is_(None)
        if self.visible is not None:
            house &= JobRow.parameters["camera"].as_string().in_(sorted(self.visible.cameras))
        of_users = JobRow.user.is_not(None) if self.user is None else JobRow.user == self.user
        if self.exports_of is not None:
            of_users &= or_(JobRow.kind != EXPORT, JobRow.user.in_(sorted(self.exports_of)))
        if self.house:
            whole = self.user is None and self.visible is None and self.exports_of is None
            return [] if whole else [or_(house, of_users)]
        return [of_users]


JOB = [getattr(JobRow, f.name) for f in fields(Job)]
"""The columns in the order of the fields: ``Job(*row)`` is what a row of ``select(*JOB)`` says."""
_WAITING = ("queued", "running")
# Made once: it is asked every second.
_NEXT = (
    select(*JOB)
    .where(JobRow.kind == bindparam("of_kind"), JobRow.state.in_(_WAITING))
    .order_by(JobRow.created_us, JobRow.id)
    .limit(1)
)
_BROKEN_OFF = "broken_off"
_LONGEST_US = 24 * HOUR
MOST_BROKEN_OFF = 3
"""So often may a job be left by who did it: one that takes its process with it would do so at each start for ever."""

CONSISTENCY_CHECK = "consistency-check"
"""The job that compares index and store. Parameters: ``repair``, ``quick``, and ``scope``, ``all`` or ``new``."""


class JobRepository:
    """Asks for jobs, takes them, and keeps what comes of them.

    Args:
        db: the index.
        whose: which jobs there are; None: all.
    """

    def __init__(self, db: Database, *, whose: JobsSeen | None = None) -> None:
        self._db, self._whose = db, whose

    @retried
    def ask(self, kind: str, parameters: Mapping[str, Any], now_us: int, by: str = "") -> Job:
        """Ask for a job; one that waits or is done already with the same parameters is returned instead."""
        wanted = dict(parameters)
        with self._db.begin() as c:
            waiting = select(*JOB).where(JobRow.kind == kind, JobRow.state.in_(_WAITING)).with_for_update()
            for row in c.execute(waiting):
                if row.parameters == wanted:
                    return Job(*row)
            job = Job(new_id(), kind, "queued", wanted, 0, 0, "", None, now_us, by, None, None, None, 0)
            c.execute(insert(JobRow).values({f.name: getattr(job, f.name) for f in fields(Job)}))
        return job

    def _seen(self) -> list[ColumnElement[bool]]:
        return [] if self._whose is None else self._whose.conditions()

    def get(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            NotFound: there is none of that id.
        """
        with self._db.look() as c:
            row = c.execute(select(*JOB).where(JobRow.id == job_id, *self._seen())).first()
        if row is None:
            raise NotFound(f"there is no job {job_id[:64]!r}")
        return Job(*row)

    def next(self, kind: str) -> Job | None:
        """Return the oldest job of a kind that is not done; one that is running is what a crash has left.

        Only for whoever leads the work by a lease, and does none itself at the moment.
        """
        with self._db.look() as c:
            row = c.execute(_NEXT, {"of_kind": kind}).first()
        return None if row is None else Job(*row)

    @retried
    def take(self, seen: Job, name: str, now_us: int) -> Job | None:
        """Take a job that still is as it was seen; return it as it is then, None if it is not.

        One that is running was left by who died of it, or was killed: when that has happened three times it has failed.
        """
        left = _times_left(seen)
        values: dict[str, Any] = {"state": "running", "owner": name, "started_us": now_us, "done": 0, "total": 0}
        values |= {"renewals": seen.renewals + 1, "detail": "", "result": {_BROKEN_OFF: left} if left else None}
        is_hopeless = left >= MOST_BROKEN_OFF
        if is_hopeless:
            detail = f"the process that did it ended before it was done, {left} times: it is not tried again"
            values |= {"state": "failed", "owner": None, "ended_us": now_us, "detail": detail}
        with self._db.begin() as c:
            same = (JobRow.id == seen.id, JobRow.state == seen.state, JobRow.renewals == seen.renewals)
            if c.execute(update(JobRow).where(*same).values(values)).rowcount == 0 or is_hopeless:
                return None
        return self.get(seen.id)

    @retried
    def renew(self, mine: Job, done: int, total: int, detail: str) -> Job | None:
        """Give a sign of life and tell how far a job is; None if another process has it by now, or it was cancelled."""
        values = {"renewals": mine.renewals + 1, "done": done, "total": total, "detail": detail}
        return self._change(mine, values)

    @retried
    def end(self, mine: Job, state: str, detail: str, result: Mapping[str, Any] | None, now_us: int) -> Job | None:
        """Keep what came of a job; None if another process has it by now, or it was cancelled."""
        values = {"state": state, "detail": detail, "result": result, "ended_us": now_us, "owner": None}
        return self._change(mine, {**values, "renewals": mine.renewals + 1})

    @retried
    def put_back(self, mine: Job) -> None:
        """Let somebody else do a job: it was not come to its end here."""
        self._change(mine, {"state": "queued", "owner": None, "renewals": mine.renewals + 1})

    def _change(self, mine: Job, values: Mapping[str, Any]) -> Job | None:
        with self._db.begin() as c:
            same = (JobRow.id == mine.id, JobRow.state == "running", JobRow.renewals == mine.renewals)
            if c.execute(update(JobRow).where(*same, JobRow.owner == mine.owner).values(dict(values))).rowcount == 0:
                return None
        return self.get(mine.id)

    def list(self, limit: int, before: tuple[int, str] | None = None, kind: str | None = None) -> list[Job]:
        """Return jobs, the newest first; those that come after ``(created_us, id)`` of the page before."""
        query = select(*JOB).where(*self._seen()).order_by(JobRow.created_us.desc(), JobRow.id.desc()).limit(limit)
        if kind is not None:
            query = query.where(JobRow.kind == kind)
        if before is not None:
            at, job = before
            query = query.where(or_(JobRow.created_us < at, (JobRow.created_us == at) & (JobRow.id < job)))
        with self._db.look() as c:
            return [Job(*row) for row in c.execute(query)]

    def changed_since(self, since_us: int, limit: int, users: Collection[int] | None = None) -> Sequence[Job]:
        """Return users' jobs that were asked for, begun or ended since an instant, or go on; the newest first.

        Of those that were asked for more than a day before it nothing is told. ``users``: whose; None: everybody's.
        """
        moments = (JobRow.created_us, JobRow.started_us, JobRow.ended_us)
        changed = or_(JobRow.state == "running", *(moment >= since_us for moment in moments))
        query = select(*JOB).where(JobRow.created_us >= since_us - _LONGEST_US, changed, JobRow.user.is_not(None))
        if users is not None:
            query = query.where(JobRow.user.in_(sorted(users)))
        query = query.where(*self._seen()).order_by(JobRow.created_us.desc(), JobRow.id.desc())
        with self._db.look() as c:
            return [Job(*row) for row in c.execute(query.limit(limit))]


def _times_left(seen: Job) -> int:
    """Return how often a job has been left undone without a word: kept as its result while it has no other."""
    before = (seen.result or {}).get(_BROKEN_OFF, 0)
    return int(before) + (seen.state == "running")
