"""From decided to done: objects are deleted, and what was decided is forgotten. May be broken off anywhere."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import structlog

from gatehouse_common.clock import HOUR, SECOND
from gatehouse_common.db import Deletion, Deletions, MediaTrash
from gatehouse_common.db.upkeep_models import GOING, UNSURE
from gatehouse_common.errors import Conflict, DataLoss, GatehouseError, ResourceExhausted
from gatehouse_common.intake import raw_description, read_description
from gatehouse_common.messages import FootagePurged
from gatehouse_common.observability.metrics import RETENTION_DELETED_BYTES, RETENTION_DELETED_OBJECTS, RETENTION_REFUSED
from gatehouse_common.runtime import Core
from gatehouse_common.storage import is_meant, keys

log = structlog.get_logger(__name__)

AT_ONCE = 500
_TOGETHER = 100
"""A hold that comes while so many are being deleted comes too late for them."""
_FIRST_PAUSE_US = 10 * SECOND
_CLASSES = {"chunk": "continuous", "clip": "event", "picture": "plate", "session": "session", "media": "upload"}


@dataclass(frozen=True, slots=True)
class Freed:
    """How many objects are gone, and their bytes."""

    objects: int = 0
    bytes: int = 0

    def __add__(self, other: Freed) -> Freed:
        """Return both together."""
        return Freed(self.objects + other.objects, self.bytes + other.bytes)


class Removal:
    """Deletes the objects of what has been decided.

    Args:
        core: what services are built from.
        deletions: what has been decided.
        check_store: returns if the store is the one that is known; asked before each batch, since an object that is
            not found counts as deleted.
        now_us: the time by which holds run out: as it would be if the clock had not jumped.
    """

    def __init__(
        self, core: Core, deletions: Deletions, check_store: Callable[[], None], now_us: Callable[[], int]
    ) -> None:
        self._core, self._deletions, self._check_store, self._now_us = core, deletions, check_store, now_us
        self._media = MediaTrash(core.db)
        self.refused = ""
        """What the store said last when it did not delete an object; empty: it does."""
        self.blocked = False
        """Whether it deleted none of the last that it was asked to: then nothing more is to be decided."""

    def finish(self, stop: threading.Event) -> Freed:
        """Delete what has been decided and not been done: by a crash, or since the store refused.

        Raises:
            Conflict: the store is not the one that is known.
            GatehouseError: store or database do not answer.
        """
        freed = Freed()
        while not stop.is_set() and (due := self._due()):
            if begun := [one for one in due if one.trouble == GOING]:  # too long ago: whoever did so has ended
                self._leave(begun)
            meant, unknown = self._still_meant(due)
            some = self.remove(meant)
            if unknown:
                self._note([one for one in due if one.key in unknown], unknown, asked=False)
            freed += some
            if some.objects < len(due):
                break
        return freed

    def _still_meant(self, waiting: Sequence[Deletion]) -> tuple[list[Deletion], dict[str, str]]:
        """Forget what waits whose object is gone and whose key has become another's.

        Returns:
            What may still be there, as far as the store says so; the key of which it does not, with the reason.
        """
        self._check_store()
        meant, others = list[Deletion](), list[Deletion]()
        unknown: dict[str, str] = {}
        for one in waiting:
            try:
                (meant if is_meant(self._core.store, one.key, one.bytes) else others).append(one)
            except GatehouseError as error:  # each may take as long as the store is waited for
                unknown[one.key] = error.message
                break
        for one in others:
            log.warning("what was to be deleted is gone, and its name is another object's", kind=one.kind, key=one.key)
        if others:
            self._deletions.done(others)
        return meant, unknown

    def remove(self, decided: Sequence[Deletion]) -> Freed:
        """Delete objects, but for those that are held by now; return what is gone.

        What the store refuses is tried again later, ever less often.

        Raises:
            Conflict: the store is not the one that is known.
            GatehouseError: store or database do not answer; what was decided stays so.
        """
        gone, refused, kept, at = list[Deletion](), list[str](), False, 0
        full: ResourceExhausted | None = None
        try:
            while at < len(decided):
                self._check_store()
                # Here, and not where they were listed: asking the store for each of them may have taken half a minute.
                batch, at, is_noted = self._begin(decided, at)
                try:
                    some, why, by_store = self._delete(batch) if batch else ([], {}, False)
                except ResourceExhausted as error:
                    if is_noted:
                        raise
                    full = error  # what became of this one finds no room either: another may make it
                    continue
                gone += some
                refused += why
                kept = kept or by_store
        finally:
            self._tell(gone)
        if full is not None and not gone:
            raise full
        self.refused = self.refused if refused else ""
        self.blocked = kept and not gone
        return Freed(len(gone), sum(d.bytes for d in gone))

    def _begin(self, decided: Sequence[Deletion], at: int) -> tuple[list[Deletion], int, bool]:
        """Return what is to be deleted next, from there on, where to go on after it, and whether that is noted."""
        try:
            return self._deletions.begin(decided[at : at + _TOGETHER], self._now_us()), at + _TOGETHER, True
        except ResourceExhausted:  # deleting alone makes room for a note: for the next one, or for a hold
            return self._deletions.free(decided[at : at + 1], self._now_us()), at + 1, False

    def _leave(self, begun: Sequence[Deletion]) -> None:
        with suppress(GatehouseError):  # it may be the index that is away, or full: it is noted by whoever goes on
            self._deletions.leave(begun, self._now_us())

    def _delete(self, batch: Sequence[Deletion]) -> tuple[list[Deletion], dict[str, str], bool]:
        """Delete the objects of some that are noted as going.

        Returns:
            What is gone; the keys that are not, each with the reason; whether the store refused any of them.
        """
        try:
            return self._deleted(batch)
        except GatehouseError:
            self._leave(batch)
            raise

    def _deleted(self, batch: Sequence[Deletion]) -> tuple[list[Deletion], dict[str, str], bool]:
        unsure = self._forget_descriptions(batch)
        unread = {d.key: unsure[d.subject] for d in batch if d.kind == "media" and d.subject in unsure}
        sure = [d.key for d in batch if d.key not in unread]
        kept = self._core.store.delete_many(sure) if sure else {}
        refused = unread | kept
        gone = [d for d in batch if d.key not in refused]
        self._empty_folders(gone)
        if gone:
            self._deletions.done(gone)
        if refused:
            self._note([d for d in batch if d.key in refused], refused)
        return gone, refused, bool(kept)

    def _forget_descriptions(self, decided: Sequence[Deletion]) -> dict[str, str]:
        """Delete first what describes media that go: an index that is lost now must not bring half of one back.

        Returns:
            Media of which the store does not say what is described, or does not stop saying it; each with the reason.
        """
        media = {d.subject for d in decided if d.kind == "media"}
        about, unsure = dict[str, str](), dict[str, str]()
        for medium, folder, _ in self._media.folders(media) if media else ():
            try:
                if not self._is_others(medium, folder):
                    about[keys.media_description(folder)] = medium
            except GatehouseError as error:
                unsure[medium] = error.message
        refused = self._core.store.delete_many(list(about)) if about else {}
        return unsure | {about[key]: why for key, why in refused.items()}

    def _is_others(self, medium: str, folder: str) -> bool:
        """Return whether a folder is described as another medium's: of an index that was lost, and had its number too.

        What cannot be read or understood may be, too.
        """
        key = keys.media_description(folder)
        try:
            data = raw_description(self._core, key)
            return data is not None and read_description(key, data).media.id != medium
        except DataLoss:
            return True

    def _empty_folders(self, gone: Sequence[Deletion]) -> None:
        """Delete what else is in the folders of media that go: no row speaks of what a worker left that was killed.

        Before what was decided is forgotten: it is done again after a crash. What was there before the medium came is
        another's, and so may be all of it where another is described.
        """
        media = {d.subject for d in gone if d.kind == "media"}
        for medium, folder, since_us in self._media.folders(media) if media else ():
            if not (folder.startswith(keys.UPLOADS) and folder.endswith("/")):
                raise Conflict(f"the folder of a medium is {folder!r}: it is not emptied")
            if self._is_others(medium, folder):
                log.warning("what describes another medium is in the folder of one that is deleted", folder=folder)
                continue  # nor is anything else deleted there
            left = [info.key for info in self._core.store.list(folder) if info.modified_us >= since_us]
            for at in range(0, len(left), AT_ONCE):
                self._core.store.delete_many(left[at : at + AT_ONCE])

    def _due(self) -> list[Deletion]:
        """Return what may be tried now; while the store deletes nothing, one at each look: some time it does again."""
        due = self._deletions.due(self._now_us(), AT_ONCE)
        return due or (self._deletions.soonest(self._now_us(), 1) if self.blocked else [])

    def refuse_if_blocked(self) -> None:
        """Return if the store deletes.

        Raises:
            Conflict: it deleted nothing of the last that it was asked to: to decide on more would lose the index of it.
        """
        if self.blocked:
            raise Conflict(f"the store deletes nothing, so nothing more is decided on: {self.refused}")

    def _note(self, ours: Sequence[Deletion], refused: dict[str, str], *, asked: bool = True) -> None:
        """Let some be tried later; those that it was not ``asked`` to delete may be gone since it was asked before."""
        now_us = self._now_us()
        later = [
            replace(
                one,
                tries=one.tries + 1,
                trouble=refused[one.key] if asked or one.trouble not in {GOING, UNSURE} else UNSURE,
                next_us=now_us + min(HOUR, _FIRST_PAUSE_US << min(one.tries, 16)),
            )
            for one in ours
        ]
        self._deletions.refused(later)
        RETENTION_REFUSED.inc(len(later))
        first = later[0]
        self.refused = f"{first.key} cannot be deleted: {refused[first.key]}"
        log.warning("objects cannot be deleted", count=len(later), first=first.key, reason=refused[first.key])

    def _tell(self, gone: Sequence[Deletion]) -> None:
        for one in gone:
            RETENTION_DELETED_OBJECTS.labels(_CLASSES[one.kind], one.reason).inc()
            RETENTION_DELETED_BYTES.labels(_CLASSES[one.kind], one.reason).inc(one.bytes)
        for camera in sorted({d.camera for d in gone if d.kind == "chunk"}):
            theirs = [d for d in gone if d.camera == camera and d.kind == "chunk"]
            purged = FootagePurged(
                camera=camera,
                time_us=self._core.clock.now_us(),
                start_us=min(d.start_us for d in theirs),
                end_us=max(d.end_us for d in theirs),
                chunks=len(theirs),
                bytes=sum(d.bytes for d in theirs),
                reason=theirs[0].reason,
            )
            try:
                self._core.bus.publish(purged)
            except GatehouseError as error:  # lists of files are made anew with the next chunk
                log.debug("that footage is gone was not told of", reason=error.message)
