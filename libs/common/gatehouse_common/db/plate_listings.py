"""Which visits of plates are on which lists: noted once for each visit and entry, and told until it has been heard."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, false, insert, select, true, update

from gatehouse_common.ids import new_id

from .contention import retried
from .engine import Database
from .happenings import note
from .plate_models import PlateEventRow
from .watch_models import PlateListingRow
from .watch_records import KINDS, Listing, WatchMatch
from .watch_rows import LISTING, listing_of
from .watched_plates import WatchedPlates

MOST_OF_ONE: Final = 50
"""Of entries that a plate is only like, those that count most are told."""
_MOST_EXACT: Final = 200
_MOST_ROWS: Final = 2000
"""Of one visit, whose text may have been voted otherwise again and again."""
_IDS_AT_ONCE: Final = 500
_Event = Row[str, str, int, int, bool]
_EVENT = select(
    PlateEventRow.camera, PlateEventRow.text, PlateEventRow.start_us, PlateEventRow.end_us, PlateEventRow.rejected
)


class PlateListings:
    """Notes and finds what entries match visits.

    Args:
        db: the index.
        watched: compares plates with entries; None: one of its own.
    """

    def __init__(self, db: Database, watched: WatchedPlates | None = None) -> None:
        self._db = db
        self._watched = watched or WatchedPlates(db)

    def note(self, event_id: str, zone: ZoneInfo, now_us: int) -> list[Listing]:
        """Note which entries match what a plate event says by now; return what is to be told of it.

        An entry has to be valid when the visit begins. What was told before is not told again, whatever the plate says
        meanwhile, but for two things that somebody may act on: what was like the plate is it to the letter now, or
        the list is of another kind. Whether it still matches, and how far it is away, is kept up. A plate event that a
        person rejected matches nothing.

        Args:
            event_id: the plate event; one that is gone matches nothing.
            zone: that of schedules.
            now_us: the time.
        """
        with self._db.look() as c:
            event = c.execute(_EVENT.where(PlateEventRow.id == event_id)).first()
        if event is None:
            return []
        found = self._matches(event, zone)
        with self._db.look() as c:
            known = _known(c, event_id)
        # Most plates are on no list, and most messages say what was said before: they cost two look-ups.
        if _as_found(known, found, event.text):
            return [one for one in known if one.stands and not one.told]
        return self._write(event_id, zone, now_us)

    @retried
    def _write(self, event_id: str, zone: ZoneInfo, now_us: int) -> list[Listing]:
        with self._db.begin() as c:
            event = c.execute(_EVENT.where(PlateEventRow.id == event_id).with_for_update()).first()
            if event is None:
                return []
            found = {one.entry.id: one for one in self._matches(event, zone)}
            known = _known(c, event_id)  # whoever else notes something of this event waits for its row
            again: list[Listing] = []
            for one in known:
                now = _as_now(one, found.pop(one.entry, None), event.text, now_us)
                if now != one:
                    of = (PlateListingRow.event == event_id, PlateListingRow.entry == one.entry)
                    c.execute(update(PlateListingRow).where(*of).values(asdict(now)))
                again += [now] if now.id != one.id else []
            room = len(known) < _MOST_ROWS
            new = [_listing(event_id, event, one, now_us) for one in found.values() if room or not one.distance]
            if new:
                c.execute(insert(PlateListingRow), [asdict(one) for one in new])
            for one in [*again, *new]:  # of when the plate was there, not of when that was found
                note(c, "plate.listed", one.id, one.camera, event.end_us)
            return [one for one in _known(c, event_id) if one.stands and not one.told]

    @retried
    def note_told(self, ids: Collection[str]) -> None:
        """Note that listings have been told."""
        with self._db.begin() as c:
            c.execute(update(PlateListingRow).where(PlateListingRow.id.in_(sorted(ids))).values(told=True))

    def untold(self, before_us: int, limit: int = 100) -> list[Listing]:
        """Return what was noted before an instant and not told yet, and still stands; the oldest first."""
        row = PlateListingRow
        # "= false", for by "IS false" MariaDB does not see that the order is that of the index.
        query = select(*LISTING).where(row.told == false(), row.noted_us < before_us, row.stands == true())
        with self._db.look() as c:
            return [listing_of(one) for one in c.execute(query.order_by(row.noted_us).limit(limit))]

    def since(self, since_us: int, limit: int) -> list[Listing]:
        """Return what was noted at an instant and later, the newest first."""
        row = PlateListingRow
        query = select(*LISTING).where(row.noted_us >= since_us)
        query = query.order_by(row.noted_us.desc(), row.id.desc()).limit(limit)
        with self._db.look() as c:
            return [listing_of(one) for one in c.execute(query)]

    def by_id(self, ids: Collection[str]) -> dict[str, Listing]:
        """Return listings by their ids; those that there are none of are left out."""
        return {one.id: one for one in self._of(PlateListingRow.id, ids)}

    def of_events(self, texts: Mapping[str, str]) -> dict[str, list[Listing]]:
        """Return by plate event what matches what it says by now: who is denied first, the closest first.

        Args:
            texts: what they say, by their ids; empty: a person said that it is no plate. What was found of another text
                is not shown of this one, though nobody has looked at it yet.
        """
        found: dict[str, list[Listing]] = {}
        for one in sorted(self._of(PlateListingRow.event, texts), key=_rank):
            if one.stands and one.text == texts[one.event]:
                found.setdefault(one.event, []).append(one)
        return found

    def _of(self, column: Any, values: Collection[str]) -> list[Listing]:
        wanted = sorted(set(values))
        found: list[Listing] = []
        with self._db.read() as c:
            for at in range(0, len(wanted), _IDS_AT_ONCE):
                query = select(*LISTING).where(column.in_(wanted[at : at + _IDS_AT_ONCE]))
                found += [listing_of(row) for row in c.execute(query)]
        return found

    def _matches(self, event: _Event, zone: ZoneInfo) -> Sequence[WatchMatch]:
        if event.rejected:
            return []
        found = self._watched.matches(event.text, event.start_us, zone)
        exact = [one for one in found if not one.distance]
        return [*exact[:_MOST_EXACT], *[one for one in found if one.distance][:MOST_OF_ONE]]


def _known(c: Connection, event_id: str) -> list[Listing]:
    query = select(*LISTING).where(PlateListingRow.event == event_id)
    return sorted((listing_of(row) for row in c.execute(query)), key=_rank)


def _as_found(known: Sequence[Listing], found: Sequence[WatchMatch], text: str) -> bool:
    """Return whether what is known is what is found."""
    stands = {one.entry: (one.distance, one.kind, one.plate, one.list_name, one.text) for one in known if one.stands}
    return stands == {m.entry.id: (m.distance, m.list.kind, m.entry.plate, m.list.name, text) for m in found}


def _as_now(one: Listing, match: WatchMatch | None, text: str, now_us: int) -> Listing:
    """Return what is known of a listing by now; with another id if it is to be told anew."""
    if match is None:
        return replace(one, stands=False)
    now = replace(
        one,
        stands=True,
        distance=match.distance,
        text=text,
        kind=match.list.kind,
        list_name=match.list.name,
        plate=match.entry.plate,
    )
    if now.kind == one.kind and (now.distance or not one.distance):
        return now
    return replace(now, id=new_id(), noted_us=now_us, told=False)


def _listing(event_id: str, event: _Event, match: WatchMatch, now_us: int) -> Listing:
    return Listing(
        id=new_id(),
        event=event_id,
        entry=match.entry.id,
        list=match.list.id,
        list_name=match.list.name,
        kind=match.list.kind,
        plate=match.entry.plate,
        camera=event.camera,
        text=event.text,
        distance=match.distance,
        stands=True,
        noted_us=now_us,
        told=False,
    )


def _rank(one: Listing) -> tuple[int, int, str, str]:
    return KINDS.index(one.kind), one.distance, one.list_name, one.id
