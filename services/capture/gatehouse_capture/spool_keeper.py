"""The spool between its writers and the store: recovered at the start, told of, and freed of what is stored."""

from __future__ import annotations

import threading
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from gatehouse_common.bus import Delivery
from gatehouse_common.clock import SECOND
from gatehouse_common.db import FootageReader
from gatehouse_common.errors import Conflict, DataLoss, GatehouseError, NotFound, from_os_error
from gatehouse_common.media.adopt import read_index
from gatehouse_common.media.index_blob import decode_index
from gatehouse_common.media.samples import ChunkMedia
from gatehouse_common.media.stored import load_index
from gatehouse_common.media.write_lock import expect_unwritten, is_written
from gatehouse_common.messages import ChunkClosed, ChunkFreed, ChunkIndexed
from gatehouse_common.observability.metrics import SPOOL_BYTES, SPOOL_FILES
from gatehouse_common.runtime import Check, Core
from gatehouse_common.storage import keys

from .recovery import prune, recover

log = structlog.get_logger(__name__)

_LOOK_S = 15.0
_REMIND_US = 300 * SECOND
_AGAIN_US = 300 * SECOND
_DRAIN_US = 4 * SECOND
_HINTS = 10_000
_KEPT = (NotFound, DataLoss, Conflict)
"""Why a chunk that is said to be stored is not freed."""
_STORING = "segmenter"
"""The queue of who stores chunks."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is kept of a closed chunk for as long as it is in the spool: no samples, for there may be very many chunks.

    Attributes:
        size: bytes of its file when it was looked at.
        chunk: its id.
        run: the id of its run.
        start_us: wall time of its first frame, microseconds UTC.
        end_us: wall time at which its last frame ends.
        origin_us: wall time of its run's media time zero.
    """

    size: int
    chunk: str
    run: str
    start_us: int
    end_us: int
    origin_us: int


class SpoolKeeper:
    """Frees the chunks that are stored and indexed, and tells again of those that nobody has stored for long.

    ``chunk.indexed`` frees a chunk at once, ``chunk.freed`` one that is not to be kept. They may be lost, and so may
    ``chunk.closed``; so every quarter of a minute the index is asked for what is still in the spool. Capture alone
    writes to the spool and deletes from it.
    Made before capture begins, so that the spool holds only what an earlier process has left.
    """

    name = "spool"

    def __init__(self, core: Core) -> None:
        self._core = core
        self._footage = FootageReader(core.db)
        self._told_us: dict[str, tuple[int, int]] = {}
        """When a chunk was told last, and how long to wait until it is told again."""
        self._closed: dict[str, Waiting] = {}
        """What waits, by its key."""
        self._kept_for: set[tuple[str, str]] = set()
        """Of which files was said why they are kept, and why."""
        self.recovered = recover(core)
        self._again_us, self._again_in_us = core.clock.monotonic_us(), _AGAIN_US

    def run(self, stop: threading.Event) -> None:
        """Keep the spool until told to stop; then free what has been stored by then."""
        hints = self._core.bus.subscribe_transient([ChunkIndexed, ChunkFreed], self._on_hint, maxlen=_HINTS)
        try:
            while not self._core.clock.wait(stop, _LOOK_S):
                self.look()
            self._drain()
        finally:
            hints.close()

    def _drain(self) -> None:
        """Free what has been stored by now; others cannot read what is here any more when this process has ended."""
        self.look()
        never, clock = threading.Event(), self._core.clock
        until_us = clock.monotonic_us() + _DRAIN_US
        while self._core.inner is not None and self._closed and clock.monotonic_us() < until_us:
            clock.wait(never, 0.2)
            self.look()

    def health(self) -> list[Check]:
        """Return nothing: what waits for the store is told by who stores it."""
        return []

    def look(self) -> None:
        """Free what the index knows as stored, and tell again of what nobody has stored for long."""
        files = {info.key: info.size for info in self._core.spool.list(keys.SPOOL)}
        SPOOL_BYTES.set(sum(files.values()))
        SPOOL_FILES.set(len(files))
        self._forget(files.keys())
        now = self._core.clock.monotonic_us()
        self._try_again(now)
        overdue: list[tuple[str, Waiting, int]] = []
        try:
            for key, size in files.items():
                waiting = self._waiting(key, size)
                if waiting is not None and not self._freed(key, waiting.chunk) and self._is_overdue(key, now):
                    overdue.append((key, waiting, size))
            # What waits in the queue is stored when its turn comes: to tell of it again makes that later for all.
            if overdue and self._core.bus.depth(_STORING) == 0:
                for key, waiting, size in overdue:
                    self._remind(key, waiting, size, now)
        except GatehouseError as error:  # the index or the bus is away: the next look comes
            log.debug("the spool was not looked through", reason=error.message)

    def release(self, chunk_key: str, spool_key: str) -> None:
        """Free the spool's name of a chunk that is stored under ``chunk_key``, and the folder of its run if empty.

        Raises:
            NotFound: the store does not have it: then the spool is the only one that does.
            DataLoss: the store has less of it.
            Conflict: it is being written.
        """
        if keys.parse_spool(spool_key) is None:
            return
        path = self._core.spool.root / spool_key
        if path.exists():
            expect_unwritten(path, spool_key)
            _expect_whole(self._core.store.stat(chunk_key).size, path, spool_key)
            self._unlink(spool_key)

    def let_go(self, chunk: str, spool_key: str) -> None:
        """Free the spool's name of a chunk that is not to be kept, if the index has forgotten it.

        If the message that says so is lost, the chunk is told again as one that nobody has stored; so in the end it
        comes again.

        Raises:
            Conflict: it is being written.
        """
        path = self._core.spool.root / spool_key
        if keys.parse_spool(spool_key) is None or not path.exists():
            return
        expect_unwritten(path, spool_key)
        try:
            self._footage.chunk(chunk)
        except NotFound:
            self._unlink(spool_key)

    def _unlink(self, spool_key: str) -> None:
        path = self._core.spool.root / spool_key
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise from_os_error(error, f"freeing {spool_key}") from error
        prune(path.parent)

    def _on_hint(self, delivery: Delivery) -> None:
        message = delivery.message
        if isinstance(message, ChunkIndexed | ChunkFreed):
            try:
                if isinstance(message, ChunkIndexed):
                    self.release(message.key, message.spool_key)
                else:
                    self.let_go(message.chunk, message.spool_key)
            except _KEPT as error:
                self._tell_kept(message.spool_key, error)
            except GatehouseError as error:
                log.warning("a chunk stays in the spool for now", reason=error.message)

    def _waiting(self, key: str, size: int) -> Waiting | None:
        """Return what is known of a closed chunk of so many bytes, None while it is written.

        One that was given up on a full disk has no index at its end, as one that is written has none; but nobody holds
        it. What recovery had to leave is not told: whoever makes it whole would cut off what lies behind its damage.
        Names and times tell nothing: the clock may have been set back. What was seen at another size does not hold.
        """
        found = self._closed.get(key)
        if found is not None and found.size == size:
            return found
        path, found = self._core.spool.root / key, None
        with suppress(NotFound, DataLoss):  # freed in this very moment; or nothing whole is in it
            media = read_index(path, key)
            if media is None and key not in self.recovered.left_keys and not is_written(path):
                media = decode_index(load_index(self._core.spool, key).blob, key)
            if media is not None:
                found = self._closed[key] = _kept_of(media, size)
        return found

    def _freed(self, key: str, chunk: str) -> bool:
        """Free a chunk if the index knows it as stored; return whether that is so."""
        try:
            row = self._footage.chunk(chunk)
        except NotFound:
            return False
        if row.state != "stored":
            return False
        try:
            self.release(row.key, key)
        except _KEPT as error:
            self._tell_kept(key, error)
        return True

    def _tell_kept(self, key: str, error: GatehouseError) -> None:
        """Say once of each file why it is not freed: it is looked at four times a minute."""
        if (key, error.message) in self._kept_for:
            return
        self._kept_for.add((key, error.message))
        if isinstance(error, Conflict):
            log.warning("a chunk that was told as stored is being written; it is kept in the spool", key=key)
        else:
            log.error("a chunk is kept in the spool: the store does not have it", key=key, reason=error.message)

    def _try_again(self, now_us: int) -> None:
        """Recover what had to be left, as while the store was away; twice as long after each time."""
        if self.recovered.left_keys and now_us - self._again_us >= self._again_in_us:
            self._again_us, self._again_in_us = now_us, 2 * self._again_in_us
            self.recovered = recover(self._core, self.recovered.left_keys)

    def _is_overdue(self, key: str, now_us: int) -> bool:
        told_us, pause_us = self._told_us.setdefault(key, (now_us, _REMIND_US))
        return now_us - told_us >= pause_us

    def _remind(self, key: str, waiting: Waiting, size: int, now_us: int) -> None:
        name = keys.parse_spool(key)
        if name is None:
            return
        # Twice as long each time: what cannot be stored for a reason of its own must not be told of all the time.
        self._told_us[key] = now_us, 2 * self._told_us[key][1]
        log.warning("a chunk has waited long to be stored; it is told again", key=key)
        self._core.bus.publish(
            ChunkClosed(
                camera=name.camera,
                time_us=self._core.clock.now_us(),
                run=waiting.run,
                chunk=waiting.chunk,
                key=key,
                start_us=waiting.start_us,
                end_us=waiting.end_us,
                origin_us=waiting.origin_us,
                bytes=size,
                spool_url=self._core.spools.own_url,
            )
        )

    def _forget(self, present: Collection[str]) -> None:
        for key in self._told_us.keys() - present:
            del self._told_us[key]
        for key in self._closed.keys() - present:
            del self._closed[key]
        self._kept_for = {(key, why) for key, why in list(self._kept_for) if key in present}


def _kept_of(media: ChunkMedia, size: int) -> Waiting:
    return Waiting(size, media.chunk_id, media.run_id, media.start_us, media.end_us, media.origin_us)


def _expect_whole(stored: int, path: Path, key: str) -> None:
    """Return if an object of so many bytes has all the footage of a file; its index alone may be younger.

    Raises:
        DataLoss: it has not.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise from_os_error(error, f"freeing {key}") from error
    if stored >= size:
        return
    media = read_index(path, key)  # added when the spool was recovered, to a file that had been stored without
    wanted = size if media is None else media.indexed_bytes
    if stored < wanted:
        raise DataLoss(f"of the {wanted} bytes of footage in {key} the store has {stored}")


def build(core: Core) -> SpoolKeeper:
    """Return the keeper; what an earlier process left in the spool is recovered by then."""
    return SpoolKeeper(core)
