"""Recordings of another program, or of another Gatehouse, become footage (S1-16)."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Sequence
from urllib.parse import quote

from gatehouse_capture.live import LiveTap
from gatehouse_capture.run_notices import Desk
from gatehouse_capture.run_session import RunSession
from gatehouse_capture.sources import open_source
from gatehouse_capture.spool_keeper import build as build_spool
from gatehouse_common.camera_url import parse_url
from gatehouse_common.clock import SECOND
from gatehouse_common.db import Camera, CameraRepository, FootageReader
from gatehouse_common.errors import Conflict, DataLoss, GatehouseError, NotFound, from_os_error
from gatehouse_common.ids import parse_slug
from gatehouse_common.media.recorder import ChunkPolicy
from gatehouse_common.media.samples import VIDEO_TIMESCALE
from gatehouse_common.media.stored import read_head
from gatehouse_common.messages import GapCause, Interruption
from gatehouse_common.runtime import Core, DataLock, Supervisor
from gatehouse_common.settings import Settings
from gatehouse_common.storage import LocalStore, keys
from gatehouse_common.timefmt import rfc3339
from gatehouse_indexer.service import build as build_indexer
from gatehouse_segmenter.service import build as build_segmenter

from .import_entries import Entry
from .imported import ImportedFilm, ImportedFilms, digest

_WAIT_S = 120.0
_KEPT = {"retention": {"continuous_hours": 0}}
"""Recordings of imported cameras are kept until their room is needed, however old they are."""


def import_index(
    settings: Settings, entries: Sequence[Entry], camera: str, advance: Callable[[int], None]
) -> dict[str, str]:
    """Import recordings; return for each its name and why it could not be imported, empty if it was.

    Raises:
        Conflict: a running Gatehouse holds the data directory.
    """
    parse_slug(camera)
    quiet = settings.values.model_copy(update={"broker_url": "memory:"})
    lock = DataLock(settings.values.data_dir.absolute())
    try:
        core = Core.open(dataclasses.replace(settings, values=quiet))
        try:
            core.db.upgrade()
            return _import_all(core, entries, camera, advance)
        finally:
            core.close()
    finally:
        lock.release()


def _import_all(core: Core, entries: Sequence[Entry], camera: str, advance: Callable[[int], None]) -> dict[str, str]:
    outcomes = {entry.name: "" for entry in entries}
    films = []
    imported = ImportedFilms(core.data_dir / "imports.jsonl")
    for entry in entries:
        try:
            if not _copy_own(core, entry):
                films.append(entry)
        except GatehouseError as error:
            outcomes[entry.name] = error.message
    if films:
        _know_camera(core, camera, films[0].start_us)
    # The keeper recovers the spool when it is built, and with it the chunks just copied there.
    supervisor = Supervisor([build_spool(core), build_indexer(core), build_segmenter(core)], core.clock)
    supervisor.start()
    try:
        core.bus.join(_WAIT_S)
        for entry in films:
            try:
                _import_film(core, camera, entry, imported)
            except GatehouseError as error:
                outcomes[entry.name] = error.message
            advance(1)
    finally:
        supervisor.stop()
    return outcomes


def _copy_own(core: Core, entry: Entry) -> bool:
    """Put a chunk file of a Gatehouse into the spool, where recovery finds it; False if it is another film."""
    folder = LocalStore(entry.path.parent)
    try:
        info, _ = read_head(folder, entry.path.name)
    except DataLoss:
        return False
    if info is None:
        return False
    try:
        if FootageReader(core.db).chunk(info.chunk).state == "stored":
            return True
    except NotFound:
        pass
    _know_camera(core, info.camera, entry.start_us)
    target = core.spool.root / keys.spool(parse_slug(info.camera), info.run, entry.start_us)
    # Under a chunk's name only when it is whole: half of a copy would be adopted as half of the chunk.
    half = core.data_dir / "import.part"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(entry.path, half)
        half.replace(target)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise from_os_error(error, f"copying {entry.path}") from error
    return True


def _import_film(core: Core, camera: str, entry: Entry, imported: ImportedFilms) -> None:
    """Record a film unless it is there already, at its time or, by its content, at another.

    Raises:
        Conflict: the camera has footage of the same film at another time.
        GatehouseError: it cannot be read or recorded.
    """
    reader = FootageReader(core.db)
    sha256 = digest(entry.path)
    there = sum(s.duration for s in reader.spans(camera, entry.start_us, entry.end_us))
    if there * 2 <= entry.end_us - entry.start_us:
        for twin in imported.find(camera, sha256):
            if reader.spans(camera, twin.start_us, twin.end_us):  # else it has been deleted since
                raise Conflict(
                    f"camera {camera} has this film already, imported from {twin.file} at {rfc3339(twin.start_us)}: "
                    f"it is not recorded a second time at {rfc3339(entry.start_us)}."
                )
        _record(core, camera, entry)
        core.bus.join(_WAIT_S)
    imported.add(ImportedFilm(camera, sha256, str(entry.path), entry.start_us, entry.end_us))


def _record(core: Core, camera: str, entry: Entry) -> None:
    """Copy a film into chunks at its time."""
    reader = FootageReader(core.db)
    source = open_source(parse_url(f"file://{quote(str(entry.path.resolve()))}?pace=fast"), core.clock, 5.0)
    tap = LiveTap(core.live, core.clock, camera, SECOND)
    policy = ChunkPolicy(chunk_us=round(core.settings.values.recording.chunk_seconds * SECOND))
    desk = Desk(camera, core.data_dir, policy, core.clock, core.bus.publish, tap)
    causes = [Interruption(cause=GapCause.SERVICE_DOWN, since_us=None)]
    try:
        session = RunSession(desk, source.open(), reader.last_end_us(camera, entry.start_us), causes)
        shift: int | None = None
        for packet in source.packets():
            if shift is None:
                # What an edit list hides comes before the film's beginning, and so before the time stated.
                hidden_us = min(packet.pts, 0) * SECOND // VIDEO_TIMESCALE
                shift = entry.start_us + hidden_us - packet.arrival_us
            packet.arrival_us += shift
            session.take(packet)
        session.end(GapCause.SERVICE_DOWN)
    finally:
        source.close()


def _know_camera(core: Core, camera: str, created_us: int) -> None:
    """Have a camera of a name; one that is made keeps its recordings: who imports what is old does not want it gone."""
    cameras = CameraRepository(core.db)
    try:
        cameras.get(camera)
    except NotFound:
        made = Camera(id=camera, url="file:///imported", name=camera, enabled=False, created_us=created_us)
        cameras.add(dataclasses.replace(made, settings=_KEPT))
