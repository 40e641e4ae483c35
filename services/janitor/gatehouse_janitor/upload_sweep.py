"""Uploads that nobody ends: what is whole is completed, the rest is let go of, and what is left of that is deleted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Final

import structlog

from gatehouse_common.clock import HOUR, MINUTE, SECOND
from gatehouse_common.db import BrowserSessions, Facts, Piece, Upload, UploadUpkeep
from gatehouse_common.db.browser_sessions import INTERRUPTED
from gatehouse_common.errors import Conflict, GatehouseError, InvalidInput
from gatehouse_common.intake import Intake, PieceBytes
from gatehouse_common.media.wholeness import is_whole
from gatehouse_common.observability.metrics import UPLOADS_ACTIVE
from gatehouse_common.runtime import Core
from gatehouse_common.storage import ObjectInfo, keys

from .guards import refuse_after_rebuild

log = structlog.get_logger(__name__)

_EVERY_US: Final = 20 * SECOND
_ORPHANS_EVERY_US: Final = 10 * MINUTE
ORPHAN_US: Final = HOUR
"""A piece without a row is one that nobody counts any more, once so much time has gone by."""
_ABANDONED_US: Final = MINUTE
_AT_ONCE: Final = 100


class UploadSweep:
    """Looks after uploads, a little at each look.

    Args:
        core: what services are built from.
        now_us: the time by which uploads expire: as it would be if the clock had not jumped.
    """

    def __init__(self, core: Core, now_us: Callable[[], int]) -> None:
        self._core, self._now_us = core, now_us
        self._intake, self._upkeep = Intake(core), UploadUpkeep(core.db)
        self._settings = core.settings.values.uploads
        self._looked_us: int | None = None
        self._orphans_us: int | None = None
        self._tried: dict[str, int] = {}

    def look(self, stop: threading.Event) -> None:
        """Do what is due.

        Raises:
            GatehouseError: store or index are away.
        """
        now = self._core.clock.monotonic_us()
        if self._looked_us is not None and now - self._looked_us < _EVERY_US:
            return
        self._complete_whole()
        self._complete_idle(stop)
        now_us = self._now_us()
        self._complete_silent(now_us, stop)
        self._expire(now_us)
        BrowserSessions(self._core.db).note_failed(self._core.clock.now_us())
        while not stop.is_set() and (left := self._upkeep.ended_with_pieces(_AT_ONCE)):
            if not self._intake.delete(left):
                break
        if self._orphans_us is None or now - self._orphans_us >= _ORPHANS_EVERY_US:
            self.delete_orphans(stop)
            self._orphans_us = now
        UPLOADS_ACTIVE.set(self._upkeep.active())
        self._looked_us = now

    def delete_orphans(self, stop: threading.Event) -> int:
        """Delete pieces that belong to no upload: whoever stored them was killed before they counted; return how many.

        With an index that was made anew nobody knows to what pieces belong: then none is deleted.
        """
        if refuse_after_rebuild(Facts(self._core.db)):
            return 0
        before, gone = self._core.clock.now_us() - ORPHAN_US, 0
        old = (one for one in self._core.store.list(keys.INCOMING) if one.modified_us < before)
        while not stop.is_set() and (some := _names(old)):
            lost = sorted(set(some) - self._upkeep.known(some))
            gone += len(lost) - len(self._core.store.delete_many(lost)) if lost else 0
        if gone:
            log.info("pieces of no upload were deleted", objects=gone)
        return gone

    def _complete_whole(self) -> None:
        """Complete what is whole: whoever had the last of it was killed before it was."""
        for upload in self._upkeep.whole(self._now_us() - _ABANDONED_US, _AT_ONCE):
            self._complete(upload, self._intake.uploads.pieces(upload.id))

    def _complete_idle(self, stop: threading.Event) -> None:
        """Complete uploads in blobs whose last one nobody named, if nothing comes any more and the file is whole."""
        before = self._now_us() - round(self._settings.idle_minutes * MINUTE)
        after, tried = "", dict[str, int]()
        while not stop.is_set() and (some := self._upkeep.idle_blobs(before, after, _AT_ONCE)):
            for upload in some:
                after, tried[upload.id] = upload.id, upload.changed_us
                if self._tried.get(upload.id) != upload.changed_us:
                    self._complete_blobs(upload)
        self._tried = tried

    def _complete_silent(self, now_us: int, stop: threading.Event) -> None:
        """Complete recordings of browsers that did not come back: what was received is kept, and said to be that.

        Not sooner than others expire: until then the browser may come back with the rest of it.
        """
        while not stop.is_set() and (some := self._upkeep.silent_recordings(now_us, _AT_ONCE)):
            for upload in some:
                facts = {**upload.facts, INTERRUPTED: True}
                if self._intake.uploads.interrupt(upload, facts):
                    whole = replace(upload, length=upload.received, facts=facts)
                    self._complete(whole, self._intake.uploads.pieces(upload.id))

    def _complete_blobs(self, upload: Upload) -> None:
        pieces = self._intake.uploads.pieces(upload.id)
        if not pieces or pieces[0].position not in {0, 1}:
            return
        is_row = pieces[-1].position - pieces[0].position + 1 == len(pieces)
        if not is_row or upload.last_position not in {None, pieces[-1].position}:
            return
        kind = self._intake.kind(pieces)
        named = upload.last_position is not None
        if kind is not None and (named or is_whole(kind, PieceBytes(self._core.store, pieces))):
            self._complete(upload, pieces)
        elif kind is None and named:
            self._intake.refuse(upload)

    def _complete(self, upload: Upload, pieces: list[Piece]) -> None:
        try:
            media = self._intake.complete(upload, pieces)
        except InvalidInput as error:
            log.info("an upload was no film", upload=upload.id, reason=error.message)
        except Conflict:  # whoever sends it was sooner
            return
        else:
            log.info("an upload was completed that nobody ended", upload=upload.id, media=media.number)

    def _expire(self, now_us: int) -> None:
        for upload in self._upkeep.expired(now_us, _AT_ONCE):
            try:
                self._intake.drop(upload, "expired")
            except GatehouseError as error:
                log.warning("an upload could not be let go of", upload=upload.id, reason=error.message)
                raise


def _names(objects: Iterator[ObjectInfo]) -> list[str]:
    return [one.key for one in islice(objects, _AT_ONCE)]
