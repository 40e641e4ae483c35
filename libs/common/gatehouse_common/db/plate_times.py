"""When plates were seen, for a timeline: where there are many, how many there are."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, func, select

from .engine import Database
from .plate_models import PlateEventRow
from .visible import Visible, seen

_SLOT = PlateEventRow.start_us // bindparam("slot_us")


@dataclass(frozen=True, slots=True)
class PlateTime:
    """Visits at one camera that began within one slot of time.

    Attributes:
        first_us: when the first of them began, microseconds UTC.
        last_us: when the last of them began.
        count: how many there are.
        event: id of the only one; of several: of one of them.
        text: what its plate says; of several: of one of them.
        confidence: how sure that is; of several: of the surest.
        corrected: whether a person said so; of several: of any.
    """

    first_us: int
    last_us: int
    count: int
    event: str
    text: str
    confidence: float
    corrected: bool


_TIMES = (
    select(
        func.min(PlateEventRow.start_us),
        func.max(PlateEventRow.start_us),
        func.count(),
        func.min(PlateEventRow.id),
        func.min(PlateEventRow.text),
        func.max(PlateEventRow.confidence),
        func.count(PlateEventRow.corrected_us),
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
    with db.look() as c:
        rows = c.execute(query, where)
        return [PlateTime(*row[:6], corrected=bool(row[6])) for row in rows]
