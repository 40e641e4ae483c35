"""Whether footage is held of which there may be no row: in the spool still, or told of late."""

from __future__ import annotations

from sqlalchemy import Connection, or_, select

from .upkeep_models import HoldRow


def span_is_held(c: Connection, camera: str, start_us: int, end_us: int, now_us: int) -> bool:
    """Return whether any footage of a camera between two instants is on hold.

    Until the end of the transaction no hold is placed: what is decided by the answer stays right.
    """
    held = select(HoldRow.id).where(
        HoldRow.clip.is_(None),
        HoldRow.camera.is_(None) | (HoldRow.camera == camera),
        HoldRow.start_us < end_us,
        HoldRow.end_us > start_us,
        HoldRow.released_us.is_(None),
        or_(HoldRow.until_us.is_(None), HoldRow.until_us > now_us),
    )
    return c.execute(held.limit(1).with_for_update(read=True)).first() is not None
