"""Which object a chunk becomes: a free key of its second, or the object that it already is."""

from __future__ import annotations

import os
from pathlib import Path
from zoneinfo import ZoneInfo

from gatehouse_common.errors import Conflict, DataLoss, NotFound, from_os_error
from gatehouse_common.media.stored import read_head
from gatehouse_common.storage import FileSource, Growing, ObjectStore, Source, keys

MAX_SAME_SECOND = 99


def name_start(store: ObjectStore, spool_key: str, start_us: int) -> int:
    """Return the start that a chunk gets its key by.

    A start may be refined while a chunk is written. On a distant store the one in the spool's name is taken, which
    never changes: an upload is found again by its key, there is no second name to recognise it by.
    """
    name = keys.parse_spool(spool_key)
    return start_us if name is None or store.local_path(spool_key) is not None else name.start_us


def find_twin(store: ObjectStore, source: Source, camera: str, start_us: int, zone: ZoneInfo) -> str | None:
    """Return the key of the object that has the same bytes as the spool file by a second name, if any.

    Found by the file and not by the name it would get today: a start that was refined after publishing, or a
    changed time zone, would give another name. Two days are looked at for the same reason.

    Raises:
        NotFound: the file has left the spool.
    """
    if not isinstance(source, FileSource):
        return None
    try:
        mine = source.path.stat()
    except OSError as error:
        raise from_os_error(error, f"looking up {source.key}") from error
    if mine.st_nlink < 2 or store.local_path(keys.recording(camera, start_us, zone)) is None:
        return None
    folders = {keys.recording(camera, start_us + d, zone).rpartition("/")[0] for d in (0, -2_000_000, 2_000_000)}
    for folder in sorted(folders):
        for info in store.list(folder + "/"):
            twin = store.local_path(info.key)
            if twin is not None and _is_same(twin, mine):
                return info.key
    return None


def find_stored(store: ObjectStore, chunk: str, camera: str, start_us: int, zone: ZoneInfo) -> str | None:
    """Return the key under which a chunk is stored already, found by what its run box says."""
    for attempt in range(1, MAX_SAME_SECOND + 1):
        key = keys.recording(camera, start_us, zone, attempt)
        try:
            if _is(store, key, chunk):
                return key
        except NotFound:
            return None
    return None


def place(
    store: ObjectStore,
    source: Source,
    chunk: str,
    camera: str,
    start_us: int,
    zone: ZoneInfo,
    growing: Growing | None = None,
) -> str:
    """Make a spool file an object and return its key; one that is an object already stays it.

    ``growing`` is what of it has been sent already, under the first of the keys that it could get then. If it has
    another by now, since the site's zone was set, what was sent is taken back: who comes after a crash looks for the
    chunk by the keys of now.

    Raises:
        Conflict: every name of its second is taken by other chunks.
        ResourceExhausted: no room for it.
    """
    twin = find_twin(store, source, camera, start_us, zone)
    if twin is not None:
        return twin
    if growing is not None and growing.key != keys.recording(camera, start_us, zone):
        growing.abort()
        growing = None
    for attempt in range(1, MAX_SAME_SECOND + 1):
        key = keys.recording(camera, start_us, zone, attempt)
        try:
            if growing is not None and attempt == 1:
                growing.finish(source)
            else:
                store.put(source, key)
        except Conflict:
            if _is(store, key, chunk):
                return key
        else:
            return key
    raise Conflict(f"{MAX_SAME_SECOND} chunks of camera {camera} begin in the second of {key}")


def _is_same(path: Path, known: os.stat_result) -> bool:
    try:
        return os.path.samestat(path.stat(), known)
    except OSError:  # deleted since it was listed
        return False


def _is(store: ObjectStore, key: str, chunk: str) -> bool:
    try:
        info, _ = read_head(store, key)
    except DataLoss:  # somebody else's damaged file holds the name
        return False
    return info is not None and info.chunk == chunk
