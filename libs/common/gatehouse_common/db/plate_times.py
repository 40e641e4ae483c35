"""When plates were seen, for a timeline: where there are many, how many there are."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, select

from .engine import Database
from .plate_models import PlateEventRow
from .visible import Visible, seen

_IDS_AT_ONCE = 500
_SLOT = PlateEventRow.start_us // bindparam("slot_us")


@dataclass(frozen=True, slots=True)
class PlateTime:
    """Visits at one camera that began within one slot of time.

    Attributes:
        first_us: when the first of them began, microseconds UTC.
        last_us: when the last of them began.
        count: how many there are.
        confidence: how sure its text is, of several of the surest.
        event: id of the only one; None: there are several.
        text: what its plate says; None: there are several.
        corrected: whether a person said so; of several it is not looked up.
    """

    first_us: int
    last_us: int
    count: int
    confidence: float
    event: str | None
    text: str | None
    corrected: bool


# All of this is in an index; texts are not, and are looked up of those that stand alone.
_TIMES = (
    select(
        func.min(PlateEventRow.start_us),
        func.max(PlateEventRow.start_us),
        func.count(),
        func.max(PlateEventRow.confidence),
        func.min(PlateEventRow.id),
    )
    .where(
        PlateEventRow.camera == bindparam("at_camera"),
        PlateEventRow.start_us >= bindparam("from_us"),
        PlateEventRow.start_us < bindparam("until_us"),
        PlateEventRow.rejected.is_(False),
    )
    .group_by(_SLOT)
    .order_by(func.min(PlateEventRow.start_us))
)


def plate_times(
    db: Database, camera: str, start_us: int, end_us: int, slot_us: int, visible: Visible | None = None
) -> list[PlateTime]:
    """Return when visits of ``[start_us, end_us)`` began, those of each slot together, by time.

    Args:
        db: the index.
        camera: whose.
        start_us: the first instant of the range.
        end_us: the first after it.
        slot_us: length of a slot, microseconds, at least 1.
        visible: which there are; None: all.
    """
    where = {"at_camera": camera, "from_us": start_us, "until_us": end_us, "slot_us": slot_us}
    query = _TIMES.where(*seen(visible, PlateEventRow.camera, PlateEventRow.start_us))
    with db.read() as c:
        slots = c.execute(query, where).all()
        alone = _texts(c, [event for _, _, count, _, event in slots if count == 1])
    found = []
    for first_us, last_us, count, confidence, event in slots:
        text, corrected = alone.get(event, (None, False)) if count == 1 else (None, False)
        found.append(PlateTime(first_us, last_us, count, confidence, event if count == 1 else None, text, corrected))
    return found


def _texts(c: Connection, ids: list[str]) -> dict[str, tuple[str | None, bool]]:
    """Return what plates say, by event, and whether a person said so."""
    found: dict[str, tuple[str | None, bool]] = {}
    for at in range(0, len(ids), _IDS_AT_ONCE):
        query = select(PlateEventRow.id, PlateEventRow.text, PlateEventRow.corrected_us)
        for event, text, corrected_us in c.execute(query.where(PlateEventRow.id.in_(ids[at : at + _IDS_AT_ONCE]))):
            found[event] = (text, corrected_us is not None)
    return found
