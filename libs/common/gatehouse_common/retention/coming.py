"""What comes of age on which local day, from the sums of days of UTC: exact in all, and to the hour where days meet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gatehouse_common.db import ChunkDay, FileClass, RetentionReader
from gatehouse_common.db.chunk_days import DAY_US
from gatehouse_common.timefmt import from_datetime, to_datetime

from .rules import CameraRules

_Span = tuple[int, int]
_Sums = dict[_Span, tuple[int, int]]
"""Objects and their bytes, by the span in which they come of age; microseconds UTC."""


@dataclass(frozen=True, slots=True)
class DayDue:
    """What of a class, see ``ClassDue``, comes of age on a local day; bytes."""

    date: date
    kind: str
    objects: int
    bytes: int


def coming(
    rules: CameraRules,
    reader: RetentionReader,
    days: Sequence[ChunkDay],
    now_us: int,
    zone: ZoneInfo,
    files: Mapping[FileClass, tuple[int, Sequence[tuple[int, int, int]]]] | None = None,
) -> list[DayDue]:
    """Return what is not of age yet and comes of it, by local day; held objects included.

    What a day of UTC holds comes of age within a day, on two local days: each has the part that is its own if recording
    was even.

    Args:
        rules: of the cameras.
        reader: counts what of a day has come of age already.
        days: what is stored of each day.
        now_us: the time.
        zone: of the days.
        files: how long classes of files of people are kept, microseconds, and what there is of each day, see
            ``AgedFiles.days``.
    """
    found: dict[tuple[date, str], list[int]] = defaultdict(lambda: [0, 0])
    for kind, sums in (
        ("continuous", _recordings(rules, reader, days, now_us)),
        ("event", _clips(rules, reader, now_us)),
        *((kind, _files(kept, theirs, now_us)) for kind, (kept, theirs) in (files or {}).items()),
    ):
        for (from_us, to_us), (count, size) in sums.items():
            for when, some, their_bytes in _by_local_day(max(from_us, now_us), to_us, count, size, zone):
                found[when, kind][0] += some
                found[when, kind][1] += their_bytes
    return [DayDue(when, kind, *sums) for (when, kind), sums in sorted(found.items()) if sums[0]]


def _recordings(rules: CameraRules, reader: RetentionReader, days: Sequence[ChunkDay], now_us: int) -> _Sums:
    """Return what is not due, by the span in which it comes of age."""
    found: _Sums = {}
    begun: dict[_Span, list[tuple[str, int, int, int]]] = defaultdict(list)
    before = {camera: rules.of(camera).continuous_before(now_us) for camera in {day.camera for day in days}}
    for day in days:
        limit, start_us = before[day.camera], day.day * DAY_US
        if limit is None or start_us + DAY_US <= limit:
            continue
        span = _going(start_us, now_us - limit, now_us)
        count, size = found.get(span, (0, 0))
        found[span] = count + day.chunks, size + day.bytes
        if start_us < limit:
            begun[span].append((day.camera, start_us, start_us + DAY_US, limit))
    for span, spans in begun.items():
        gone, their_bytes = reader.sums(spans)
        count, size = found[span]
        found[span] = max(0, count - gone), max(0, size - their_bytes)
    return found


def _clips(rules: CameraRules, reader: RetentionReader, now_us: int) -> _Sums:
    """Return the same of clips, whose files go when their rows have been archived for long enough."""
    found: _Sums = {}
    for camera in reader.cameras_with_clips():
        own = rules.of(camera)
        if own.event_us is None:
            continue
        keep_us = max(own.event_us, own.minimum_us) + own.archive_us
        for start_us, clips, size in reader.clip_days(camera, now_us - keep_us):
            span = _going(start_us, keep_us, now_us)
            known = found.get(span, (0, 0))
            found[span] = known[0] + clips, known[1] + size
    return found


def _files(keep_us: int, days: Sequence[tuple[int, int, int]], now_us: int) -> _Sums:
    """Return the same of files of people."""
    return {_going(start_us, keep_us, now_us): (objects, size) for start_us, objects, size in days}


def _going(start_us: int, keep_us: int, now_us: int) -> _Span:
    """Return when what a day of UTC holds comes of age; of the day that is not over, what there is of it."""
    return start_us + keep_us, max(min(start_us + DAY_US, now_us), start_us + 1) + keep_us


def _by_local_day(from_us: int, to_us: int, count: int, size: int, zone: ZoneInfo) -> Iterator[tuple[date, int, int]]:
    """Yield what of objects that come of age evenly within a span does so on which local day."""
    told, told_bytes, lasts = 0, 0, to_us - from_us
    when = to_datetime(from_us, zone).date()
    while lasts > 0 and told < count:
        midnight = from_datetime(datetime.combine(when + timedelta(days=1), time(), zone))
        share = min(1.0, (midnight - from_us) / lasts)
        until, bytes_until = round(count * share), round(size * share)
        yield when, until - told, bytes_until - told_bytes
        told, told_bytes, when = until, bytes_until, when + timedelta(days=1)
