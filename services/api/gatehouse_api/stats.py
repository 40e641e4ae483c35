"""What the page of statistics shows: how much is recorded, what is missing, what came, for how long there is room."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from gatehouse_api.camera_advice import advice_of
from gatehouse_common.accounts import Principal
from gatehouse_common.clock import HOUR, SECOND
from gatehouse_common.db import Camera, ChunkDays, CoverageReader, Database, PeopleStats, PlateStats, Visible
from gatehouse_common.db.chunk_days import DAY_US
from gatehouse_common.db.coverage import Coverage, Stretch
from gatehouse_common.intervals import Interval
from gatehouse_common.sizefmt import shown_size
from gatehouse_common.timefmt import midnight, rfc3339, to_datetime

_LONGEST_GAPS = 30
_MOST_PLATES = 10
_NOBODY_WANTS = ("disabled", "purged", "deleted")
_WELL, _FAIR = 99.5, 90.0
_SHOWN_US = SECOND


@dataclass(frozen=True, slots=True)
class DayCell:
    """How much of a day of a camera is recorded.

    Attributes:
        day: ``2026-05-17``.
        percentage: of what is expected; None: nothing is.
        grade: ``all``, ``most``, ``some``, or ``none`` where nothing is expected.
    """

    day: str
    percentage: float | None
    grade: str

    @property
    def shown(self) -> str:
        """The percentage for people: 100 is said only of what is whole."""
        if self.percentage is None:
            return "–"
        return "100" if self.percentage >= 99.995 else f"{min(self.percentage, 99.9):.1f}".removesuffix(".0")


@dataclass(frozen=True, slots=True)
class CameraRow:
    """A camera in the table: its share of all days together, its hours, and its days."""

    id: str
    name: str
    total: DayCell
    hours: float
    days: tuple[DayCell, ...]


@dataclass(frozen=True, slots=True)
class RateRow:
    """Pictures a second of a camera, in words: asked for, that come, dropped; and what to do about it."""

    name: str
    asked: str
    comes: str
    dropped: str
    advice: str | None


@dataclass(frozen=True, slots=True)
class GapRow:
    """A gap: whose, from when to when, how long in words, why, and where the timeline shows it."""

    camera: str
    name: str
    start: str
    end: str
    length: str
    cause: str
    at: str
    open: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure beside others: what it is of, its value, the value in words."""

    label: str
    value: float
    shown: str


@dataclass(frozen=True, slots=True)
class PersonRow:
    """What a user recorded and uploaded, in words; ``name`` is empty where nobody is known."""

    name: str
    recordings: int
    length: str
    recorded: str
    uploads: int
    uploaded: str


@dataclass(frozen=True, slots=True)
class Days:
    """Whole days of a zone, the last of them today; ``edges`` are their midnights, one more than there are days."""

    dates: tuple[date, ...]
    edges: tuple[int, ...]

    @property
    def span(self) -> Interval:
        """From the first midnight to the last."""
        return Interval(self.edges[0], self.edges[-1])


def last_days(count: int, now_us: int, zone: ZoneInfo) -> Days:
    """Return so many days of a zone that end with today; days of 23 and 25 hours are what they are."""
    today = to_datetime(now_us, zone).date()
    dates = tuple(today - timedelta(days=n) for n in reversed(range(count)))
    midnights = (*dates, today + timedelta(days=1))
    return Days(dates, tuple(midnight(day, zone) for day in midnights))


def coverages(db: Database, cameras: Iterable[Camera], days: Days, asks: Principal, now_us: int) -> dict[str, Coverage]:
    """Return the ledgers of cameras, by id; to who may look back only for a while they begin then."""
    reader, found = CoverageReader(db), dict[str, Coverage]()
    for camera in cameras:
        since = asks.earliest_us(camera.id, now_us) or 0
        seen = replace(camera, created_us=max(camera.created_us, since))
        found[camera.id] = reader.coverage(seen, days.span, now_us)
    return found


def camera_rows(cameras: Iterable[Camera], found: dict[str, Coverage], days: Days) -> list[CameraRow]:
    """Return the table of how much of each day is recorded."""
    rows = []
    for camera in cameras:
        stretches = found[camera.id].stretches
        cells = tuple(
            _cell(day.isoformat(), stretches, Interval(start, end))
            for day, start, end in zip(days.dates, days.edges, days.edges[1:], strict=False)
        )
        total = _cell("all days", stretches, days.span)
        rows.append(CameraRow(camera.id, camera.name, total, found[camera.id].recorded_us / HOUR, cells))
    return rows


def _cell(label: str, stretches: Sequence[Stretch], span: Interval) -> DayCell:
    recorded = expected = 0
    for one in stretches:
        inside = max(0, min(one.end_us, span.end) - max(one.start_us, span.start))
        recorded += inside if one.cause is None else 0
        expected += 0 if one.cause in _NOBODY_WANTS else inside
    share = 100.0 * recorded / expected if expected else None
    grade = "none" if share is None else "all" if share >= _WELL else "most" if share >= _FAIR else "some"
    return DayCell(label, share, grade)


def rates(cameras: Iterable[Camera]) -> list[RateRow]:
    """Return how many pictures a second come of those that are recorded, and how many were asked for."""
    return [
        RateRow(
            camera.name or camera.id,
            f"{camera.asked_fps:g}" if camera.asked_fps else "–",
            f"{camera.fps:.1f}",
            f"{camera.dropped:.1%}, {camera.dropped_frames} in all" if camera.asked_fps else "–",
            advice_of(camera),
        )
        for camera in cameras
        if camera.enabled and camera.state == "recording"
    ]


def longest_gaps(cameras: Iterable[Camera], found: dict[str, Coverage], zone: ZoneInfo) -> list[GapRow]:
    """Return the longest gaps that somebody may miss, the longest first."""
    names = {camera.id: camera.name for camera in cameras}
    missed = [
        (one, camera)
        for camera, coverage in found.items()
        for one in coverage.stretches
        if one.cause is not None and one.cause not in _NOBODY_WANTS and one.duration_us >= _SHOWN_US
    ]
    missed.sort(key=lambda pair: (-pair[0].duration_us, pair[0].start_us))
    return [
        GapRow(
            camera,
            names[camera],
            to_datetime(one.start_us, zone).strftime("%Y-%m-%d %H:%M:%S"),
            to_datetime(one.end_us, zone).strftime("%Y-%m-%d %H:%M:%S"),
            in_words(one.duration_us),
            (one.cause or "").replace("_", " "),
            rfc3339(one.start_us - 5 * SECOND, zone),
            one.open,
        )
        for one, camera in missed[:_LONGEST_GAPS]
    ]


def in_words(length_us: int) -> str:
    """Return a length as people say it: ``3 h 20 min``, ``4 min 5 s``, ``12 s``."""
    seconds = max(1, round(length_us / SECOND))
    hours, minutes, seconds = seconds // 3600, seconds // 60 % 60, seconds % 60
    if hours >= 48:
        return f"{hours // 24} days {hours % 24} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def bytes_per_day(db: Database, visible: Visible | None, days: Days) -> list[Bar]:
    """Return how many bytes of recordings there are of each day of UTC that the days touch, the newest first."""
    sums: dict[int, int] = {}
    since = {} if visible is None else visible.since_us
    for day in ChunkDays(db, visible).all():
        touches = days.edges[0] < day.start_us + DAY_US and day.start_us < days.edges[-1]
        if touches and day.start_us >= since.get(day.camera, 0):
            sums[day.start_us] = sums.get(day.start_us, 0) + day.bytes
    ordered = sorted(sums.items(), reverse=True)
    return [Bar(to_datetime(at, ZoneInfo("UTC")).date().isoformat(), size, shown_size(size)) for at, size in ordered]


def plates_by_hour(db: Database, visible: Visible | None, days: Days, zone: ZoneInfo) -> list[Bar]:
    """Return how many plates came in each hour of the day of the site, of all the days together."""
    hours = [0] * 24
    for at, count in PlateStats(db, visible).per_quarter(days.edges[0], days.edges[-1]).items():
        hours[to_datetime(at, zone).hour] += count
    return [Bar(f"{hour:02}:00", count, str(count)) for hour, count in enumerate(hours)]


def people(db: Database, visible: Visible | None, owner: int | None, days: Days) -> list[PersonRow]:
    """Return what each user recorded and uploaded; ``owner``: whose is told, None: everybody's."""
    return [
        PersonRow(
            one.name,
            one.recordings,
            in_words(one.recorded_us) if one.recordings else "–",
            shown_size(one.recorded_bytes) if one.recordings else "–",
            one.uploads,
            shown_size(one.uploaded_bytes) if one.uploads else "–",
        )
        for one in PeopleStats(db, visible, owner).sums(days.span.start, days.span.end)
    ]


def top_plates(db: Database, visible: Visible | None, days: Days, zone: ZoneInfo) -> list[tuple[str, int, str]]:
    """Return the plates that came most often: text, how often, and when last."""
    found = PlateStats(db, visible).most(days.edges[0], days.edges[-1], _MOST_PLATES)
    return [(text, times, to_datetime(at, zone).strftime("%Y-%m-%d %H:%M")) for text, times, at in found]
