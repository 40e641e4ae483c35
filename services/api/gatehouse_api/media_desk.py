"""What people do with media: look at them, name and delete them, have something made of what is theirs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from gatehouse_common.accounts import Principal, Scope
from gatehouse_common.db import (
    Audit,
    FileClass,
    Job,
    JobRepository,
    JobsSeen,
    Media,
    MediaFile,
    MediaJobs,
    MediaLibrary,
    MediaTrash,
    Users,
)
from gatehouse_common.db.media_records import NOBODY
from gatehouse_common.errors import Conflict, Forbidden, InvalidInput, NotFound
from gatehouse_common.intake import describe_quietly
from gatehouse_common.retention import refuse_of_age
from gatehouse_common.runtime import Core, tell_job

from .auth.caller import visible_to
from .auth.deeds import deed_of
from .auth.login_desk import Caller

MOST_NUMBER = 2**31 - 1
_MOST_NAME = 255


class MediaDesk:
    """What routes do with media.

    A medium is there for whose it is, and for who may see others' (``records:all``); where nobody has to be known, for
    everybody.

    Args:
        core: the index, the store, the bus, the time.
        users: who there is.
        audit: where it is written down what was deleted and changed.
    """

    def __init__(self, core: Core, users: Users, audit: Audit) -> None:
        self._core, self._users, self._audit = core, users, audit
        self._jobs, self._trash = MediaJobs(core.db), MediaTrash(core.db)
        self._is_open = core.settings.values.auth.mode == "open"

    def owner(self, asks: Principal) -> int | None:
        """Return whose media there are for somebody: only their own; None: everybody's."""
        return None if self._is_open or asks.may(Scope.RECORDS_ALL) else asks.number

    def library(self, asks: Principal) -> MediaLibrary:
        """Return what finds media that are there for somebody."""
        return MediaLibrary(self._core.db, self.owner(asks), self.exports_of(asks))

    def exports_of(self, asks: Principal) -> frozenset[int] | None:
        """Return whose exports there are for somebody; None: of all whose media there are.

        They show cameras, and a medium has none that could be asked for: so others' are there for who sees all cameras,
        and for a token that sees fewer than its user there are none.
        """
        if self._is_open or asks.cameras() is None:
            return None
        if asks.token is not None:
            user = self._users.get(asks.user)
            if user.all_cameras or frozenset(self._users.grants(user.id)) != asks.cameras():
                return frozenset()
        return frozenset({asks.number})

    def jobs_seen(self, asks: Principal) -> JobsSeen:
        """Return which jobs there are for somebody: their own, all users', those of the house for who runs it."""
        visible = visible_to(asks, None, self._core.clock.now_us())
        return JobsSeen(asks.may(Scope.SETTINGS_ADMIN), self.owner(asks), visible, self.exports_of(asks))

    def jobs_own(self, asks: Principal) -> JobsSeen:
        """Return which jobs are somebody's own; where nobody has to be known, those of all users."""
        return JobsSeen(house=False, user=None if self._is_open else asks.number, exports_of=self.exports_of(asks))

    def get(self, which: str, asks: Principal, *, trashed: bool = False) -> Media:
        """Return a medium by its number or its id; with ``trashed`` one that is in the trash.

        Raises:
            NotFound: there is none for who asks.
        """
        return self.library(asks).get(read_which(which), trashed=trashed)

    def files(self, media: Media, asks: Principal) -> list[MediaFile]:
        """Return the files of a medium."""
        return self.library(asks).files([media.number]).get(media.number, [])

    def file(self, media: Media, kind: str, variant: str | None, asks: Principal) -> MediaFile:
        """Return a file of a medium; where no variant is named, the newest of its kind.

        Raises:
            NotFound: there is none.
        """
        found = [file for file in self.files(media, asks) if file.kind == kind and variant in {None, file.variant}]
        if not found:
            raise NotFound(f"there is no file {kind[:20]!r} of medium {media.number}, or not yet")
        return max(found, key=lambda file: file.made_us)

    def newest_jobs(self, media: Collection[int]) -> Mapping[int, list[Job]]:
        """Return the newest jobs of media, by number."""
        return self._jobs.newest(media) if media else {}

    def rename(self, which: str, name: str, asks: Principal, caller: Caller, seen: Collection[str] | None) -> Media:
        """Give a medium another name.

        Raises:
            NotFound: there is none for who asks.
            Forbidden: it is another's, and who asks may not delete those.
            ChangedSince: it is not as it was seen.
            InvalidInput: the name cannot be one.
        """
        found = self.get(which, asks)
        self._refuse_others(found, asks, "change")
        shown = "".join(c for c in name if c.isprintable()).strip()
        if not shown or len(shown) > _MOST_NAME:
            raise InvalidInput(f"a name has 1 to {_MOST_NAME} characters that can be seen", "name")
        named = self.library(asks).rename(found.number, shown, seen)
        self._note("media.renamed", found, asks, caller, {"name": shown})
        describe_quietly(self._core, found.number)
        return named

    def delete(
        self, which: str, asks: Principal, caller: Caller, *, purge: bool = False, seen: Collection[str] | None = None
    ) -> Media:
        """Put a medium into the trash; with ``purge`` it is deleted with the janitor's next look.

        Raises:
            NotFound: there is none for who asks.
            Forbidden: it is another's, and who asks may not delete those; or it is to be purged, and who asks is no
                admin.
            ChangedSince: it is not as it was seen.
            Conflict: it is on hold, or nothing at all is deleted here.
        """
        found = self.get(which, asks)
        self._refuse_others(found, asks, "delete")
        if purge and not self._is_open and not asks.may(Scope.SETTINGS_ADMIN):
            raise Forbidden("only an admin can delete a medium past the trash.")
        if purge and not self._core.settings.values.retention.enabled:
            raise Conflict("retention.enabled is off, so nothing is deleted: the medium can be put into the trash.")
        now_us = self._core.clock.now_us()
        self._trash.refuse_held(found.id, now_us)
        self._note("media.purged" if purge else "media.deleted", found, asks, caller)
        self.library(asks).trash(found.number, now_us, seen)
        if purge:
            self._trash.mark([found.id], "asked", now_us)
        describe_quietly(self._core, found.number)
        return found

    def restore(self, which: str, asks: Principal, caller: Caller) -> Media:
        """Take a medium out of the trash; what was not done with it by then is begun anew.

        Raises:
            NotFound: none is in it for who asks.
            Forbidden: it is another's, and who asks may not delete those.
            Conflict: it is of an age at which such are deleted, and not on hold.
        """
        found = self.get(which, asks, trashed=True)
        self._refuse_others(found, asks, "delete")
        now_us = self._core.clock.now_us()
        if not self._trash.is_held(found.id, now_us):
            kind: FileClass = "export" if found.kind == "export" else "upload"
            refuse_of_age(self._core.settings.values, kind, found.ready_us or found.created_us, now_us)
        self._note("media.restored", found, asks, caller)
        restored = self.library(asks).restore(found.number, self._core.clock.now_us(), asks.name)
        describe_quietly(self._core, found.number)
        for job in self.newest_jobs([found.number]).get(found.number, [])[:1]:
            tell_job(self._core, job)
        return restored

    def ask(self, which: str, kind: str, parameters: Mapping[str, Any], asks: Principal) -> Job:
        """Have something made of a medium; one that is asked for alike and not done yet is that one.

        Raises:
            NotFound: there is none for who asks.
            Forbidden: it is another's.
            Conflict: it is not ready, or an archive of films.
        """
        found = self.get(which, asks)
        self._refuse_others(found, asks, "have something made of")
        if not found.type.startswith(("video/", "audio/")):
            raise Conflict(f"medium {found.number} is {found.type}: no film or sound can be made of it.")
        now_us = self._core.clock.now_us()
        user = NOBODY if self._is_open else asks.number
        job = self._jobs.ask(found, kind, parameters, now_us, user, asks.name)
        tell_job(self._core, job)
        return job

    def retry(self, which: str, asks: Principal) -> Job:
        """Begin anew what is made of a medium of which that failed.

        Raises:
            NotFound: there is none for who asks.
            Forbidden: it is another's.
            Conflict: it has not failed.
        """
        found = self.get(which, asks)
        self._refuse_others(found, asks, "try again what became of")
        job = self._jobs.retry(found, self._core.clock.now_us(), asks.name)
        tell_job(self._core, job)
        return job

    def cancel(self, job_id: str, asks: Principal, caller: Caller) -> Job:
        """Call a job off.

        Raises:
            NotFound: there is none for who asks.
            Forbidden: it is another's, and who asks may not delete theirs.
            Conflict: it has ended.
        """
        found = JobRepository(self._core.db, whose=self.jobs_seen(asks)).get(job_id)
        if not self._is_open and found.user not in {None, asks.number} and not asks.may(Scope.FOOTAGE_DELETE):
            raise Forbidden("you can call off your own jobs only.")
        job = self._jobs.cancel(found.id, self._core.clock.now_us())
        now_us = self._core.clock.now_us()
        self._audit.write(deed_of(asks, caller, "job.cancelled", f"job {job.id}", {"kind": job.kind}), now_us)
        if job.media is not None:
            describe_quietly(self._core, job.media)
        tell_job(self._core, job)
        return job

    def _refuse_others(self, found: Media, asks: Principal, what: str) -> None:
        if not self._is_open and found.owner != asks.number and not asks.may(Scope.FOOTAGE_DELETE):
            raise Forbidden(f"you can {what} your own media only.")

    def _note(
        self, what: str, found: Media, asks: Principal, caller: Caller, more: Mapping[str, object] | None = None
    ) -> None:
        detail = {"name": found.name, "owner": found.owner_name} | dict(more or {})
        self._audit.write(deed_of(asks, caller, what, f"medium {found.number}", detail), self._core.clock.now_us())


def read_which(text: str) -> int | str:
    """Return the number or the id that a path names.

    Raises:
        NotFound: it can be neither.
    """
    if text.isascii() and text.isdigit():
        if len(text) > 10 or not 0 < int(text) <= MOST_NUMBER:
            raise NotFound(f"there is no medium {text[:64]!r}")
        return int(text)
    return text
