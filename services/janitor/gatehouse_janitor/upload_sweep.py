"""Uploads that nobody ends: what is whole is completed, the rest is let go of, and what is left of that is deleted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Final

import structlog

from gatehouse_common.clock import HOUR, MINUTE, SECOND
from gatehouse_common.db import BrowserSessions, Facts, Piece, Upload, UploadUpkeep
from gatehouse_common.db.browser_sessions import INTERRUPTED
from gatehouse_common.errors import Conflict, DataLoss, GatehouseError, InvalidInput, NotFound, Unavailable
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
"""A piece without a row is one that nobody counts any more, once so much time has gone by, and it was seen twice."""
_ABANDONED_US: Final = MINUTE
_AT_ONCE: Final = 100
_LOST: Final = "Some of what had come of it is not in the store any more"


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
        self._suspects = set[str]()
        self._trouble: GatehouseError | None = None

    def look(self, stop: threading.Event) -> None:
        """Do what is due.

        Raises:
            GatehouseError: store or index are away; or something failed of one upload, which has hindered no other.
        """
        now = self._core.clock.monotonic_us()
        if self._looked_us is not None and now - self._looked_us < _EVERY_US:
            return
        self._trouble = None
        self._complete_whole(stop)
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
        if self._trouble is not None:
            raise self._trouble

    def delete_orphans(self, stop: threading.Event) -> int:
        """Delete pieces that belong to no upload: whoever stored them was killed before they counted; return how many.

        Only those go that the call before has seen already: whoever was asleep may be about to let them count.
        With an index that was made anew nobody knows to what pieces belong: then none is deleted.
        """
        if refuse_after_rebuild(Facts(self._core.db)):
            return 0
        before, gone, suspects = self._now_us() - ORPHAN_US, 0, set[str]()
        old = (one for one in self._core.store.list(keys.INCOMING) if one.modified_us < before)
        while not stop.is_set() and (some := _names(old)):
            orphans = set(some) - self._upkeep.known(some)
            lost = sorted(orphans & self._suspects)
            suspects |= orphans
            gone += len(lost) - len(self._core.store.delete_many(lost)) if lost else 0
        self._suspects = suspects
        if gone:
            log.info("pieces of no upload were deleted", objects=gone)
        return gone

    def _complete_whole(self, stop: threading.Event) -> None:
        """Complete what is whole: whoever had the last of it was killed before it was."""
        before = self._now_us() - _ABANDONED_US
        for upload in _all(lambda after: self._upkeep.whole(before, after, _AT_ONCE), stop):
            self._try(upload, lambda one: self._complete(one, self._intake.uploads.pieces(one.id)))

    def _complete_idle(self, stop: threading.Event) -> None:
        """Complete uploads in blobs whose last one nobody named, if nothing comes any more and the file is whole."""
        before = self._now_us() - round(self._settings.idle_minutes * MINUTE)
        tried = dict[str, int]()
        for upload in _all(lambda after: self._upkeep.idle_blobs(before, after, _AT_ONCE), stop):
            if self._tried.get(upload.id) == upload.changed_us or self._try(upload, self._complete_blobs):
                tried[upload.id] = upload.changed_us
        self._tried = tried

    def _complete_silent(self, now_us: int, stop: threading.Event) -> None:
        """Complete recordings of browsers that did not come back: what was received is kept, and said to be that.

        Not sooner than others expire: until then the browser may come back with the rest of it.
        """
        for upload in _all(lambda after: self._upkeep.silent_recordings(now_us, after, _AT_ONCE), stop):
            self._try(upload, self._complete_interrupted)

    def _try(self, upload: Upload, act: Callable[[Upload], None]) -> bool:
        """Do something with an upload; return whether it could be done. What fails of one does not hinder others.

        Raises:
            Unavailable: store or index are away, which is so for the others too.
        """
        try:
            act(upload)
        except (NotFound, DataLoss) as error:
            log.warning("an upload has lost what had come of it", upload=upload.id, reason=error.message)
            self._intake.drop(upload, "failed", _LOST)
        except Conflict:  # whoever sends it was sooner
            return True
        except Unavailable:
            raise
        except GatehouseError as error:
            log.warning("an upload could not be looked after", upload=upload.id, reason=error.message)
            self._trouble = self._trouble or error
            return False
        return True

    def _complete_interrupted(self, upload: Upload) -> None:
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
            self._complete(replace(upload, received=sum(piece.bytes for piece in pieces)), pieces)
        elif kind is None and named:
            self._intake.refuse(upload)

    def _complete(self, upload: Upload, pieces: list[Piece]) -> None:
        try:
            media = self._intake.complete(upload, pieces)
        except InvalidInput as error:
            log.info("an upload was no film", upload=upload.id, reason=error.message)
        else:
            log.info("an upload was completed that nobody ended", upload=upload.id, media=media.number)

    def _expire(self, now_us: int) -> None:
        for upload in self._upkeep.expired(now_us, _AT_ONCE):
            self._try(upload, lambda one: self._let_go(one, now_us))

    def _let_go(self, upload: Upload, now_us: int) -> None:
        self._intake.drop(upload, "expired", due_us=now_us)


def _all(some: Callable[[str], Iterable[Upload]], stop: threading.Event) -> Iterator[Upload]:
    """Yield all uploads that are found a few at once, by id, those after one."""
    after = ""
    while not stop.is_set() and (found := list(some(after))):
        yield from found
        after = found[-1].id


def _names(objects: Iterator[ObjectInfo]) -> list[str]:
    return [one.key for one in islice(objects, _AT_ONCE)]
