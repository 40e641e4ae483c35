"""What a crash left in the spool: made whole and published, or put where a person can look at it.

Runs once, before anything writes to the spool: a file that is still being written must never be adopted.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
from pydantic import ValidationError

from gatehouse_common.errors import DataLoss, GatehouseError, from_os_error
from gatehouse_common.media.adopt import Adopted, adopt
from gatehouse_common.media.salvage import cut_off, find_damage, split_off
from gatehouse_common.messages import ChunkClosed, GapCause, GapRecorded
from gatehouse_common.observability.metrics import RECOVERED_FILES
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys

log = structlog.get_logger(__name__)

_HOLE_US = 50_000
"""What lies between two files of a run is at least so long if something was cut out there."""


@dataclass(slots=True)
class Recovered:
    """How many files of the spool were found whole, adopted, quarantined, or left because of an error."""

    whole: int = 0
    adopted: int = 0
    quarantined: int = 0
    left: int = 0


def recover(core: Core) -> Recovered:
    """Adopt every file of the spool, oldest run first; a file that cannot be adopted costs itself only."""
    result = Recovered()
    spool = core.spool.root / keys.SPOOL
    files = sorted(p for p in spool.rglob("*") if p.is_file()) if spool.is_dir() else []
    waiting: deque[tuple[Path, int | None]] = deque((path, None) for path in files)
    ends: dict[str, int] = {}
    while waiting:
        path, lost_since_us = waiting.popleft()
        try:
            behind = _part_at_damage(core, path)
            closed, begins_anew = _recover_file(core, path, result)
            if closed is not None:
                before_us = ends.get(closed.run, closed.start_us)
                if lost_since_us is None and begins_anew and closed.start_us - before_us > _HOLE_US:
                    lost_since_us = before_us  # it was split off by a recovery that was killed before it told
                if lost_since_us is not None:
                    _tell_lost(core, lost_since_us, closed)
                ends[closed.run] = closed.end_us
            if behind is not None:
                waiting.appendleft((behind, closed.end_us if closed else lost_since_us))
        except GatehouseError as error:
            result.left += 1
            RECOVERED_FILES.labels("left").inc()
            log.error("a file in the spool was left as it is", file=str(path), reason=error.message)  # noqa: TRY400
    for folder in {p.parent for p in files}:
        prune(folder)
    if files:
        log.info(
            "spool recovered",
            whole=result.whole,
            adopted=result.adopted,
            quarantined=result.quarantined,
            left=result.left,
        )
    return result


def _part_at_damage(core: Core, path: Path) -> Path | None:
    """Free a file of damage inside it; return the file that what lies behind it has become.

    The good is written twice before the bad is cut off, so that a crash in between costs nothing.
    """
    key = path.relative_to(core.spool.root).as_posix()
    name = keys.parse_spool(key)
    if name is None:
        return None
    try:
        damage = find_damage(path, key)
        if damage is None:
            return None
        behind = None
        if damage.end < damage.size:
            key_of = partial(keys.spool, name.camera, name.run)
            behind = core.spool.root / split_off(path, key, damage, key_of, core.spool.root)
    except DataLoss as error:
        log.warning("a file is damaged at its beginning", key=key, reason=error.message)
        return None
    bad = keys.quarantine(f"{key}.at-{damage.start}", core.clock.now_us())
    with path.open("rb") as file:
        file.seek(damage.start)
        core.store.put_bytes(bad, file.read(damage.end - damage.start))
    reason = (
        f"{key}: the bytes {damage.start} to {damage.end} are no footage; what was before and behind them is kept\n"
    )
    core.store.put_bytes(f"{bad}.reason.txt", reason.encode(), overwrite=True)
    cut_off(path, damage)
    log.error("a file in the spool was damaged", key=key, start=damage.start, end=damage.end, behind=behind is not None)
    return behind


def _tell_lost(core: Core, since_us: int, behind: ChunkClosed) -> None:
    """Put what was damaged inside a file into the ledger."""
    if behind.start_us > since_us:
        core.bus.publish(
            GapRecorded(
                camera=behind.camera,
                time_us=since_us,
                start_us=since_us,
                end_us=behind.start_us,
                cause=GapCause.CORRUPT,
                detail="a file in the spool was damaged here",
            )
        )


def _recover_file(core: Core, path: Path, result: Recovered) -> tuple[ChunkClosed | None, bool]:
    """Make a file whole and tell it; return what was told, None if nothing of it could be kept.

    And whether its chain of digests begins anew: it is its run's first chunk, or was split off behind damage.
    """
    key = path.relative_to(core.spool.root).as_posix()
    name = keys.parse_spool(key)
    if name is None:
        _quarantine(core, path, key, "its name is not that of a chunk")
        result.quarantined += 1
        return None, False
    try:
        found = adopt(path, key)
        if (found.info.camera, found.info.run) != (name.camera, name.run):
            raise DataLoss(f"{key} says it is of camera {found.info.camera}, run {found.info.run}")
        closed = _closed(core, key, found)
    except DataLoss as error:
        _quarantine(core, path, key, error.message)
        result.quarantined += 1
        # Without bytes: so that the index forgets the chunk it may have heard of.
        core.bus.publish(_nothing_kept(core, key, name))
        return None, False
    if found.was_closed:
        result.whole += 1
        RECOVERED_FILES.labels("whole").inc()
    else:
        result.adopted += 1
        RECOVERED_FILES.labels("adopted").inc()
        log.warning("a chunk was recovered", key=key, lost_bytes=found.lost_bytes)
    core.bus.publish(closed)
    return closed, not found.info.previous


def _closed(core: Core, key: str, found: Adopted) -> ChunkClosed:
    # Times by the file itself: the run's origin may have been refined after the file was begun.
    try:
        return ChunkClosed(
            camera=found.info.camera,
            time_us=core.clock.now_us(),
            run=found.info.run,
            chunk=found.info.chunk,
            key=key,
            start_us=found.media.start_us,
            end_us=found.media.end_us,
            origin_us=found.media.origin_us,
            bytes=found.size,
            recovered=not found.was_closed,
            spool_url=core.spools.own_url,
        )
    except ValidationError as error:
        raise DataLoss(f"{key} has times that cannot be: {error.errors()[0]['msg']}") from error


def _nothing_kept(core: Core, key: str, name: keys.SpoolName) -> ChunkClosed:
    # The times mean nothing, and those of the name may not be times at all.
    now_us = core.clock.now_us()
    return ChunkClosed(
        camera=name.camera,
        time_us=now_us,
        run=name.run,
        chunk="",
        key=key,
        start_us=now_us,
        end_us=now_us,
        origin_us=now_us,
        bytes=0,
        recovered=True,
    )


def _quarantine(core: Core, path: Path, key: str, reason: str) -> None:
    """Move a file to the quarantine, its reason beside it; nothing is deleted."""
    target = keys.quarantine(key, core.clock.now_us())
    core.store.put_file(path, target)
    core.store.put_bytes(f"{target}.reason.txt", f"{key}: {reason}\n".encode(), overwrite=True)
    try:
        path.unlink()
    except OSError as error:
        raise from_os_error(error, f"moving {key} to the quarantine") from error
    RECOVERED_FILES.labels("quarantined").inc()
    log.warning("a file was put into quarantine", file=key, quarantine=target, reason=reason)


def prune(folder: Path) -> None:
    """Remove the folder of a run when it is empty; a recorder makes it again if it goes on."""
    try:
        folder.rmdir()
    except OSError:  # not empty, or gone already
        return
