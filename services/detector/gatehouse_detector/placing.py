"""Plates on a picture, placed in the camera's whole picture and in its time."""

from __future__ import annotations

from pydantic import ValidationError

from gatehouse_common.ids import new_id
from gatehouse_common.messages import FrameSampled
from gatehouse_common.messages.plates import MAX_ALTERNATIVES, ReadFields

from .answers import Answer, Found
from .geometry import Box, box_of
from .sightings import Look, Sighting
from .watched import Watched


def region_of(message: FrameSampled) -> Box:
    """Return what of the whole picture a picture shows."""
    return Box(message.x, message.y, message.x + message.width, message.y + message.height)


def placed(message: FrameSampled, answer: Answer, watched: Watched) -> tuple[Look, dict[str, Found]]:
    """Return what was seen on a picture, and the finds by the ids of the reads; what does not count is left out."""
    shown: dict[str, Found] = {}
    sightings: list[Sighting] = []
    for found in answer.found:
        read = _read(message, found)
        if read is None:
            continue
        box = box_of(read.quad)
        x, y = box.centre
        if watched.counts(x / max(message.picture_width, 1), y / max(message.picture_height, 1)):
            sightings.append(Sighting(read, box, found.clarity))
            shown[read.id] = found
    look = Look(message.run, message.pts, message.time_us, region_of(message), tuple(sightings))
    return look, shown


def _read(message: FrameSampled, found: Found) -> ReadFields | None:
    """Return a read, None if it says what no read can."""
    reading = found.reading
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = reading.quad
    left, top = message.x, message.y
    try:
        return ReadFields(
            id=new_id(),
            time_us=message.time_us,
            run=message.run,
            pts=message.pts,
            text=reading.text,
            confidence=reading.confidence,
            characters=list(reading.characters),
            region=reading.region,
            pattern=reading.pattern,
            alternatives=list(reading.alternatives[:MAX_ALTERNATIVES]),
            quad=((ax + left, ay + top), (bx + left, by + top), (cx + left, cy + top), (dx + left, dy + top)),
            picture_width=message.picture_width,
            picture_height=message.picture_height,
            area=(left, top, message.width, message.height),
        )
    except ValidationError:  # it is counted as one that is no plate
        return None
