"""Footage of which files of sessions are still to be made: it does not go before they are."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, select

from gatehouse_common.clock import SECOND
from gatehouse_common.intervals import Interval

from .session_models import SessionChunkRow

_LOOKBACK_US = 2 * SECOND
"""Footage of so long before an instant may be needed to show it: ``slicing.LOOKBACK_US``."""


def waits(camera: Any, start_us: Any, end_us: Any) -> ColumnElement[bool]:
    """Return the condition that a planned file may be made of footage of ``[start_us, end_us)`` of a camera.

    A file goes on where the one before it ended, which may have been cut short: so far back it may begin.
    """
    back_us = SessionChunkRow.chunk_seconds * SECOND + _LOOKBACK_US
    return and_(
        SessionChunkRow.state == "planned",
        SessionChunkRow.camera == camera,
        SessionChunkRow.wanted_end_us > start_us,
        SessionChunkRow.wanted_start_us - back_us < end_us,
    )


def chunk_is_waited_for(camera: Any, start_us: Any, end_us: Any) -> ColumnElement[bool]:
    """Return the condition that a planned file may be made of a row's footage; takes the row's columns."""
    return exists().where(waits(camera, start_us, end_us))


def is_waited_for(c: Connection, camera: str, span: Interval) -> bool:
    """Return whether a planned file may be made of footage of a camera between two instants."""
    found = select(SessionChunkRow.number).where(waits(camera, span.start, span.end))
    return c.execute(found.limit(1)).first() is not None
