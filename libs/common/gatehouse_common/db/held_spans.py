"""What a hold covers: the one condition that everything that may be deleted is asked by."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, bindparam, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from .upkeep_models import HoldRow

_Text = InstrumentedAttribute[str] | str
_Instant = InstrumentedAttribute[int] | ColumnElement[int] | int

ACTIVE = HoldRow.released_us.is_(None) & or_(HoldRow.until_us.is_(None), HoldRow.until_us > bindparam("now_us"))
"""That a hold holds anything; it takes the time as ``now_us``."""


def covers(camera: _Text, start_us: _Instant, end_us: _Instant) -> ColumnElement[bool]:
    """Return the condition that a hold on a range holds anything of ``[start_us, end_us)`` of a camera, now."""
    whose = HoldRow.camera.is_(None) | (HoldRow.camera == camera)
    shares = (HoldRow.start_us < end_us) & (HoldRow.end_us > start_us)
    return HoldRow.clip.is_(None) & HoldRow.media.is_(None) & whose & shares & ACTIVE


def span_is_held(c: Connection, camera: str, start_us: int, end_us: int, now_us: int) -> bool:
    """Return whether any footage of a camera between two instants is on hold; there need be no row of it.

    Until the end of the transaction no hold is placed: what is decided by the answer stays right.
    """
    held = select(HoldRow.id).where(covers(camera, start_us, end_us))
    return c.execute(held.limit(1).with_for_update(read=True), {"now_us": now_us}).first() is not None
