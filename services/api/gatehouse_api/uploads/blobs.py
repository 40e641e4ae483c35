"""Files in blobs with numbers: any order, at once, more than once, by one after the other of the processes (S4)."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from typing import Final

from gatehouse_common.clock import HOUR
from gatehouse_common.db import AddedBlob, Media, NewBlob, Piece, Upload
from gatehouse_common.errors import Conflict, InvalidInput, NotFound, TooLarge, Unavailable
from gatehouse_common.intake import NO_FILM, NoFilm, was_blob
from gatehouse_common.runtime import Core

from .engine import Owner, UploadEngine, Wanted
from .told import file_name

MOST_NUMBER: Final = 10_000_000
"""No blob has a greater number."""
_TRIES: Final = 8
_LATE_US: Final = HOUR
"""A blob of a film that was whole less than so long ago is one that was sent twice."""
_SHOWN: Final = 20
_GONE: Final = frozenset({"trashed", "deleted"})


@dataclass(frozen=True, slots=True)
class Blob:
    """A part of a file.

    Attributes:
        number: its place: 1, 2, 3, of some clients 0, 1, 2.
        data: its bytes.
        is_last: whether the file ends with it.
    """

    number: int
    data: bytes | memoryview
    is_last: bool


class BlobDesk:
    """Takes blobs, and makes a medium of them when none is missing.

    Args:
        core: the time.
        engine: what makes pieces durable.
    """

    def __init__(self, core: Core, engine: UploadEngine) -> None:
        self._clock, self._engine = core.clock, engine
        self._uploads, self._quotas, self._intake = engine.uploads, engine.quotas, engine.intake

    def take(self, owner: Owner, name: str, blob: Blob) -> Media | None:
        """Keep a blob; return the medium if that was all of its file, or was already; None: others are missing.

        Args:
            owner: whose it is.
            name: of the file, by which its blobs find each other.
            blob: the blob.

        Raises:
            TooLarge, QuotaExceeded, ResourceExhausted: more comes than may.
            Conflict: another blob has this number, or another is the last one.
            InvalidInput: it is empty, or the file is no film.
        """
        self.check(blob)
        digest = hashlib.sha256(blob.data).hexdigest()
        for _ in range(_TRIES):
            found = self._uploads.open_blob(_open_name(owner, name), blob.number)
            upload, there = found or (None, None)
            if upload is None:
                done = self._of_before(owner, name, blob, digest)
                if done is not None:
                    return done if blob.is_last else None
                upload = self._begin(owner, name, blob.number)
            whole = None if upload is None else self._keep(upload, blob, digest, there)
            if upload is not None and whole is not None:
                return self._complete(upload.id) if whole else None
        raise Unavailable("this file is being completed: send the blob again.")

    def check(self, blob: Blob) -> None:
        """Return if a blob may be taken for what it is, whosever it is.

        Raises:
            TooLarge: it is too large.
            InvalidInput: it is empty.
        """
        if not blob.data:
            raise InvalidInput("blobObject is empty.", "blobObject")
        if len(blob.data) > self._quotas.most_blob_bytes:
            most = self._quotas.most_blob_bytes
            raise TooLarge(f"blobs of {most} bytes at most are taken (`uploads.max_blob_mib`), this has more.")

    def complete(self, owner: Owner, name: str) -> Media:
        """Make a medium of all blobs that are here: the last of them is the last of the file.

        Raises:
            NotFound: nothing of such a file is here.
            Conflict: blobs in between are missing, or one more comes at this moment.
            InvalidInput: it is no film.
        """
        upload = self._uploads.open_named(_open_name(owner, name))
        if upload is None:
            before = self._uploads.last_named(owner.number, _digest(name))
            if before is None or before.media is None:
                raise NotFound(f"nothing of {file_name(name)!r} is here.")
            return self._uploads.medium(before.media)
        pieces = self._uploads.pieces(upload.id)
        missing = _missing(pieces)
        if missing:
            raise Conflict(f"blobs are missing: {missing}.")
        if self._intake.kind(pieces) is None:  # and who sends them says that no blob 0 is to come
            raise self._intake.refuse(upload)
        self._uploads.say_last(upload.id, pieces[-1].position)
        made = self._complete(upload.id)
        if made is None:
            raise Conflict(f"blobs of {file_name(name)!r} are still coming, or it was given up: ask again.")
        return made

    def _begin(self, owner: Owner, name: str, first: int) -> Upload | None:
        """Begin an upload of a name; None: somebody else has at this moment."""
        wanted = Wanted(owner, "blob", file_name(name), facts={"first": first})
        try:
            return self._engine.begin(wanted, _open_name(owner, name), _digest(name))
        except Conflict:
            return None

    def _of_before(self, owner: Owner, name: str, blob: Blob, digest: str) -> Media | None:
        """Return the medium of which a blob is that comes again, None if it is the first of another file."""
        before = self._uploads.last_named(owner.number, _digest(name))
        if before is None or before.media is None or not was_blob(before, blob.number, digest):
            return None
        late = self._clock.now_us() - before.changed_us > _LATE_US and blob.number != before.last_position
        try:
            media = self._uploads.medium(before.media)
        except NotFound:
            return None
        return None if late or media.state in _GONE else media

    def _keep(self, upload: Upload, blob: Blob, digest: str, there: Piece | None) -> bool | None:
        """Keep a blob of an upload, unless it is there; return whether that is whole, None: it is received no more.

        Who adds the last that is missing is told so, and completes the upload. If they are killed before they do, they
        have not answered: the blob is sent again, and found here in an upload of which the last one is known.

        Raises:
            Conflict: another blob has this number, or another is the last one.
        """
        if there is None:
            found = self._add(upload, blob, digest)
            if isinstance(found, AddedBlob):
                return found.is_whole
            if found is None:
                return None
            there = found
            upload = self._uploads.get(upload.id)  # others were here meanwhile, perhaps with the last of it
        if there.digest != digest:
            if self._is_no_film(upload.id):  # and was told to be none: this is what comes in its place
                self._intake.refuse(upload)
                return None
            raise Conflict(f"blob {blob.number} already stored with other content")
        if blob.is_last and upload.last_position != blob.number:
            try:
                self._uploads.say_last(upload.id, blob.number)
            except Conflict:
                if self._is_received(upload):
                    raise
                return None
            upload = replace(upload, last_position=blob.number)
        return self._is_whole(upload)

    def _add(self, upload: Upload, blob: Blob, digest: str) -> AddedBlob | Piece | None:
        """Store a blob; return that it is added, the one that is there instead, None: this is not received any more."""
        self._quotas.check_size(upload.received + len(blob.data))
        self._quotas.left(upload.owner, len(blob.data))
        piece = self._engine.store(upload.id, blob.number, blob.data, digest, settled=False)
        now_us, expires_us = self._clock.now_us(), self._engine.expires_us()
        try:
            found = self._engine.add_blob(NewBlob(piece, now_us, expires_us, is_last=blob.is_last))
        except Conflict:
            self._engine.discard([piece])
            if self._is_received(upload):
                raise
            return None
        if isinstance(found, Piece):
            self._engine.discard([piece])
        return found

    def _is_received(self, upload: Upload) -> bool:
        return self._uploads.get(upload.id).state == "receiving"

    def _complete(self, upload_id: str) -> Media | None:
        """Complete an upload if no blob is missing; return its medium, None if it is not whole.

        Raises:
            InvalidInput: it is no film. As long as a blob 0 may come before the others, it waits for that all the same.
            Unavailable: others complete it, or add to it, again and again.
        """
        for _ in range(_TRIES):
            upload = self._uploads.get(upload_id)
            if upload.state != "receiving" or not self._is_whole(upload):
                return None if upload.media is None else self._uploads.medium(upload.media)
            pieces = self._uploads.pieces(upload_id)
            if pieces and pieces[0].position == 1 and self._intake.kind(pieces) is None:
                if upload.facts.get("first") != 1:
                    return None  # of a client that counts from 0, and whose blob 0 has not come yet
                raise NoFilm(f"{NO_FILM}.", "file")
            with suppress(Conflict):  # another request or process was sooner, or a blob has come meanwhile
                return self._intake.complete(replace(upload, received=_size(pieces)), pieces)
        raise Unavailable("this file is being completed: send the blob again.")

    def _is_no_film(self, upload_id: str) -> bool:
        """Return whether all blobs of an upload but a blob 0 are here, and begin no film."""
        upload = self._uploads.get(upload_id)
        if upload.state != "receiving" or not self._is_whole(upload):
            return False
        pieces = self._uploads.pieces(upload_id)
        return bool(pieces) and self._intake.kind(pieces) is None

    def _is_whole(self, upload: Upload) -> bool:
        """Return whether all blobs of an upload are here, if its last one was known when it was read."""
        return upload.last_position is not None and self._uploads.span(upload.id).is_whole(upload.last_position)


def _size(pieces: list[Piece]) -> int:
    return sum(piece.bytes for piece in pieces)


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _open_name(owner: Owner, name: str) -> str:
    return f"{owner.number}.{_digest(name)}"


def _missing(pieces: list[Piece]) -> str:
    """Return which numbers are missing before the last, for people; empty: none."""
    if not pieces:
        return "1"
    there = [piece.position for piece in pieces]
    first = min(there[0], 1)
    count = there[-1] - first + 1 - len(there)
    lost = (number for before, after in pairwise([first - 1, *there]) for number in range(before + 1, after))
    some = ", ".join(str(number) for number in islice(lost, _SHOWN))
    return some + (f" and {count - _SHOWN} more" if count > _SHOWN else "")
