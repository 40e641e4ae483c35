"""When there is footage: recorded spans and gaps of many cameras, and days; no row per chunk leaves the database."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Select, bindparam, func, or_, select

from gatehouse_common.clock import MILLISECOND
from gatehouse_common.intervals import Interval, subtract
from gatehouse_common.timefmt import from_datetime, to_datetime

from .engine import Database
from .footage import bounds, find_gaps, in_range
from .models import ChunkRow
from .records import Day, Gap, Timeline

SLACK_US = MILLISECOND
"""Chunks this close are one span: the end of a frame is rounded to the microsecond in each of them."""


_HAS_FOOTAGE = ChunkRow.end_us > ChunkRow.start_us
"""A chunk that has just been opened covers no time yet, and joins nothing."""


def _islands() -> Select[Any]:
    """Return the query of the joints of a range: where a span begins and the one before it ended."""
    reached = func.max(ChunkRow.end_us).over(order_by=ChunkRow.start_us, rows=(None, -1)).label("reached_us")
    walked = select(ChunkRow.start_us, ChunkRow.end_us, reached).where(in_range(), _HAS_FOOTAGE).subquery()
    joint = or_(walked.c.reached_us.is_(None), walked.c.start_us > walked.c.reached_us + bindparam("slack_us"))
    return select(walked.c.start_us, walked.c.reached_us).where(joint).order_by(walked.c.start_us)


_ISLANDS = _islands()
_END = select(func.max(ChunkRow.end_us)).where(in_range(), _HAS_FOOTAGE)


class TimelineReader:
    """What the timeline and the calendar show."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def recorded(self, camera: str, start_us: int, end_us: int) -> list[Interval]:
        """Return what a camera recorded in ``[start_us, end_us)``: clipped to it, sorted, disjoint."""
        with self._db.read() as c:
            return find_recorded(c, camera, start_us, end_us)

    def timeline(self, cameras: Collection[str], start_us: int, end_us: int) -> dict[str, Timeline]:
        """Return recorded spans and gaps of each camera, clipped to ``[start_us, end_us)``."""
        with self._db.read() as c:
            found = {}
            for camera in cameras:
                recorded = find_recorded(c, camera, start_us, end_us)
                found[camera] = Timeline(recorded, _gaps(c, camera, start_us, end_us, recorded))
            return found

    def days(self, camera: str, start_us: int, end_us: int, zone: ZoneInfo) -> list[Day]:
        """Return the days of ``zone`` in which a camera recorded, and how much of each; days have 23 to 25 hours."""
        found: dict[Any, int] = {}
        for span in self.recorded(camera, start_us, end_us):
            at = span.start
            while at < span.end:
                day = to_datetime(at, zone).date()
                midnight = from_datetime(datetime.combine(day + timedelta(days=1), datetime.min.time(), zone))
                until = min(span.end, midnight)
                found[day] = found.get(day, 0) + until - at
                at = until
        return [Day(day, recorded_us) for day, recorded_us in found.items()]


def find_recorded(c: Connection, camera: str, start_us: int, end_us: int) -> list[Interval]:
    """Return what a camera recorded in a range: clipped to it, sorted, disjoint."""
    where = bounds(camera, start_us, end_us)
    joints = c.execute(_ISLANDS, {**where, "slack_us": SLACK_US}).all()
    if not joints:
        return []
    ends = [reached for _, reached in joints[1:]] + [c.execute(_END, where).scalar_one()]
    spans = (Interval(max(start, start_us), min(end, end_us)) for (start, _), end in zip(joints, ends, strict=True))
    return [span for span in spans if span.duration > 0]


def _gaps(c: Connection, camera: str, start_us: int, end_us: int, recorded: Collection[Interval]) -> list[Gap]:
    """Return the gaps, clipped. A hole that was found before a run may have been filled since: the clock was set back.

    Pauses inside a run are gaps too, and lie in what counts as recorded; they have no run of their own.
    """
    spans = sorted(recorded)
    begins, ends = [span.start for span in spans], [span.end for span in spans]
    found: list[Gap] = []
    for gap in find_gaps(c, camera, start_us, end_us):
        clipped = Interval(max(gap.start_us, start_us), min(gap.end_us, end_us))
        # Of thousands of spans only those that it meets matter, mostly none.
        met = spans[bisect_right(ends, clipped.start) : bisect_left(begins, clipped.end)] if gap.run else []
        left = subtract(clipped, met) if met else [clipped]
        if left == [Interval(gap.start_us, gap.end_us)]:
            found.append(gap)
            continue
        found += [replace(gap, start_us=g.start, end_us=g.end) for g in left if g.duration > SLACK_US or g == clipped]
    return found
