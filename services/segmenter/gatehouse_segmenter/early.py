"""Sending chunks to a distant store while they are written, so that little is left to send when they are closed."""

from __future__ import annotations

import threading
from collections.abc import Set as AbstractSet

import structlog

from gatehouse_common.errors import GatehouseError
from gatehouse_common.runtime import Core
from gatehouse_common.storage import Growing, keys

log = structlog.get_logger(__name__)


class EarlySender:
    """Follows the open files of the spool, if the store is one that files have to be sent to.

    Made before capture begins: what is in the spool by then was left by an earlier process, and is published whole.
    It is only ever ahead of the publisher: whatever fails here is done by it when the chunk is closed. A chunk goes by
    the start in its name in the spool, see ``placement.name_start``.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._lock = threading.Lock()
        self._growing: dict[str, Growing] = {}
        self._published = {info.key for info in core.spool.list(keys.SPOOL)}
        self._away = ""

    def look(self) -> None:
        """Send what has been written since the last look; while the store is away, nothing is tried a second time."""
        try:
            present = {info.key: info.size for info in self._core.spool.list(keys.SPOOL)}
            self._forget(present.keys())
            for key, size in present.items():
                growing = self._of(key)
                if growing is not None:
                    growing.feed(size)
        except GatehouseError as error:
            if error.message != self._away:
                log.warning("open chunks are not sent to the store for now", reason=error.message)
            self._away = error.message
        else:
            self._away = ""

    def take(self, key: str) -> Growing | None:
        """Return what has been sent of a chunk that is closed, None if nothing was; it is not followed any more."""
        with self._lock:
            self._published.add(key)
            return self._growing.pop(key, None)

    def _of(self, key: str) -> Growing | None:
        core, name = self._core, keys.parse_spool(key)
        with self._lock:
            if name is None or key in self._published:
                return None
            if key not in self._growing:
                target = keys.recording(name.camera, name.start_us, core.zone)
                growing = core.store.grow(core.spool.root / key, target)
                if growing is None:
                    return None
                self._growing[key] = growing
            return self._growing[key]

    def _forget(self, present: AbstractSet[str]) -> None:
        """Let go of files that have left the spool; an upload that nobody takes is aborted by ``tidy`` some day."""
        with self._lock:
            self._published &= present
            for key in self._growing.keys() - present:
                del self._growing[key]
