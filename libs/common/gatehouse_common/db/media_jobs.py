"""Jobs of media as people ask for them: begun, called off, tried again, and seen by those whose they are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, insert, select, update

from gatehouse_common.errors import Conflict, NotFound
from gatehouse_common.ids import new_id

from .contention import retried
from .engine import Database
from .happenings import note
from .job_queue import settle
from .jobs import JOB, Job
from .media_models import MediaRow
from .media_records import EXPORT, PROCESS, Media
from .upkeep_models import JobRow

_WAITING = ("queued", "running")
CALLED_OFF = "it was called off"


class MediaJobs:
    """Asks for jobs of media; the transcoder does them."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @retried
    def ask(self, media: Media, kind: str, parameters: Mapping[str, Any], now_us: int, user: int, by: str) -> Job:
        """Ask for a job of a medium; one that waits or goes on with the same parameters is returned instead.

        Args:
            media: of which.
            kind: what is done.
            parameters: beside the number of the medium.
            now_us: the time.
            user: number of who asks.
            by: their name.

        Raises:
            Conflict: the medium is not ready, or not there any more.
        """
        wanted = {"media": media.number, **parameters}
        with self._db.begin() as c:
            locked = select(MediaRow.state).where(MediaRow.number == media.number).with_for_update()
            state = c.execute(locked).scalar()
            if state != "ready":
                raise Conflict(f"medium {media.number} is {state or 'gone'}: nothing can be made of it now.")
            waiting = select(*JOB).where(JobRow.media == media.number, JobRow.kind == kind)
            for row in c.execute(waiting.where(JobRow.state.in_(_WAITING))):
                if row.parameters == wanted:
                    return Job(*row)
            return queue_job(c, kind, wanted, media.number, now_us, user, by)

    @retried
    def retry(self, media: Media, now_us: int, by: str) -> Job:
        """Begin anew what is made of a medium of which that failed.

        Raises:
            Conflict: it has not failed; or it is an export, and what it was to be of is not known any more.
        """
        failed = (MediaRow.number == media.number, MediaRow.state == "failed")
        with self._db.begin() as c:
            values = {"state": "queued", "stage": "", "detail": ""}
            if c.execute(update(MediaRow).where(*failed).values(values)).rowcount == 0:
                raise Conflict(f"medium {media.number} has not failed: there is nothing to try again.")
            return queue_processing(c, media, now_us, by)

    @retried
    def cancel(self, job_id: str, now_us: int) -> Job:
        """Call a job off; who does it notices with its next sign of life. Of its medium, it failed at what it was at.

        Raises:
            NotFound: there is none of that id.
            Conflict: it has ended.
        """
        waiting = (JobRow.id == job_id, JobRow.state.in_(_WAITING))
        with self._db.begin() as c:
            changed = c.execute(update(JobRow).where(*waiting).values(_called_off(now_us))).rowcount
            row = c.execute(select(*JOB).where(JobRow.id == job_id)).first()
            if row is None:
                raise NotFound(f"there is no job {job_id[:64]!r}")
            job = Job(*row)
            if not changed:
                raise Conflict(f"this job has ended: it is {job.state}.")
            settle(c, job, "failed", CALLED_OFF, now_us)
            if job.user is not None:
                note(c, "job.cancelled", job.id, "", now_us)
        return job

    def newest(self, media: Collection[int], limit: int = 10) -> dict[int, list[Job]]:
        """Return the newest jobs of media by number, so many of each at most, the newest first."""
        age = (JobRow.created_us.desc(), JobRow.id.desc())
        place = func.row_number().over(partition_by=JobRow.media, order_by=age)
        places = select(JobRow.id, place.label("place")).where(JobRow.media.in_(sorted(media))).subquery()
        query = select(*JOB).join(places, places.c.id == JobRow.id).where(places.c.place <= limit)
        found: dict[int, list[Job]] = {}
        with self._db.look() as c:
            for row in c.execute(query.order_by(*age)):
                job = Job(*row)
                found.setdefault(job.media or 0, []).append(job)
        return found


def is_worked_on() -> ColumnElement[bool]:
    """Return the condition that something is being made, or waits to be made, of a row of media."""
    return exists().where(JobRow.media == MediaRow.number, JobRow.state.in_(_WAITING))


def call_off(c: Connection, media: int, now_us: int) -> None:
    """Call off, in a transaction, all jobs of a medium that have not ended."""
    waiting = (JobRow.media == media, JobRow.state.in_(_WAITING))
    users = c.execute(select(JobRow.id).where(*waiting, JobRow.user.is_not(None))).scalars().all()
    c.execute(update(JobRow).where(*waiting).values(_called_off(now_us)))
    for job in users:
        note(c, "job.cancelled", job, "", now_us)


def queue_processing(c: Connection, media: Media, now_us: int, by: str) -> Job:
    """Ask, in a transaction, for what belongs to a medium to be made of it; for an export, as it was asked for.

    Raises:
        Conflict: what an export was to be of is not known any more: the index that did was lost.
    """
    kind, parameters = PROCESS, {"media": media.number}
    if media.kind == "export":
        asked = select(JobRow.parameters).where(JobRow.media == media.number, JobRow.kind == EXPORT)
        newest = c.execute(asked.order_by(JobRow.created_us.desc()).limit(1)).scalar()
        if newest is None:
            raise Conflict(f"what export {media.number} was to be of is not known any more: ask for it again.")
        kind, parameters = EXPORT, newest
    return queue_job(c, kind, parameters, media.number, now_us, media.owner, by)


def queue_job(c: Connection, kind: str, parameters: dict[str, Any], media: int, now_us: int, user: int, by: str) -> Job:
    """Ask, in a transaction, for a job of a medium, whatever else waits or goes on.

    Args:
        c: the transaction.
        kind: what is done.
        parameters: all of them, the number of the medium too.
        media: that number.
        now_us: the time.
        user: number of who asks.
        by: their name.
    """
    job = Job(new_id(), kind, "queued", parameters, 0, 0, "", None, now_us, by, None, None, None, 0, user, media)
    c.execute(insert(JobRow).values({f.name: getattr(job, f.name) for f in fields(Job)}))
    return job


def _called_off(now_us: int) -> dict[str, Any]:
    return {
        "state": "cancelled",
        "ended_us": now_us,
        "owner": None,
        "detail": CALLED_OFF,
        "renewals": JobRow.renewals + 1,
    }
