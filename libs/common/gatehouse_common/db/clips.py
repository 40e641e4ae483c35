"""Clips in the index: planned by reads, then made of footage, then listed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, update

from gatehouse_common.clock import MINUTE, SECOND
from gatehouse_common.errors import NotFound
from gatehouse_common.intervals import Interval
from gatehouse_common.timefmt import to_datetime

from .clip_plan import Lengths, Reach, plan_read
from .clip_rows import CLIP, find_clips, finish, lock_camera, made_in, planned_of, wall_time, write
from .contention import retried
from .engine import Database
from .holds import clip_is_held
from .plate_models import MAX_CLIP_US, ClipPlateEventRow, ClipRow
from .plate_records import Clip, ClipQuery, ClipStats
from .visible import Visible, among, seen

_LISTED = ("stored", "archived", "purged")
_IDS_AT_ONCE = 500
# Made once: it is asked every second.
_PLANNED: Select[Any] = select(*CLIP).where(ClipRow.state == "planned").order_by(ClipRow.end_us, ClipRow.id)
_LEAST_US = SECOND  # of less, there might not be a single frame
_QUARTER_US = 15 * MINUTE  # zones differ from UTC by whole quarters of an hour


class ClipRepository:
    """What segmenters plan and make, and the api lists.

    Args:
        db: the index.
        visible: which clips there are to be looked at, and to be archived; None: all.
    """

    def __init__(self, db: Database, visible: Visible | None = None) -> None:
        self._db, self._visible = db, visible

    @retried
    def plan(
        self,
        camera: str,
        event_id: str,
        time_us: int,
        pre_us: int,
        post_us: int,
        max_us: int,
        now_us: int,
        frame: tuple[str, int] | None = None,
    ) -> list[str]:
        """Let a qualifying read be in a clip; doing it again changes nothing. See ``clip_plan.py``.

        Args:
            camera: whose read it is.
            event_id: the plate event of the read.
            time_us: when its frame is on the screen.
            pre_us: how long before it the clip shall begin.
            post_us: how long after it the clip shall end.
            max_us: how long a clip may be, at most an hour; by less than a second more, if that is all there is left.
            now_us: the time, for clips that are new.
            frame: ``(run, pts)`` of its frame, ticks of 1/90000 s. A run's origin is refined in its first seconds:
                where the frame is on the screen by the origin as it is known by now, counts.

        Returns:
            Ids of the clips that are planned or made for it, in order.
        """
        lengths = Lengths(pre_us, post_us, min(max_us, MAX_CLIP_US - _LEAST_US), min(max_us, _LEAST_US))
        with self._db.begin() as c:
            lock_camera(c, camera)
            time_us = wall_time(c, *frame, time_us) if frame is not None else time_us
            read = Reach(event_id, time_us, time_us)
            planned, made = planned_of(c, camera), made_in(c, camera, lengths.window(time_us, time_us))
            return write(c, camera, plan_read(read, lengths, planned, made), [*planned, *made], now_us)

    def planned(self, cameras: Callable[[str], bool] | None = None) -> list[Clip]:
        """Return the clips that wait to be made, of the cameras for which ``cameras`` is true; by where they end."""
        return [clip for clip in self._find(_PLANNED) if cameras is None or cameras(clip.camera)]

    def planned_of(self, camera: str) -> list[Clip]:
        """Return the clips of a camera that wait to be made, by where they end; those of others are not read."""
        mine = (ClipRow.state == "planned", ClipRow.camera == camera)
        return self._find(select(*CLIP).where(*mine).order_by(ClipRow.end_us, ClipRow.id))

    @retried
    def stored(
        self,
        clip_id: str,
        key: str,
        start_us: int,
        end_us: int,
        bytes: int,  # noqa: A002 - the column's name
        width: int,
        height: int,
        frames: int,
        detail: str,
        at_us: int,
        cut: tuple[int, int] | None = None,
        around: tuple[int, int] = (0, 0),
    ) -> None:
        """Keep where a planned clip is stored; one that is stored already stays as it is.

        Args:
            clip_id: the clip.
            key: of its object.
            start_us: of its first frame.
            end_us: of the end of its last frame.
            bytes: size of its file.
            width: of its pictures, pixels.
            height: of its pictures, pixels.
            frames: how many are shown.
            detail: what is wrong with it, one sentence; empty: nothing.
            at_us: the time.
            cut: ``(start_us, end_us)`` as it was planned when it was begun. If a read made it longer since, what is
                longer is planned as a clip that goes on from it, or that was before it.
            around: ``(pre_us, post_us)``, how long before and after a read clips reach.

        Raises:
            NotFound: there is no such clip any more; it has become part of another.
        """
        values = {"key": key, "start_us": start_us, "end_us": end_us, "bytes": bytes, "width": width, "height": height}
        more = {"frames": frames, "detail": detail, "state": "stored", "stored_us": at_us}
        self._finish(clip_id, {**values, **more}, cut, around, at_us)

    @retried
    def failed(
        self,
        clip_id: str,
        detail: str,
        at_us: int,
        cut: tuple[int, int] | None = None,
        around: tuple[int, int] = (0, 0),
    ) -> None:
        """Keep that a planned clip could not be made, and why; ``cut`` and ``around`` are those of :meth:`stored`.

        Raises:
            NotFound: there is no such clip any more; it has become part of another.
        """
        self._finish(clip_id, {"state": "failed", "detail": detail}, cut, around, at_us)

    def get(self, clip_id: str) -> Clip:
        """Return a clip.

        Raises:
            NotFound: there is none of that id.
        """
        found = self._find(select(*CLIP).where(ClipRow.id == clip_id, *self._seen()))
        if not found:
            raise NotFound(f"there is no clip {clip_id[:64]!r}")
        return found[0]

    def count(self, query: ClipQuery) -> int:
        """Return how many clips are asked for, on all pages."""
        with self._db.look() as c:
            return c.execute(select(func.count()).select_from(ClipRow).where(*self._asked(query))).scalar_one()

    def of_event(self, event_id: str) -> list[Clip]:
        """Return all clips of a plate event by start, also those that are planned or could not be made."""
        return self.of_events([event_id]).get(event_id, [])

    def of_events(self, ids: Collection[str]) -> dict[str, list[Clip]]:
        """Return the clips of plate events by start; events without one are left out."""
        wanted = sorted(set(ids))
        found: dict[str, list[Clip]] = {}
        for at in range(0, len(wanted), _IDS_AT_ONCE):
            part = set(wanted[at : at + _IDS_AT_ONCE])
            of = select(ClipPlateEventRow.clip).where(ClipPlateEventRow.event.in_(sorted(part)))
            query = select(*CLIP).where(ClipRow.id.in_(of), *self._seen()).order_by(ClipRow.start_us, ClipRow.id)
            for clip in self._find(query):
                for event in part.intersection(clip.events):
                    found.setdefault(event, []).append(clip)
        return found

    def stats(self, zone: ZoneInfo) -> ClipStats:
        """Return how much was stored in clips, and how many of them began on each day of ``zone``."""
        quarter = ClipRow.start_us - ClipRow.start_us % _QUARTER_US
        query = (
            select(quarter, func.count(), func.sum(ClipRow.bytes), func.sum(ClipRow.end_us - ClipRow.start_us))
            .where(ClipRow.state.in_(_LISTED), *self._seen())
            .group_by(quarter)
            .order_by(quarter)
        )
        count = size = duration_us = 0
        by_day: dict[date, int] = {}
        with self._db.look() as c:
            for at, clips, their_bytes, their_us in c.execute(query):
                day = to_datetime(int(at), zone).date()
                by_day[day] = by_day.get(day, 0) + clips
                count, size, duration_us = count + clips, size + int(their_bytes), duration_us + int(their_us)
        return ClipStats(count, size, duration_us, by_day)

    @retried
    def archive_before(self, end_us: int, now_us: int) -> int:
        """Mark the stored clips that ended before an instant as archived, but for held ones; return how many were."""
        old = (ClipRow.state == "stored") & (ClipRow.end_us < end_us) & ~clip_is_held()
        with self._db.begin() as c:
            archived = update(ClipRow).where(old, *self._seen()).values(state="archived")
            return c.execute(archived, {"now_us": now_us}).rowcount

    def _seen(self) -> list[ColumnElement[bool]]:
        return seen(self._visible, ClipRow.camera, ClipRow.start_us)

    def _asked(self, query: ClipQuery) -> list[ColumnElement[bool]]:
        return [*_conditions(query), *self._seen()]

    def _find(self, query: Select[Any]) -> list[Clip]:
        with self._db.read() as c:
            return find_clips(c, query)

    def _finish(
        self, clip_id: str, values: dict[str, Any], cut: tuple[int, int] | None, around: tuple[int, int], at_us: int
    ) -> None:
        camera = self.get(clip_id).camera
        with self._db.begin() as c:
            lock_camera(c, camera)
            lengths = Lengths(*around, MAX_CLIP_US)
            finish(c, clip_id, values, Interval(*cut) if cut else None, lengths, at_us)

    def list(self, query: ClipQuery) -> list[Clip]:
        """Return the clips that are asked for, newest first."""
        # Without statistics, databases take the index of states, and sort all clips.
        of = among(self._visible, query.cameras)
        index = "ix_clips_camera" if of is not None and len(of) == 1 else "ix_clips_start"
        chosen = select(*CLIP).with_hint(ClipRow, f"INDEXED BY {index}", "sqlite")
        chosen = chosen.with_hint(ClipRow, f"FORCE INDEX ({index})", "mysql")
        chosen = chosen.where(*self._asked(query)).order_by(ClipRow.start_us.desc(), ClipRow.id.desc())
        if query.before is not None:
            start_us, clip_id = query.before
            chosen = chosen.where(ClipRow.start_us <= start_us, or_(ClipRow.start_us < start_us, ClipRow.id < clip_id))
        return self._find(chosen.limit(query.limit).offset(query.offset))


def _conditions(query: ClipQuery) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [ClipRow.state.in_(sorted(query.states or _LISTED))]
    if query.cameras is not None:
        found.append(ClipRow.camera.in_(sorted(query.cameras)))
    if query.end_us is not None:
        found.append(ClipRow.start_us < query.end_us)
    if query.start_us is not None:
        found.append(and_(ClipRow.start_us > query.start_us - MAX_CLIP_US, ClipRow.end_us > query.start_us))
    return found
