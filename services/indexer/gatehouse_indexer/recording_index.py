"""``recordings/recording_index.json``: the index of stored recordings as older programs read it (S1-16)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from gatehouse_common.clock import MINUTE, SECOND, Clock
from gatehouse_common.db import Chunk, Database, FootageReader
from gatehouse_common.errors import GatehouseError
from gatehouse_common.storage import ObjectStore, keys
from gatehouse_common.timefmt import compact, rfc3339

MAX_ENTRIES = 20_000
QUIET_US = 2 * SECOND
LATEST_US = 10 * SECOND
SHARE = 100
"""Of the time, at most a hundredth goes into writing it: at a large site there is never quiet, and it is large."""
MOST_REST_US = 10 * MINUTE
"""However long a write took: it may have been the store that stood."""


def render(chunks: Iterable[Chunk], zone: ZoneInfo) -> bytes:
    """Return the file, oldest chunk first.

    ``{file: {"file_path", "start_time", "end_time", "file_size", "created_at"}}``: ``file`` is the key below
    ``recordings/``, times are ``YYYYMMDD_HHMMSS`` in ``zone``, ``created_at`` is RFC 3339.
    """
    entries = {
        chunk.key.removeprefix(keys.RECORDINGS): {
            "file_path": chunk.key,
            "start_time": compact(chunk.start_us, zone),
            "end_time": compact(chunk.end_us, zone),
            "file_size": chunk.bytes,
            "created_at": rfc3339(chunk.start_us, zone),
        }
        for chunk in sorted(chunks, key=lambda c: (c.start_us, c.key))
    }
    return json.dumps(entries, indent=1).encode() + b"\n"


class RecordingIndex:
    """Keeps the file up to date: written after things went quiet, but not later than ten seconds after a change.

    Where to write it takes long, it is later: a hundred times as long as it took the last time.
    """

    def __init__(self, db: Database, store: ObjectStore, clock: Clock, zone: ZoneInfo) -> None:
        self._reader = FootageReader(db)
        self._store = store
        self._clock = clock
        self._zone = zone
        self._lock = threading.Lock()
        self._first_us: int | None = None
        self._last_us = 0
        self._took_us = 0

    def changed(self) -> None:
        """Note that the file is out of date."""
        with self._lock:
            self._last_us = self._clock.monotonic_us()
            if self._first_us is None:
                self._first_us = self._last_us

    def due(self) -> bool:
        """Return whether it is time to write it."""
        with self._lock:
            if self._first_us is None:
                return False
            now, rest_us = self._clock.monotonic_us(), min(SHARE * self._took_us, MOST_REST_US)
            quiet = now - self._last_us >= max(QUIET_US, rest_us)
            return quiet or now - self._first_us >= max(LATEST_US, rest_us)

    def pending(self) -> bool:
        """Return whether it is out of date."""
        with self._lock:
            return self._first_us is not None

    def write(self) -> None:
        """Write it now, in one step: a reader sees the old file or the new one.

        Raises:
            GatehouseError: it cannot be written; it stays out of date.
        """
        with self._lock:
            before, self._first_us = self._first_us, None
        began_us = self._clock.monotonic_us()
        try:
            data = render(self._reader.newest(None, MAX_ENTRIES), self._zone)
            self._store.put_bytes(keys.RECORDING_INDEX, data, overwrite=True)
        except GatehouseError:
            with self._lock:
                self._first_us = before
            raise
        self._took_us = self._clock.monotonic_us() - began_us
