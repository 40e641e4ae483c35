"""What a crash left in the spool: made whole and published, or put where a person can look at it.

Runs before anything writes to the spool, and then for what had to be left: a file that is still being written must
never be adopted.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import structlog
from pydantic import ValidationError

from gatehouse_common.errors import DataLoss, GatehouseError, from_os_error
from gatehouse_common.media.adopt import Adopted, adopt
from gatehouse_common.media.chunk_file import FileReader
from gatehouse_common.media.salvage import Damage, cut_off, find_damage, split_off
from gatehouse_common.media.unread import Patched
from gatehouse_common.media.write_lock import expect_unwritten
from gatehouse_common.messages import ChunkClosed, GapCause, GapRecorded
from gatehouse_common.observability.metrics import RECOVERED_FILES
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys

log = structlog.get_logger(__name__)

_BLOCK = 1 << 20
_MOST_UNREAD = 1 << 20
"""Of one file so many bytes are given up at most; where a disk does not give back more, it may be a cable."""
_HOLE_US = 50_000
"""What lies between two files of a run is at least so long if something was cut out there."""


@dataclass(slots=True)
class Recovered:
    """How many files of the spool were found whole, adopted, quarantined, or left because of an error.

    Attributes:
        left_keys: the keys of those that were left: as they are they must not be stored.
    """

    whole: int = 0
    adopted: int = 0
    quarantined: int = 0
    left_keys: set[str] = field(default_factory=set)

    @property
    def left(self) -> int:
        """How many were left."""
        return len(self.left_keys)


def recover(core: Core, again: Collection[str] | None = None) -> Recovered:
    """Adopt every file of the spool, oldest run first; a file that cannot be adopted costs itself only.

    Args:
        core: what services are built from.
        again: the keys of files that were left before, to try these alone while others are written.
    """
    result = Recovered()
    files = _files(core.spool.root / keys.SPOOL)
    if again is not None:
        files = [path for path in files if path.relative_to(core.spool.root).as_posix() in again]
    waiting: deque[tuple[Path, int | None]] = deque((path, None) for path in files)
    ends: dict[str, int] = {}
    while waiting:
        path, lost_since_us = waiting.popleft()
        try:
            expect_unwritten(path, path.name)
            behind = _part_at_damage(core, path)
            closed, begins_anew = _recover_file(core, path, result)
            if closed is not None:
                before_us = ends.get(closed.run, closed.start_us)
                if lost_since_us is None and begins_anew and closed.start_us - before_us > _HOLE_US:
                    lost_since_us = before_us  # it was split off by a recovery that was killed before it told
                if lost_since_us is not None:
                    _tell_lost(core, lost_since_us, closed)
                ends[closed.run] = closed.end_us
            if behind:
                since_us = closed.end_us if closed else _known_start(core, path, lost_since_us)
                waiting.extendleft([*((one, None) for one in behind[:0:-1]), (behind[0], since_us)])
        except Exception as error:  # nothing that is wrong with one file may keep cameras from being recorded
            result.left_keys.add(path.relative_to(core.spool.root).as_posix())
            RECOVERED_FILES.labels("left").inc()
            reason = error.message if isinstance(error, GatehouseError) else repr(error)
            log.exception("a file in the spool was left as it is", file=str(path), reason=reason)
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


def _files(spool: Path) -> list[Path]:
    """Return the files of a spool by name, without those that the disk does not tell of."""

    def tell(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            log.error("a folder of the spool cannot be listed", folder=error.filename, reason=error.strerror)

    found: list[Path] = []
    for folder, _, names in os.walk(spool, onerror=tell):
        for path in (Path(folder, name) for name in names):
            try:
                if path.is_file():
                    found.append(path)
            except OSError as error:
                log.exception("a file in the spool was left as it is", file=str(path), reason=error.strerror)
    return sorted(found)


def _part_at_damage(core: Core, path: Path) -> list[Path]:
    """Free a file of damage inside it; return the files that what lies behind it has become, in order.

    The good is written twice before the bad is cut off, so that a crash in between costs nothing.

    Raises:
        DataLoss: so much of it cannot be read that the disk itself may be away: tomorrow it may give it back.
    """
    key = path.relative_to(core.spool.root).as_posix()
    name = keys.parse_spool(key)
    if name is None:
        return []
    try:
        damage = find_damage(path, key)
    except DataLoss as error:
        log.warning("a file is damaged at its beginning", key=key, reason=error.message)
        return []
    if damage is None:
        return []
    behind: list[Path] = []
    try:
        most = _MOST_UNREAD
        for one in _split(core, path, key, name, damage, behind):
            most -= _keep_damage(core, path, key, one, most)
        cut_off(path, damage)
    except Exception:
        if path.stat().st_size == damage.size:  # not cut off: beside it copies would be stored, and come again
            for copy in behind:
                copy.unlink(missing_ok=True)
        raise
    log.error("a file in the spool was damaged", key=key, start=damage.start, end=damage.end, behind=len(behind))
    return behind


def _split(core: Core, path: Path, key: str, name: keys.SpoolName, damage: Damage, behind: list[Path]) -> list[Damage]:
    """Write what lies behind a damage, and behind those that follow, as files of its own; return all damages.

    The files are added to ``behind`` as they are made.
    """
    damages = [damage]
    while damages[-1].end < damage.size:
        part = split_off(path, key, damages[-1], partial(keys.spool, name.camera, name.run), core.spool.root)
        behind.append(core.spool.root / part.key)
        if part.damage is None:
            break
        damages.append(part.damage)
    return damages


def _keep_damage(core: Core, path: Path, key: str, damage: Damage, most_unread: int) -> int:
    """Put what can be read of a damage into the quarantine, and the reason beside it; return how much cannot.

    Raises:
        DataLoss: more than ``most_unread`` bytes of it cannot be read.
    """
    bad = keys.quarantine(f"{key}.at-{damage.start}", core.clock.now_us())
    reason = (
        f"{key}: the bytes {damage.start} to {damage.end} are no footage; what was before and behind them is kept\n"
    )
    unread = _copy_readable(core, path, bad, damage.start, damage.end, most_unread)
    core.store.put_bytes(f"{bad}.reason.txt", (reason + _sentences(unread)).encode(), overwrite=True)
    return sum(end - start for start, end in unread)


def _copy_readable(
    core: Core, path: Path, target: str, start: int = 0, end: int | None = None, most_unread: int | None = None
) -> list[tuple[int, int]]:
    """Put a range of a file into the store, zeros for what cannot be read; return which bytes these are.

    Raises:
        DataLoss: so much of it cannot be read that the disk itself may be away: nothing must be deleted upon that.
    """
    most = _MOST_UNREAD if most_unread is None else most_unread
    reader = FileReader(path)
    try:
        source = Patched(reader, target, start, end)
        for at in range(0, source.size(), _BLOCK):
            source.pread(at, _BLOCK)
            if source.unread_bytes > most:
                raise DataLoss(f"more than {most} bytes of {path.name} cannot be read now")
        source = Patched(reader, target, start, end)  # which looks at each page again
        core.store.put(source, target)
        if source.unread_bytes > most:
            raise DataLoss(f"more than {most} bytes of {path.name} cannot be read now")
        return source.unread
    finally:
        reader.close()


def _sentences(unread: list[tuple[int, int]]) -> str:
    return "".join(f"the bytes {a} to {b} cannot be read, zeros stand for them\n" for a, b in unread)


def _known_start(core: Core, path: Path, lost_since_us: int | None) -> int | None:
    """Return since when footage is lost of a file of which nothing before the damage could be kept: by its name."""
    name = keys.parse_spool(path.relative_to(core.spool.root).as_posix())
    return name.start_us if lost_since_us is None and name is not None else lost_since_us


def _tell_lost(core: Core, since_us: int, behind: ChunkClosed) -> None:
    """Put what was damaged inside a file into the ledger; of before its run began nothing can have been in it."""
    since_us = max(since_us, behind.origin_us)
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
    target, unread = keys.quarantine(key, core.clock.now_us()), list[tuple[int, int]]()
    try:
        core.store.put_file(path, target)
    except DataLoss:  # it had to be copied, and not all of it can be read
        target = keys.quarantine(f"{key}.readable", core.clock.now_us())
        unread = _copy_readable(core, path, target)
    core.store.put_bytes(f"{target}.reason.txt", f"{key}: {reason}\n{_sentences(unread)}".encode(), overwrite=True)
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
