"""The coverage ledger of cameras, looked up in the index."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from gatehouse_common.intervals import Interval
from gatehouse_common.messages import CameraState, GapCause

from .coverage import Coverage, coverage
from .engine import Database
from .footage import find_gaps, last_end
from .models import GapRow
from .records import Camera
from .timeline import find_recorded


class CoverageReader:
    """How much of cameras is recorded, and why the rest is not; no row per chunk leaves the database."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def coverage(self, camera: Camera, wanted: Interval, now_us: int) -> Coverage:
        """Return the ledger of a camera over a range, from when it was added at the earliest.

        Args:
            camera: the camera, as it is now.
            wanted: the range.
            now_us: the time, microseconds UTC.
        """
        span = Interval(max(wanted.start, camera.created_us), max(wanted.end, camera.created_us))
        with self._db.read() as c:
            recorded = find_recorded(c, camera.id, span.start, span.end)
            gaps = find_gaps(c, camera.id, span.start, span.end)
            known_us = _known_until(c, camera.id, now_us)
        return coverage(
            recorded,
            gaps,
            span,
            now_us,
            known_until_us=max(known_us, camera.created_us),
            present=present_cause(camera),
        )


def present_cause(camera: Camera) -> str | None:
    """Return why a camera is not recorded now, a ``GapCause``; None: it is."""
    if not camera.enabled or camera.state == CameraState.ENDED:
        return GapCause.DISABLED.value
    if camera.state == CameraState.RECORDING:
        return None
    return camera.state_cause or GapCause.CAMERA_OFFLINE.value


def _known_until(c: Connection, camera: str, now_us: int) -> int:
    """Return where the last footage or gap of a camera ends that had begun by ``now_us``; 0: there is none."""
    last_gap = c.execute(select(func.max(GapRow.end_us)).where(GapRow.camera == camera)).scalar()
    return max(last_end(c, camera, now_us) or 0, min(last_gap or 0, now_us))
