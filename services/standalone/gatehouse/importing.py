"""Recordings of another program, or of another Gatehouse, by the ``recording_index.json`` that lists them (S1-16)."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from gatehouse_capture.live import LiveTap
from gatehouse_capture.run_notices import Desk
from gatehouse_capture.run_session import RunSession
from gatehouse_capture.sources import open_source
from gatehouse_common.camera_url import parse_url
from gatehouse_common.clock import SECOND
from gatehouse_common.db import Camera, CameraRepository, FootageReader
from gatehouse_common.errors import DataLoss, GatehouseError, InvalidInput, NotFound, from_os_error
from gatehouse_common.ids import parse_slug
from gatehouse_common.media.recorder import ChunkPolicy
from gatehouse_common.media.samples import VIDEO_TIMESCALE
from gatehouse_common.media.stored import read_head
from gatehouse_common.messages import GapCause, Interruption
from gatehouse_common.runtime import Core, DataLock, Supervisor
from gatehouse_common.settings import Settings
from gatehouse_common.storage import LocalStore, keys
from gatehouse_common.timefmt import parse, zone
from gatehouse_indexer.service import build as build_indexer
from gatehouse_segmenter.service import build as build_segmenter

_WAIT_S = 120.0


@dataclass(frozen=True, slots=True)
class Entry:
    """A recording that an index lists."""

    name: str
    path: Path
    start_us: int
    end_us: int


def read_entries(file: Path, settings: Settings) -> list[Entry]:
    """Return what an index lists, by start; paths in it are relative to it, or to the folder above.

    Raises:
        NotFound: there is no such file.
        InvalidInput: it is not a recording index.
    """
    tz = zone(settings.values.timezone)
    try:
        listed = json.loads(file.read_bytes())
        entries = [
            Entry(
                str(name),
                _find(file, str(fields["file_path"])),
                parse(str(fields["start_time"]), tz, "start_time"),
                parse(str(fields["end_time"]), tz, "end_time", fold=1),
            )
            for name, fields in listed.items()
        ]
    except OSError as error:
        raise from_os_error(error, f"reading {file}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(
            f"{file} is not a recording index ({error!r}): it maps files to file_path, start_time, end_time..."
        ) from error
    return sorted(entries, key=lambda e: (e.start_us, e.name))


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
    for entry in entries:
        try:
            if not _copy_own(core, entry):
                films.append(entry)
        except GatehouseError as error:
            outcomes[entry.name] = error.message
    if films:
        _know_camera(core, camera, films[0].start_us)
    # The segmenter recovers the spool when it is built, and with it the chunks just copied there.
    supervisor = Supervisor([build_indexer(core), build_segmenter(core)], core.clock)
    supervisor.start()
    try:
        core.bus.join(_WAIT_S)
        for entry in films:
            try:
                _record(core, camera, entry)
                core.bus.join(_WAIT_S)
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
    target = core.spool.root / keys.spool(parse_slug(info.camera), info.run, entry.start_us)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(entry.path, target)
    except OSError as error:
        raise from_os_error(error, f"copying {entry.path}") from error
    return True


def _record(core: Core, camera: str, entry: Entry) -> None:
    """Copy a film into chunks at its time; what is there already is not recorded twice."""
    reader = FootageReader(core.db)
    there = sum(s.duration for s in reader.spans(camera, entry.start_us, entry.end_us))
    if there * 2 > entry.end_us - entry.start_us:
        return
    source = open_source(parse_url(f"file://{quote(str(entry.path.resolve()))}?pace=fast"), core.clock, 5.0)
    tap = LiveTap(core.bus, core.clock, camera, SECOND)
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
    cameras = CameraRepository(core.db)
    try:
        cameras.get(camera)
    except NotFound:
        cameras.add(Camera(id=camera, url="file:///imported", name=camera, enabled=False, created_us=created_us))


def _find(index: Path, named: str) -> Path:
    path = Path(named)
    places = [path] if path.is_absolute() else [index.parent / path, index.parent.parent / path, path]
    return next((p for p in places if p.is_file()), places[0])
