"""Whether there is room for what is made: a disk that is full would stop what is recorded."""

from __future__ import annotations

import shutil

from gatehouse_common.clock import SECOND
from gatehouse_common.errors import ResourceExhausted, from_os_error
from gatehouse_common.retention import reserve_bytes
from gatehouse_common.runtime import Core

_PART = 4
"""This part of what uploads leave free is not used by what is made of them: then nothing more is received, and there
is room for what was. Nor more than half of what retention keeps free at least: a disk that recordings fill is never
emptier, and films are made all the same."""
_EVERY_US = SECOND


class Room:
    """Looks at the data directory, where files are made, and at the store, where they are kept."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._least = core.settings.values.uploads.least_free_bytes // _PART
        self._looked_us: int | None = None

    def require(self, data: int, store: int) -> None:
        """Return if files of so many bytes can be made here and kept there, and some room stays free.

        Raises:
            ResourceExhausted: there is too little.
        """
        self._check("the data directory", *self._local(), data)
        room = self._core.store.capacity()
        if room is not None:
            self._check("the store", room.total, room.free, store)

    def look(self) -> None:
        """Return while some room is free; looks once a second at most.

        Raises:
            ResourceExhausted: there is too little, of one or the other.
        """
        now_us = self._core.clock.monotonic_us()
        if self._looked_us is None or now_us - self._looked_us >= _EVERY_US:
            self._looked_us = now_us
            self.require(0, 0)

    def _local(self) -> tuple[int, int]:
        """Return the size of the data directory's disk, and what is free of it, in bytes."""
        try:
            found = shutil.disk_usage(self._core.data_dir)
        except OSError as error:
            raise from_os_error(error, "looking at the room of the data directory") from error
        return found.total, found.free

    def _check(self, what: str, total: int, free: int, size: int) -> None:
        least = min(self._least, reserve_bytes(self._core.settings.values.retention, total, 0) // 2)
        if free - size < least:
            raise ResourceExhausted(
                f"{what} has {free} bytes of room: {size} are needed, and {least} stay free for what is recorded"
            )
