"""What goes next, when, and how many bytes; and for how long the room is enough. Looking deletes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from gatehouse_common.clock import HOUR
from gatehouse_common.db import (
    AgedFiles,
    ChunkDay,
    ChunkDays,
    Database,
    Deletions,
    HoldRepository,
    Kept,
    RetentionReader,
    Visible,
)
from gatehouse_common.db.chunk_days import DAY_US
from gatehouse_common.settings import SettingsModel
from gatehouse_common.sizefmt import shown_size
from gatehouse_common.storage import Capacity

from .coming import DayDue, coming
from .due import ClassDue, chunks_due, clips_due, files_due
from .reserve import reserve_bytes
from .rules import GB, CameraRules, Rules, files_kept_us

_MOST_NEXT = 20
_MUCH_HELD = 0.5


@dataclass(frozen=True, slots=True)
class NextGone:
    """An object that goes, and when; microseconds UTC."""

    kind: str
    camera: str
    key: str
    start_us: int
    end_us: int
    bytes: int
    at_us: int


@dataclass(frozen=True, slots=True)
class Room:
    """The room of the store in bytes, and what is written to it in bytes a second.

    Attributes:
        total: size of the disk; None: it has no limit that is known, as a bucket.
        free: free bytes; None as above.
        reserve: so much is kept free.
        recordings: what stored recordings take.
        clips: what clips take.
        held: what of both is on hold.
        limit: what recordings and clips may take by the settings; None: as much as there is.
        rate: of all cameras that record, together.
    """

    total: int | None
    free: int | None
    reserve: int
    recordings: int
    clips: int
    held: int
    limit: int | None
    rate: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """For how long recordings can be kept.

    Attributes:
        wanted_us: for how long they shall be, the longest of all cameras; None: for as long as there is room.
        needs: bytes that takes at the present rate; None as above.
        has: bytes there are for recordings; None: there is no limit.
        reaches_us: how far that reaches; None: there is no limit, or nothing is recorded.
        sentence: the same for people.
    """

    wanted_us: int | None
    needs: int | None
    has: int | None
    reaches_us: int | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Outlook:
    """What retention will do, as things stand.

    Attributes:
        now_us: when it was looked at.
        enabled: whether anything is deleted at all.
        due: what has come of age, by class.
        days: what comes of age in the time to come, by local day and class, soonest first; held objects included.
        next: the objects that go first by their age.
        room: how much room there is.
        forecast: for how long it is enough.
        pending: objects that have been decided on and may still be there.
    """

    now_us: int
    enabled: bool
    due: list[ClassDue]
    days: list[DayDue]
    next: list[NextGone]
    room: Room
    forecast: Forecast
    pending: int = field(default=0)

    @property
    def warnings(self) -> list[str]:
        """What somebody should see to before room or time runs out, in sentences; mostly none."""
        room, found = self.room, list[str]()
        whole = room.limit if room.total is None else min(room.total, room.limit or room.total)
        if whole and room.held > whole * _MUCH_HELD:
            found.append(
                f"{shown_size(room.held)} of {shown_size(whole)} are on hold: what is recorded from now on is kept for "
                "less and less time, and in the end there is no room for it. Release holds, or export and release them."
            )
        needs, has = self.forecast.needs, self.forecast.has
        if needs is not None and has is not None and has < needs:
            found.append(
                "Recordings will be deleted before they are as old as they shall become: there is too little room."
            )
        return found


def look_ahead(
    site: SettingsModel,
    db: Database,
    capacity: Capacity | None,
    now_us: int,
    zone: ZoneInfo,
    most_next: int = _MOST_NEXT,
    visible: Visible | None = None,
) -> Outlook:
    """Return what retention will do.

    Args:
        site: the settings.
        db: the index.
        capacity: room of the store, None if it has no limit that is known.
        now_us: the time.
        zone: of the days.
        most_next: so many objects are named.
        visible: the cameras that it is about; None: all. How much room there is, and what is free of it, tells how much
            the others take: it is not known then.

    Raises:
        Unavailable: the database does not answer.
    """
    rules, reader = CameraRules(site, db), RetentionReader(db, visible)
    days = ChunkDays(db, visible).all()
    recording = [camera.id for camera in rules.cameras.values() if camera.enabled]
    rates = reader.rates([camera for camera in recording if visible is None or visible.has(camera)])
    clips = reader.clip_totals()
    holds = HoldRepository(db, visible)
    held_recordings = holds.held_recordings(now_us).bytes
    limit = round(site.retention.max_gb * GB) if site.retention.max_gb and visible is None else None
    capacity = capacity if visible is None else None
    reserve = 0 if capacity is None else reserve_bytes(site.retention, capacity.total, sum(rates.values()))
    room = Room(
        total=None if capacity is None else capacity.total,
        free=None if capacity is None else capacity.free,
        reserve=reserve,
        recordings=sum(day.bytes for day in days),
        clips=clips.bytes,
        held=held_recordings + holds.held_clip_bytes(now_us),
        limit=limit,
        rate=sum(rates.values()),
    )
    files = AgedFiles(db)  # they are of people: of no use to whoever asks about some cameras
    kept_us = files_kept_us(site) if visible is None else {}
    next_gone = _next_gone(rules, reader, days, now_us, most_next)
    return Outlook(
        now_us=now_us,
        enabled=site.retention.enabled,
        due=[
            chunks_due(rules, reader, holds, days, now_us),
            clips_due(rules, reader, now_us),
            *files_due(kept_us, files, now_us),
        ],
        days=coming(
            rules,
            reader,
            days,
            now_us,
            zone,
            {kind: (kept, files.days(kind, now_us - kept)) for kind, kept in kept_us.items()},
        ),
        next=next_gone,
        room=room,
        forecast=_forecast(rules, rates, room, held_recordings, partial=visible is not None),
        pending=Deletions(db).pending(visible),
    )


def _next_gone(
    rules: CameraRules, reader: RetentionReader, days: Sequence[ChunkDay], now_us: int, most: int
) -> list[NextGone]:
    """Return the objects that go first by their age."""
    found: list[NextGone] = []
    keeps = {camera: _keep_us(rules.of(camera)) for camera in {day.camera for day in days}}
    first: dict[str, int] = {}
    for day in days:  # by camera and day: the first of each camera is its oldest
        keep_us = keeps[day.camera]
        if keep_us is not None and day.camera not in first:
            first[day.camera] = day.day * DAY_US + keep_us
    # As many cameras whose oldest days go first have the first objects, and those whose days begin within these.
    latest = sorted(first.values())[:most][-1:]
    soonest = {
        camera: now_us + (keeps[camera] or 0) for camera, at in first.items() if latest and at <= latest[0] + DAY_US
    }
    for kept in reader.oldest_of(soonest, now_us, most):
        keep_us = keeps[kept.camera] or 0
        found.append(_gone("continuous", kept, max(now_us, kept.end_us + keep_us)))
    for camera in reader.cameras_with_clips():
        own = rules.of(camera)
        if own.event_us is None:
            continue
        keep_us = max(own.event_us, own.minimum_us) + own.archive_us
        for state in ("stored", "archived"):
            clips = reader.clips_before(state, camera, now_us + keep_us, now_us, most)
            found += [_gone("event", kept, max(now_us, kept.end_us + keep_us)) for kept in clips]
    return sorted(found, key=lambda gone: (gone.at_us, gone.start_us, gone.key))[:most]


def _keep_us(own: Rules) -> int | None:
    """Return how long recordings are kept by their age, None if that is no reason for them to go."""
    return None if own.continuous_us is None else max(own.continuous_us, own.minimum_us)


def _gone(kind: str, kept: Kept, at_us: int) -> NextGone:
    return NextGone(kind, kept.camera, kept.key, kept.start_us, kept.end_us, kept.bytes, at_us)


def _forecast(rules: CameraRules, rates: dict[str, float], room: Room, held: int, *, partial: bool) -> Forecast:
    spans = {camera: rules.of(camera).continuous_us for camera in rates}
    wanted = None if not spans or None in spans.values() else max(s for s in spans.values() if s is not None)
    needs = None
    if wanted is not None:
        needs = round(sum(rate * (spans[camera] or 0) / 1e6 for camera, rate in rates.items()))
    has = None if room.free is None else max(0, room.free + room.recordings - held - room.reserve)
    if room.limit is not None:
        below = max(0, room.limit - room.clips - held)
        has = below if has is None else min(has, below)
    reaches = None if has is None or room.rate <= 0 else round(has / room.rate * 1e6)
    said = _sentence(len(rates), room.rate, wanted, needs, has, reaches)
    if partial and room.rate > 0:
        said = f"{_begun(len(rates), room.rate)}; how long the room is enough is told to whoever sees all cameras."
    return Forecast(wanted, needs, has, reaches, said)


def _sentence(
    cameras: int, rate: float, wanted: int | None, needs: int | None, has: int | None, reaches: int | None
) -> str:
    if rate <= 0:
        return "Nothing has been stored yet, so it cannot be said how long the room is enough."
    begun = _begun(cameras, rate)
    if has is None or reaches is None:
        return f"{begun}; the store has no limit that is known."
    there = f"there are {shown_size(has)} for recordings: {_hours(reaches)}"
    if wanted is None or needs is None:
        return f"{begun}; {there}."
    enough = "" if has >= needs else ", not enough"
    return f"{begun}: {_hours(wanted)} take {shown_size(needs)}; {there}{enough}."


def _begun(cameras: int, rate: float) -> str:
    whose = "1 camera sends" if cameras == 1 else f"{cameras} cameras send"
    return f"{whose} {rate * 8 / 1e6:.3g} Mbit/s"


def _hours(span_us: int) -> str:
    hours = span_us / HOUR
    return f"{hours / 24:.0f} days" if hours >= 24 * 14 else f"{hours:.0f} h" if hours >= 2 else f"{hours * 60:.0f} min"
