"""Sending chunks to a distant store while they are written, so that little is left to send when they are closed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet

import structlog

from gatehouse_common.db import FootageReader
from gatehouse_common.errors import GatehouseError, WorkerUnavailable
from gatehouse_common.media.run_box import FOOTER_BYTES, index_box_size
from gatehouse_common.runtime import Core
from gatehouse_common.storage import Growing, Source, keys

log = structlog.get_logger(__name__)


class EarlySender:
    """Follows the open files of all spools, if the store is one that files have to be sent to.

    It is only ever ahead of the publisher: whatever fails here is done by it when the chunk is closed. A chunk goes by
    the start in its name in the spool, see ``placement.name_start``. A file that is closed when it is first seen is
    not followed: it is published whole, or has been.

    Args:
        core: what services are built from.
        mine: whether this segmenter is the one that a camera's chunks are told to.
    """

    def __init__(self, core: Core, mine: Callable[[str], bool] = lambda _camera: True) -> None:
        self._core, self._mine = core, mine
        self._footage = FootageReader(core.db)
        self._lock = threading.Lock()
        self._growing: dict[str, Growing] = {}
        self._passed: set[str] = set()
        self._troubles: set[str] = set()

    def look(self) -> None:
        """Send what has been written since the last look; while the store is away, nothing is tried a second time."""
        if not self.sends():
            return
        seen: set[str] = set()
        troubles: set[str] = set()
        try:
            for url in self._urls():
                try:
                    self._send(url, seen)
                except WorkerUnavailable as error:  # others have chunks too; one that is gone may never come back
                    troubles.add(error.message)
        except GatehouseError as error:
            troubles.add(error.message)
        else:
            self._forget(seen)
        for trouble in sorted(troubles - self._troubles):
            log.warning("open chunks are not sent to the store for now", reason=trouble)
        self._troubles = troubles

    def take(self, key: str) -> Growing | None:
        """Return what has been sent of a chunk that is closed, None if nothing was; it is not followed any more."""
        if not self.sends():  # nor is anything that has left the spool looked for, and forgotten
            return None
        with self._lock:
            self._passed.add(key)
            return self._growing.pop(key, None)

    def sends(self) -> bool:
        """Return whether the store is one that files have to be sent to."""
        return self._core.store.local_path(keys.RECORDING_INDEX) is None

    def _urls(self) -> Iterator[str]:
        """Yield where there are spools: an empty one for this machine's, then those of others that have open chunks."""
        yield ""
        for url in self._footage.spool_urls():
            if not self._core.spools.is_local(url):
                yield url

    def _send(self, url: str, seen: set[str]) -> None:
        """Send what is new in the files of one spool; each is noted in ``seen``."""
        spools = self._core.spools
        for info in spools.at(url).list() if url else spools.local.list(keys.SPOOL):
            if self._follows(info.key):
                source = spools.source(info.key, url)
                seen.add(info.key)
                growing = self._of(source, info.size)
                if growing is not None:
                    growing.feed(source, info.size)

    def _follows(self, key: str) -> bool:
        name = keys.parse_spool(key)
        return name is not None and self._mine(name.camera)

    def _of(self, source: Source, size: int) -> Growing | None:
        core, key = self._core, source.key
        name = keys.parse_spool(key)
        with self._lock:
            if name is None or key in self._passed:
                return None
            known = self._growing.get(key)
        if known is not None:
            return known
        closed = index_box_size(source.pread(max(0, size - FOOTER_BYTES), FOOTER_BYTES)) is not None
        growing = None if closed else core.store.grow(keys.recording(name.camera, name.start_us, core.zone))
        with self._lock:
            if growing is None or key in self._passed:
                self._passed.add(key)
                return None
            return self._growing.setdefault(key, growing)

    def _forget(self, present: AbstractSet[str]) -> None:
        """Let go of files that have left the spool; an upload that nobody takes is aborted by ``tidy`` some day."""
        with self._lock:
            self._passed &= present
            for key in self._growing.keys() - present:
                del self._growing[key]
