"""Visits that another process began: taken up again from the index after a crash, or with the cameras of another."""

from __future__ import annotations

from gatehouse_common.db import PlateEvent, PlateReader, PlateReadRecord
from gatehouse_common.messages.plates import MAX_ALTERNATIVES, Area, Quad, ReadFields

from .geometry import box_of
from .pictures import Kept
from .sightings import Sighting
from .tracking import Track
from .visit import Visit

_MOST_READS = 200
_CLARITY = 0.5
"""Of pictures that nobody has here: the index does not know it, and a clear one must be able to take their place."""


def resume(reader: PlateReader, event: PlateEvent) -> tuple[Visit, Kept | None]:
    """Return an open visit as far as the index knows it, and its pictures.

    Raises:
        GatehouseError: the index does not answer.
    """
    known = [_read_of(record) for record in reader.newest_reads(event.id, _MOST_READS)] or [_best_of(event)]
    sightings = [_sighting_of(read) for read in known]
    best = next((s for s in sightings if s.read.id == event.best_read), None)
    if best is None:
        best = _sighting_of(_best_of(event))
    track = Track()
    visit: Visit | None = None
    for sighting in sightings:
        track.add(sighting)
        visit = visit or Visit(track, sighting, event.id)
        visit.take(sighting, qualifies=True)
    if visit is None:
        raise AssertionError("there is always a read")
    kept = Kept(best.read, event.frame_key, event.crop_key) if event.frame_key or event.crop_key else None
    visit.go_on(event.start_us, event.end_us, event.reads, best, pictured=kept is not None)
    return visit, kept


def _sighting_of(read: ReadFields) -> Sighting:
    return Sighting(read, box_of(read.quad), _CLARITY)


def _read_of(record: PlateReadRecord) -> ReadFields:
    return ReadFields(
        id=record.id,
        time_us=record.time_us,
        run=record.run,
        pts=record.pts,
        text=record.text,
        confidence=record.confidence,
        characters=record.characters,
        region=record.region,
        pattern=record.pattern,
        alternatives=[(text, sure) for text, sure in record.alternatives[:MAX_ALTERNATIVES]],
        quad=_quad_of(record.quad),
        picture_width=record.picture_width,
        picture_height=record.picture_height,
        area=_area_of(record.area),
    )


def _best_of(event: PlateEvent) -> ReadFields:
    """Return the best read as the event alone tells of it."""
    return ReadFields(
        id=event.best_read,
        time_us=event.best_us,
        run="",
        pts=0,
        text=event.voted_text,
        confidence=event.confidence,
        characters=event.characters,
        region=event.region,
        pattern=event.pattern,
        quad=_quad_of(event.quad),
        picture_width=event.picture_width,
        picture_height=event.picture_height,
        area=_area_of(event.area),
    )


def _quad_of(corners: list[tuple[float, float]]) -> Quad:
    a, b, c, d = ((float(x), float(y)) for x, y in corners)
    return a, b, c, d


def _area_of(kept: list[int]) -> Area:
    x, y, width, height = kept
    return x, y, width, height
