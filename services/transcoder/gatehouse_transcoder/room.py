"""Whether there is room for what is made: a disk that is full would stop what is recorded."""

from __future__ import annotations

import shutil

from gatehouse_common.clock import SECOND
from gatehouse_common.errors import ResourceExhausted, from_os_error
from gatehouse_common.runtime import Core

_GIB = 1 << 30
_PART = 4
"""This part of what uploads leave free is not used by what is made of them: then nothing more is received, and there
is room for what was."""
_EVERY_US = SECOND


class Room:
    """Looks at the data directory, where files are made, and at the store, where they are kept."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._least = round(core.settings.values.uploads.least_free_gib * _GIB) // _PART
        self._looked_us: int | None = None

    def require(self, data: int, store: int) -> None:
        """Return if files of so many bytes can be made here and kept there, and some room stays free.

        Raises:
            ResourceExhausted: there is too little.
        """
        self._check("the data directory", self._free(), data)
        room = self._core.store.capacity()
        if room is not None:
            self._check("the store", room.free, store)

    def look(self) -> None:
        """Return while some room is free; looks once a second at most.

        Raises:
            ResourceExhausted: there is too little, of one or the other.
        """
        now_us = self._core.clock.monotonic_us()
        if self._looked_us is None or now_us - self._looked_us >= _EVERY_US:
            self._looked_us = now_us
            self.require(0, 0)

    def _free(self) -> int:
        try:
            return shutil.disk_usage(self._core.data_dir).free
        except OSError as error:
            raise from_os_error(error, "looking at the room of the data directory") from error

    def _check(self, what: str, free: int, size: int) -> None:
        if free - size < self._least:
            raise ResourceExhausted(
                f"{what} has {free} bytes of room: {size} are needed, and {self._least} stay free for what is recorded"
            )
