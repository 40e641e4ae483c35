"""What tests of the check share: a recorded store, faults planted in it, and the check and repair at work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gatehouse_capture.spool_keeper import build as build_spool
from gatehouse_common.bus import Delivery
from gatehouse_common.clock import SECOND
from gatehouse_common.db import Chunk, FootageReader
from gatehouse_common.errors import NotFound
from gatehouse_common.runtime import Core, Supervisor
from gatehouse_common.storage import keys
from gatehouse_indexer.service import build as build_indexer
from gatehouse_janitor.checking.care import ALONE
from gatehouse_janitor.checking.check import Check, Report
from gatehouse_janitor.checking.problem import Problem
from gatehouse_janitor.checking.repair import Repair
from gatehouse_segmenter.service import build as build_segmenter
from pipeline_kit import START_US, add_camera, record

CHUNKS = 12
FPS = 30


def record_chunks(core: Core, home: Path, camera: str = "cam", count: int = CHUNKS, start_us: int = START_US) -> None:
    """Have so many chunks of two seconds and two GOPs stored and indexed."""
    add_camera(core, camera, created_us=start_us - 60 * SECOND)
    taken = record(core.data_dir, home, frames=2 * FPS * count, chunk_us=2 * SECOND, camera=camera, start_us=start_us)
    for message in taken.closed:
        core.bus.publish(message)
    supervisor = Supervisor([build_spool(core), build_indexer(core), build_segmenter(core)], core.clock)
    supervisor.start()
    try:
        assert core.bus.join(120)  # real servers may take their time on a busy machine
    finally:
        assert supervisor.stop(60)


def chunks(core: Core) -> list[Chunk]:
    return list(FootageReader(core.db).all_chunks())


def read(core: Core, key: str) -> bytes:
    return core.store.read(key)


def replace(core: Core, key: str, data: bytes) -> None:
    core.store.delete(key)
    core.store.put_bytes(key, data)


def objects(core: Core, prefix: str = keys.RECORDINGS) -> dict[str, bytes]:
    """Every object but the exported list of recordings, by key."""
    return {i.key: core.store.read(i.key) for i in core.store.list(prefix) if i.key != keys.RECORDING_INDEX}


def quarantined(core: Core) -> list[bytes]:
    return [data for key, data in objects(core, keys.QUARANTINE).items() if not key.endswith(".reason.txt")]


def reasons(core: Core) -> list[str]:
    return [data.decode() for key, data in objects(core, keys.QUARANTINE).items() if key.endswith(".reason.txt")]


def look(core: Core, *, quick: bool = False) -> Report:
    return Check(core, ALONE, quick=quick).all(lambda _steps: None)


def found(core: Core, *, quick: bool = False) -> list[tuple[str, str]]:
    """What a check finds: kind and key."""
    return sorted((p.kind.value, p.key) for p in look(core, quick=quick).problems)


def mend(core: Core, problems: Sequence[Problem] | None = None) -> dict[str, str]:
    """Mend what a check finds as the command does; return what was done, by key."""
    indexer = build_indexer(core)
    check = Check(core, ALONE)
    wanted = check.all(lambda _steps: None).problems if problems is None else problems
    done = Repair(core, check, lambda stored: indexer.handle(Delivery(stored))).mend_all(wanted)
    return {p.key: what for p, what in done.items()}


def row_of(core: Core, chunk_id: str) -> Chunk | None:
    try:
        return FootageReader(core.db).chunk(chunk_id)
    except NotFound:
        return None


def gaps(core: Core, camera: str = "cam") -> list[tuple[str, float, float]]:
    """The gaps in the ledger since the recording began: cause, and seconds since then."""
    known = FootageReader(core.db).gaps(camera, START_US, 1 << 62)
    return [(g.cause, (g.start_us - START_US) / SECOND, (g.end_us - START_US) / SECOND) for g in known]
