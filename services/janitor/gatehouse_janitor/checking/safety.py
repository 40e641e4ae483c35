"""What keeps a repair from believing that everything is gone: a store that is away looks like one that was emptied."""

from __future__ import annotations

from gatehouse_common.errors import Conflict
from gatehouse_common.runtime import Core
from gatehouse_janitor.guards import StoreGuard

from .check import Report
from .problem import Area, Kind

FEW = 3
"""So many may be gone without the question whether the store is there at all."""

_FORGOTTEN = frozenset({Kind.MISSING, Kind.EMPTY, Kind.DAMAGED, Kind.FOREIGN})
_SET_ASIDE = frozenset({Kind.FOREIGN, Kind.DUPLICATE, Kind.EMPTY, Kind.DAMAGED})


def refuse_if_store_is_away(core: Core, report: Report, *, force: bool = False) -> None:
    """Return unless so much would be forgotten, or set aside, that the store is more likely away than emptied (S2-44).

    Raises:
        Conflict: the store is another than the one that the index tells of; or more than half of the recordings, of the
            clips, of the pictures, or of the files would go; and ``force`` is not set.
    """
    if force:
        return
    StoreGuard(core).check()
    for area, rows, what in (
        (Area.RECORDING, report.chunks, "recordings are missing"),
        (Area.CLIP, report.clips, "clips are missing"),
        (Area.PICTURE, report.pictures, "pictures of plates are missing"),
    ):
        gone = sum(p.area is area and p.kind in _FORGOTTEN and bool(p.subject) for p in report.problems)
        if gone > FEW and gone * 2 > rows:
            raise Conflict(f"{gone} of {rows} {what}: is {_place(core)}? If they are really gone, repeat with --force.")
    aside = sum(p.kind in _SET_ASIDE for p in report.problems)
    if aside > FEW and aside * 2 > report.files:
        raise Conflict(
            f"{aside} of {report.files} files would be put into quarantine: is {_place(core)}? "
            "If they do not belong there, repeat with --force."
        )
    root = core.settings.storage_root
    if root is not None and not root.is_dir() and report.problems:
        raise Conflict(f"there is no {root}: is {_place(core)}? If it is really gone, repeat with --force.")


def _place(core: Core) -> str:
    root = core.settings.storage_root
    return "the bucket the right one" if root is None else f"the disk of {root} mounted"
