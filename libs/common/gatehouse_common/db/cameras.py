"""Cameras in the index."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields, replace
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, Update, bindparam, delete, func, select, update

from gatehouse_common.clock import NEVER, SECOND
from gatehouse_common.errors import ChangedSince, Conflict, NotFound
from gatehouse_common.messages import CameraStatus

from .contention import retried
from .engine import Database
from .models import CameraRow
from .new_rows import insert_new
from .records import Camera

_COLUMNS = [getattr(CameraRow, f.name) for f in fields(Camera)]
_BY_ID = select(*_COLUMNS).where(CameraRow.id == bindparam("of_id"))  # made once: it is part of most requests
# Times are folded, for the sum of those of ten thousand cameras is more than 64 bits hold.
_MARK = select(
    func.count(), func.sum(CameraRow.version), func.sum(CameraRow.created_us % 1_000_000_007), func.max(CameraRow.id)
)


_AHEAD_US = 60 * SECOND
"""Clocks of two machines differ by less."""
_REPORTED = {
    "state_epoch": "epoch",
    "state": "state",
    "state_cause": "cause",
    "state_since_us": "since_us",
    "state_detail": "detail",
    "reported_us": "time_us",
    **{name: name for name in ("width", "height", "fps", "asked_fps", "dropped", "dropped_frames")},
    **{name: name for name in ("codec", "fallback", "backend")},
}
"""Columns of what a camera reports, and what it calls them."""


def _report() -> Update:
    """Return the statement that keeps what a camera reported, unless something newer is known.

    Clocks of two workers may differ: between them the epoch decides. Who works alone has none.
    """
    epoch, time_us = bindparam("told_state_epoch", type_=Integer), bindparam("told_reported_us", type_=BigInteger)
    same_worker = (CameraRow.state_epoch == epoch) | (epoch == 0)
    older = (CameraRow.reported_us <= time_us) | (CameraRow.reported_us > bindparam("future", type_=BigInteger))
    newer = (same_worker & older) | (CameraRow.state_epoch < epoch)
    values: dict[str, Any] = {name: bindparam(f"told_{name}") for name in _REPORTED}
    return update(CameraRow).where(CameraRow.id == bindparam("of_id"), newer).values(values)


_REPORT = _report()  # made once: every camera reports again and again


class CameraRepository:
    """The configured cameras and their last reported state."""

    def __init__(self, db: Database) -> None:
        self._db, self.sealer = db, db.sealer

    def list(self) -> list[Camera]:
        """Return all cameras, by id."""
        with self._db.look() as c:
            return [self._camera(row) for row in c.execute(select(*_COLUMNS).order_by(CameraRow.id))]

    def enabled(self) -> tuple[str, ...]:
        """Return the ids of all cameras that somebody should record."""
        with self._db.look() as c:
            return tuple(c.execute(select(CameraRow.id).where(CameraRow.enabled)).scalars())

    def mark(self) -> str:
        """Return a text that is another once a camera was added, changed or removed; what cameras report is no change.

        For those who look again and again, which to read all rows is too dear for: each of N recorders would read those
        of all cameras. Ones that are put in the place of others at one moment may look the same: who relies on it looks
        at the rows themselves now and then.
        """
        with self._db.look() as c:
            return " ".join(str(value) for value in c.execute(_MARK).one())

    def get(self, camera_id: str) -> Camera:
        """Return a camera.

        Raises:
            NotFound: there is none of that id.
        """
        with self._db.look() as c:
            row = c.execute(_BY_ID, {"of_id": camera_id}).first()
        if row is None:
            raise NotFound(f"there is no camera {camera_id[:64]!r}")
        return self._camera(row)

    @retried
    def seal(self) -> int:
        """Seal what was kept before there was a key; return of how many cameras."""
        if not self.sealer.seals:
            return 0
        with self._db.begin() as c:
            kept = c.execute(select(CameraRow.id, CameraRow.url)).all()
            open_ones = {camera: url for camera, url in kept if self.sealer.seal(url) != url}
            for camera, url in open_ones.items():
                same = (CameraRow.id == camera, CameraRow.url == url)
                c.execute(update(CameraRow).where(*same).values(url=self.sealer.seal(url)))
        return len(open_ones)

    @retried
    def add(self, camera: Camera) -> None:
        """Add a camera.

        Raises:
            Conflict: its id is taken.
        """
        with self._db.begin() as c:
            row = {f.name: getattr(camera, f.name) for f in fields(Camera)} | {"url": self.sealer.seal(camera.url)}
            if not insert_new(c, CameraRow, row):
                raise Conflict(f"there is a camera {camera.id!r} already")

    @retried
    def change(
        self,
        camera_id: str,
        *,
        url: str | None = None,
        name: str | None = None,
        enabled: bool | None = None,
        timezone: str | None = None,
        settings: dict[str, Any] | None = None,
        seen: Collection[str] | None = None,
    ) -> None:
        """Change what is given; an empty ``timezone`` means the site's again.

        With ``seen`` only if its tag is one of these.

        Raises:
            NotFound: there is no such camera.
            ChangedSince: it has another tag by now.
        """
        kept = None if url is None else self.sealer.seal(url)
        values = {"url": kept, "name": name, "enabled": enabled, "timezone": timezone, "settings": settings}
        given: dict[str, Any] = {k: v for k, v in values.items() if v is not None}
        if timezone == "":
            given["timezone"] = None
        with self._db.begin() as c:
            _lock(c, camera_id, seen)
            if given:
                more = given | {"version": CameraRow.version + 1}
                c.execute(update(CameraRow).where(CameraRow.id == camera_id).values(more))

    @retried
    def remove(self, camera_id: str, *, seen: Collection[str] | None = None) -> None:
        """Forget a camera; its footage stays. With ``seen`` only if its tag is one of these.

        Raises:
            NotFound: there is no such camera.
            ChangedSince: it has another tag by now.
        """
        with self._db.begin() as c:
            _lock(c, camera_id, seen)
            c.execute(delete(CameraRow).where(CameraRow.id == camera_id))

    @retried
    def report(self, status: CameraStatus, now_us: int | None = None) -> None:
        """Keep what a camera reported, unless something newer is known, or a later worker records it by now.

        Args:
            status: what it reported.
            now_us: the time; None: not known. What is known from a time that is still to come was told by a clock that
                has been set back since, and is no reason to believe nothing for as long.
        """
        # A bound beyond every time: what was reported from the future is believed where the time is not known.
        future = NEVER if now_us is None else now_us + _AHEAD_US
        told = {f"told_{name}": getattr(status, of) for name, of in _REPORTED.items()}
        with self._db.begin() as c:
            c.execute(_REPORT, {"of_id": status.camera, "future": future, **told})

    def _camera(self, row: Any) -> Camera:
        camera = Camera(*row)
        return replace(camera, url=self.sealer.open(camera.url))


def _lock(c: Connection, camera_id: str, seen: Collection[str] | None) -> None:
    """Let nobody else change a camera until the end of the transaction.

    Raises:
        NotFound: there is none of that id.
        ChangedSince: its tag is none of those that were seen.
    """
    row = c.execute(select(*_COLUMNS).where(CameraRow.id == camera_id).with_for_update()).first()
    if row is None:
        raise NotFound(f"there is no camera {camera_id[:64]!r}")
    if seen is not None and Camera(*row).tag not in seen:
        raise ChangedSince(f"camera {camera_id!r} has been changed since you looked: look again.")
