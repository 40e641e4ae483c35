"""The index from files alone: runs, chunks, sample indexes, gaps, clips and what people have, as the files tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import structlog
from pydantic import ValidationError

from gatehouse_common.bus import Delivery
from gatehouse_common.clock import SECOND
from gatehouse_common.db import (
    Camera,
    CameraRepository,
    Facts,
    FootageReader,
    FormerUser,
    Inventory,
    MediaDescriptions,
    SessionInventory,
)
from gatehouse_common.db.facts import INDEX_REBUILT
from gatehouse_common.errors import Conflict, DataLoss, GatehouseError, InvalidInput, NotFound
from gatehouse_common.media.index_blob import decode_index, decode_seal
from gatehouse_common.media.run_box import RunInfo
from gatehouse_common.media.samples import ChunkMedia
from gatehouse_common.media.stored import load_index, read_head
from gatehouse_common.messages import ChunkStored, GapCause, RunEnded
from gatehouse_common.retention import CopiedHold, read_copy, restore_holds
from gatehouse_common.runtime import Core
from gatehouse_common.storage import ObjectInfo, keys
from gatehouse_indexer.service import build as build_indexer
from gatehouse_janitor.checking.clip_check import event_of, start_of
from gatehouse_janitor.checking.content import read_content
from gatehouse_janitor.checking.mend_clips import restore_clip
from gatehouse_janitor.checking.object_check import is_ours
from gatehouse_janitor.checking.payload import is_sound

from .rebuilding_people import restore_files

log = structlog.get_logger(__name__)

UNKNOWN_URL = "file:///unknown"
"""Files do not say where a camera is: whoever has rebuilt an index says so, and switches it on."""


@dataclass(frozen=True, slots=True)
class _Stored:
    """A chunk file, by what it says of itself."""

    info: RunInfo
    object: ObjectInfo
    start_us: int
    end_us: int
    origin_us: int
    recovered: bool


@dataclass(slots=True)
class Rebuilt:
    """What was found in the files.

    Attributes:
        cameras: ids of the cameras that there is footage of.
        runs: how many runs.
        chunks: how many chunks.
        clips: how many clips got a row.
        sessions: how many files of recorder sessions did.
        media: how many uploads, recordings of browsers and exports did.
        users: whose those are, where they are users again for that; none of them is let in.
        holds: how many holds hold again.
        left: keys of files that did not say enough, each with the reason.
    """

    cameras: list[str] = field(default_factory=list)
    runs: int = 0
    chunks: int = 0
    clips: int = 0
    sessions: int = 0
    media: int = 0
    users: list[FormerUser] = field(default_factory=list)
    holds: int = 0
    left: dict[str, str] = field(default_factory=dict)


def rebuild(core: Core, advance: Callable[[int], None]) -> Rebuilt:
    """Make the index of ``core`` anew from the files in its store.

    Args:
        core: its index must be empty, of cameras too or not.
        advance: called with 1 after each file.

    Raises:
        Conflict: the index knows footage, clips, files of sessions or media already.
        Unavailable: index or store does not answer.
    """
    if not _is_empty(core):
        raise Conflict(
            f"the index {core.db.shown} is not empty: move it away, or name another with --into. "
            "What is missing in it `gatehouse check --repair` adds."
        )
    done = Rebuilt()
    holds = _begin(core, done)
    found = sorted(_read_all(core, done, advance), key=lambda one: (one.info.camera, one.start_us))
    _know_cameras(core, found)
    indexer = build_indexer(core)
    for one in found:
        try:
            indexer.handle(Delivery(_message(one)))
        except (GatehouseError, ValidationError) as error:
            done.left[one.object.key] = str(error)
    done.cameras = sorted({one.info.camera for one in found})
    done.chunks = len(found) - sum(one.object.key in done.left for one in found)
    for ended in _ends(FootageReader(core.db), found):
        done.runs += 1
        indexer.handle(Delivery(ended))
    _restore_clips(core, done, advance)
    people = restore_files(core, advance)
    done.sessions, done.media, done.users = people.sessions, people.media, people.users
    done.left |= people.left
    done.holds += restore_holds(core.db, holds)
    return done


def _is_empty(core: Core) -> bool:
    """Return whether an index knows nothing of what files tell."""
    clips, sessions = next(Inventory(core.db).clips(1), None), next(SessionInventory(core.db).files(1), None)
    has_media = MediaDescriptions(core.db).any()
    return not FootageReader(core.db).cameras() and clips is None and sessions is None and not has_media


def _begin(core: Core, done: Rebuilt) -> list[CopiedHold]:
    """Let nothing be deleted by what the new index does not know; return the holds that are to be placed anew.

    Of settings of cameras, and of the site where they were changed while it ran, no file tells. Whoever has set them
    again says so (`gatehouse retention run`).
    """
    now_us = core.clock.now_us()
    Facts(core.db).put(INDEX_REBUILT, str(now_us), now_us)
    try:
        holds = read_copy(core.store)
        done.holds += restore_holds(core.db, holds, clips=False)
    except (DataLoss, InvalidInput) as error:
        done.left[keys.HOLDS] = error.message
        return []
    return holds


def _read_all(core: Core, done: Rebuilt, advance: Callable[[int], None]) -> Iterable[_Stored]:
    """Return the chunks that the files are of; of copies one that is whole, if one is."""
    found: dict[str, _Stored] = {}
    for info in core.store.list(keys.RECORDINGS):
        advance(1)
        if info.key == keys.RECORDING_INDEX:
            continue
        try:
            one = _read(core, info)
            other = found.get(one.info.chunk)
            if other is not None and (_is_whole(core, other.object) or not _is_whole(core, info)):
                done.left[info.key] = f"a copy of {other.object.key}"
                continue
        except (DataLoss, NotFound) as error:
            done.left[info.key] = error.message
            continue
        if other is not None:
            done.left[other.object.key] = f"{info.key} is the same chunk, and whole"
        found[one.info.chunk] = one
    return found.values()


def _is_whole(core: Core, info: ObjectInfo) -> bool:
    return is_sound(core.store, info.key, read_content(core.store, info.key, info.size))


def _read(core: Core, info: ObjectInfo) -> _Stored:
    head, _ = read_head(core.store, info.key)
    if head is None or not is_ours(head):
        raise DataLoss("it is no chunk file of Gatehouse")
    blob = load_index(core.store, info.key).blob
    media, seal = decode_index(blob, info.key), decode_seal(blob, info.key)
    # Digests that were not computed while it was written say that a crash came between.
    return _Stored(head, info, *_times(media), recovered=seal is not None and seal.late > 0)


def _times(media: ChunkMedia) -> tuple[int, int, int]:
    return media.start_us, media.end_us, media.origin_us


def _know_cameras(core: Core, found: Sequence[_Stored]) -> None:
    """Name cameras by their footage; one that the index knows stays as it is."""
    cameras = CameraRepository(core.db)
    known = {camera.id for camera in cameras.list()}
    for one in found:  # sorted by camera and start: the first of each is when its ledger begins
        camera = one.info.camera
        if camera not in known:
            cameras.add(Camera(id=camera, url=UNKNOWN_URL, name=camera, enabled=False, created_us=one.start_us))
            known.add(camera)


def _message(one: _Stored) -> ChunkStored:
    return ChunkStored(
        camera=one.info.camera,
        time_us=one.object.modified_us,
        run=one.info.run,
        chunk=one.info.chunk,
        key=one.object.key,
        spool_key="",
        start_us=one.start_us,
        end_us=one.end_us,
        origin_us=one.origin_us,
        bytes=one.object.size,
        recovered=one.recovered,
    )


def _ends(reader: FootageReader, found: Sequence[_Stored]) -> Iterable[RunEnded]:
    """Yield the ends of runs: why one ended is why there is a gap before the next of its camera."""
    runs: dict[str, list[_Stored]] = {}
    for one in found:
        runs.setdefault(one.info.run, []).append(one)
    ordered = [(chunks[0].info.camera, run, chunks) for run, chunks in runs.items()]
    for n, (camera, run, chunks) in enumerate(ordered):
        rows = [row for row in (reader.chunk_of_key(one.object.key) for one in chunks) if row is not None]
        if not rows:
            continue
        end_us = max(row.end_us for row in rows)
        following = ordered[n + 1] if n + 1 < len(ordered) and ordered[n + 1][0] == camera else None
        cause = GapCause.SERVICE_DOWN if following is None else _cause_before(reader, camera, end_us, following)
        yield RunEnded(camera=camera, time_us=end_us, run=run, end_us=end_us, cause=cause)


def _cause_before(
    reader: FootageReader, camera: str, end_us: int, following: tuple[str, str, list[_Stored]]
) -> GapCause:
    """Return why there is a gap between the end of a run and the one that follows; without one: dropped."""
    gaps = reader.gaps(camera, end_us, max(end_us + 1, following[2][0].start_us))
    return next((GapCause(gap.cause) for gap in gaps if gap.run == following[1]), GapCause.DROPPED)


def _restore_clips(core: Core, done: Rebuilt, advance: Callable[[int], None]) -> None:
    """Make rows of clips anew; where a clip does not say whose it is, pictures beside it or footage at its time do."""
    cameras = _cameras_of_events(core)
    reader = FootageReader(core.db)
    for info in core.store.list(keys.VIDEOS):
        advance(1)
        event, epoch = event_of(info.key), start_of(info.key)
        if event is None or epoch is None:
            done.left[info.key] = "its name is not that of a clip"
            continue
        at = epoch * SECOND
        then = [camera for camera in done.cameras if reader.spans(camera, at, at + SECOND)]
        camera = cameras.get(event) or (then[0] if len(then) == 1 else None)
        try:
            restore_clip(core, info.key, camera, event)
            done.clips += 1
        except GatehouseError as error:
            done.left[info.key] = error.message


def _cameras_of_events(core: Core) -> dict[str, str]:
    """Return the cameras of plate events, by the keys of their pictures: ``plates/{camera}/{day}/{event}_...``."""
    found: dict[str, str] = {}
    for info in core.store.list(keys.PLATES):
        names = info.key.split("/")
        if len(names) == 4:
            found[names[3].partition("_")[0]] = names[1]
    return found
