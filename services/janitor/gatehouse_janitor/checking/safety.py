"""What keeps a repair from believing that everything is gone: a store that is away looks like one that was emptied."""

from __future__ import annotations

from gatehouse_common.db import Facts
from gatehouse_common.errors import Conflict, ResourceExhausted
from gatehouse_common.retention import reserve_bytes
from gatehouse_common.runtime import Core
from gatehouse_janitor.guards import STORE_ID, StoreGuard

from .check import Report
from .problem import Area, Kind, Problem

FEW = 3
"""So many may be gone without the question whether the store is there at all."""

_MOVED = frozenset(
    {Kind.FOREIGN, Kind.DUPLICATE, Kind.EMPTY, Kind.DAMAGED, Kind.REPLACED}
    | {Kind.FLIPPED, Kind.TRUNCATED, Kind.BOX, Kind.SIZE}
)
"""What moves a file to the quarantine, or may."""
_GOES = _MOVED | {Kind.MISSING}


class StoreStands:
    """Asked before each file that is moved and each row that is removed: a disk may go away in the middle of a repair.

    Args:
        core: the store, and what the index knows of it.
        force: somebody has said that all is as it should be.
    """

    def __init__(self, core: Core, *, force: bool = False) -> None:
        self._core, self._force = core, force

    def check(self) -> None:
        """Return if the store is still the one that the index tells of.

        Raises:
            Conflict: it is another, or not there.
            GatehouseError: store or database do not answer.
        """
        if self._force:
            return
        _refuse_without_root(self._core)
        if Facts(self._core.db).get(STORE_ID) is not None:
            StoreGuard(self._core).check()

    def make_sure_of_room(self, size: int) -> None:
        """Return if so many bytes can be written and recording does not miss them.

        Raises:
            ResourceExhausted: they cannot.
        """
        room = self._core.store.capacity()
        if room is None:
            return
        # Retention lets the disk fill up to its reserve: of that, half is lent until the next look at the disk.
        least = reserve_bytes(self._core.settings.values.retention, room.total, 0.0) // 2
        if room.free < size + least:
            raise ResourceExhausted(f"a copy of {size} bytes is to be made, and {room.free} bytes are free")


def refuse_if_store_is_away(core: Core, report: Report, *, force: bool = False) -> None:
    """Return unless so much would be forgotten, or set aside, that the store is more likely away than emptied (S2-44).

    Raises:
        Conflict: the store is another than the one that the index tells of; or more than half of the recordings, of
            those of one camera, of the clips, of the files of sessions, of the pictures, or of all files would go; and
            ``force`` is not set.
    """
    if force:
        return
    StoreGuard(core).check()
    for area, rows, what in (
        (Area.RECORDING, report.chunks, "recordings"),
        (Area.CLIP, report.clips, "clips"),
        (Area.SESSION, report.sessions, "files of sessions"),
        (Area.PICTURE, report.pictures, "pictures of plates"),
    ):
        _refuse_most(core, [p for p in report.problems if p.area is area and p.subject], rows, what)
    for camera, rows in sorted(report.of_cameras.items()):
        theirs = [p for p in report.problems if p.area is Area.RECORDING and p.subject and p.camera == camera]
        _refuse_most(core, theirs, rows, f"recordings of camera {camera}")
    aside = sum(p.kind in _MOVED or _is_stray_picture(p) for p in report.problems)
    if aside > FEW and aside * 2 > report.files:
        raise Conflict(
            f"{aside} of {report.files} files would be put into quarantine: is {_place(core)}? "
            "If they do not belong there, repeat with --force."
        )
    if report.problems:
        _refuse_without_root(core)


def _refuse_most(core: Core, problems: list[Problem], rows: int, what: str) -> None:
    gone = sum(p.kind in _GOES for p in problems)
    if gone > FEW and gone * 2 > rows:
        missing = sum(p.kind is Kind.MISSING for p in problems)
        how = "are missing" if missing == gone else f"are not what was recorded, or missing ({missing})"
        raise Conflict(f"{gone} of {rows} {what} {how}: is {_place(core)}? If it is so, repeat with --force.")


def _is_stray_picture(problem: Problem) -> bool:
    """Whether it is a picture that goes: its plate event is known, and does not have it."""
    return problem.area is Area.PICTURE and problem.kind is Kind.ORPHAN and bool(problem.subject)


def _refuse_without_root(core: Core) -> None:
    root = core.settings.storage_root
    if root is not None and not root.is_dir():
        raise Conflict(f"there is no {root}: is {_place(core)}? If it is really gone, repeat with --force.")


def _place(core: Core) -> str:
    root = core.settings.storage_root
    return "the bucket the right one" if root is None else f"the disk of {root} mounted"
