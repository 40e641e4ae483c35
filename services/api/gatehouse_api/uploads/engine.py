"""Takes the bytes of uploads: each slice is durable before it counts, and what counts is never asked for again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog

from gatehouse_common.clock import HOUR, MINUTE
from gatehouse_common.db import AddedBlob, NewBlob, OffsetMismatch, Piece, Upload
from gatehouse_common.errors import Conflict, GatehouseError, Gone, InvalidInput, TooLarge, Unavailable
from gatehouse_common.ids import new_id
from gatehouse_common.intake import Intake
from gatehouse_common.media.file_kinds import HEAD_BYTES, sniff
from gatehouse_common.observability.metrics import UPLOAD_BYTES
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys
from gatehouse_common.together import Together

from .checksums import Checksum
from .quotas import Quotas
from .slices import Body, Slices

log = structlog.get_logger(__name__)

_CHECKED_US: Final = 45 * MINUTE
"""What is checked as a whole counts when all of it is here; slices without a row are deleted after an hour."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose an upload is: number and name; 0 and none where nobody is known."""

    number: int
    name: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody begins to send.

    Attributes:
        owner: whose it is.
        door: tus | resumable | blob | form.
        name: of the file, as it is shown.
        length: of the file in bytes, None: not known yet.
        claimed_type: media type that the client claims.
        digest: SHA-256 of the file that the client announces, empty: none.
        facts: what else it tells.
        role: whole | partial | final.
    """

    owner: Owner
    door: str
    name: str
    length: int | None = None
    claimed_type: str = ""
    digest: str = ""
    facts: Mapping[str, Any] | None = None
    role: str = "whole"


class UploadEngine:
    """Begins uploads, adds bytes to them, and completes those of which all is here.

    Args:
        core: the index, the store, the time.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self.intake = Intake(core)
        self.uploads = self.intake.uploads
        self.quotas = Quotas(core, self.uploads)
        self._blobs = Together[NewBlob, AddedBlob | Piece | GatehouseError](self._add_blobs)

    def begin(self, wanted: Wanted, open_name: str | None = None, name_digest: str = "", expected: int = 0) -> Upload:
        """Begin an upload; return it.

        Args:
            wanted: what is begun.
            open_name: by which its blobs find it.
            name_digest: of that name, if it is another than that of the file.
            expected: about how many bytes are going to come, if its length is not known.

        Raises:
            InvalidInput: its file is empty.
            TooLarge, QuotaExceeded, ResourceExhausted: it is more than may be.
            Conflict: another of this ``open_name`` is being received.
        """
        if wanted.length == 0:
            raise InvalidInput("an empty file is no film.", "length")
        self.quotas.check_begin(wanted.owner.number, wanted.length or expected)
        made = replace(self.new(wanted), open_name=open_name)
        made = replace(made, name_digest=name_digest or made.name_digest)
        self.uploads.begin(made)
        return made

    def new(self, wanted: Wanted) -> Upload:
        """Return an upload as it is when it is begun, which is kept nowhere yet."""
        now_us = self._core.clock.now_us()
        return Upload(
            id=new_id(),
            owner=wanted.owner.number,
            owner_name=wanted.owner.name,
            door=wanted.door,
            role=wanted.role,
            state="receiving",
            name=wanted.name,
            name_digest=hashlib.sha256(wanted.name.encode()).hexdigest(),
            open_name=None,
            claimed_type=wanted.claimed_type,
            length=wanted.length,
            received=0,
            digest=wanted.digest,
            facts=dict(wanted.facts or {}),
            last_position=None,
            media=None,
            detail="",
            created_us=now_us,
            changed_us=now_us,
            expires_us=self.expires_us(),
        )

    def expires_us(self) -> int:
        """Return when an upload is let go of to which something comes now."""
        return self._core.clock.now_us() + round(self._core.settings.values.uploads.unfinished_hours * HOUR)

    def find(self, upload_id: str, owner: int | None) -> Upload:
        """Return an upload, completed if all of it is here.

        Args:
            upload_id: its id.
            owner: only if it is of this user; None: whosever it is.

        Raises:
            NotFound: there is none, or it is another's.
            Gone: it was cancelled, has failed or expired.
        """
        found = self.uploads.get(upload_id, owner)
        if found.state == "receiving" and found.expires_us <= self._core.clock.now_us():
            raise Gone(f"upload {found.id} was not gone on with in time: begin anew.")
        if found.state not in {"receiving", "complete"}:
            raise Gone(f"upload {found.id} is {found.state}" + (f": {found.detail}." if found.detail else "."))
        return self.finish(found)

    def finish(self, upload: Upload) -> Upload:
        """Complete an upload if all of it is here; return it as it is then.

        Raises:
            InvalidInput: it is no film.
        """
        whole = upload.state == "receiving" and upload.role != "partial" and upload.received == upload.length
        if not whole:
            return upload
        with suppress(Conflict):  # another request or process was sooner
            self.intake.complete(upload, self.uploads.pieces(upload.id))
        return self.uploads.get(upload.id)

    def say_length(self, upload: Upload, length: int) -> Upload:
        """Note how long an upload is going to be; return it as it is then.

        Raises:
            Conflict: it was said to be otherwise, or more is here.
            InvalidInput: it is empty.
            TooLarge: it is too long.
        """
        if not length:
            raise InvalidInput("an empty file is no film.", "length")
        self.quotas.check_size(length)
        if upload.length != length:
            self.uploads.say_length(upload.id, length)
        return self.uploads.get(upload.id)

    def append(self, upload: Upload, at: int, body: Body, size: int | None, check: Checksum | None = None) -> Upload:
        """Add what comes to the end of an upload; return it as it is then, complete if all of it is here.

        Args:
            upload: as it was found.
            at: where the first byte that comes belongs.
            body: what comes.
            size: how much is going to come, None: nobody says.
            check: what it has to sum up to: then all of it counts, or nothing.

        Raises:
            OffsetMismatch: the upload does not end there.
            Conflict: it is not received any more.
            TooLarge, QuotaExceeded, ResourceExhausted: more comes than may.
            ChecksumMismatch: it does not sum up.
            InvalidInput: it is no film, or it broke off.
        """
        if upload.state != "receiving":
            raise Conflict(f"upload {upload.id} is complete")
        if upload.received != at:
            raise OffsetMismatch(upload.received)
        most = (self.quotas.most_bytes if upload.length is None else upload.length) - at
        if size is not None and size > most:
            raise TooLarge(f"{most} bytes more belong to this upload, and {size} come.")
        most = min(most, self.quotas.left(upload.owner, size or 0))
        slices = Slices(body, most)
        grown = self._add_checked(upload, slices, most, check) if check else self._add(upload, slices, most)
        if slices.broken:
            raise InvalidInput(f"the request broke off: {grown.received - at} bytes of it are kept.")
        return self.finish(grown)

    def store(
        self, upload: str, position: int, data: bytes | memoryview, digest: str = "", *, settled: bool = True
    ) -> Piece:
        """Make a piece durable; it counts when it has a row.

        Args:
            upload: id of its upload.
            position: of the piece.
            data: its bytes.
            digest: their SHA-256, if it is known.
            settled: else its name is made durable by ``add_blob``.

        Raises:
            GatehouseError: the store does not take it.
        """
        key = keys.incoming(upload, position, new_id())
        self._core.store.put_bytes(key, data, settled=settled)
        UPLOAD_BYTES.inc(len(data))
        return Piece(upload, position, len(data), digest or hashlib.sha256(data).hexdigest(), key)

    def add_blob(self, blob: NewBlob) -> AddedBlob | Piece:
        """Add a stored blob to its upload; return that it is added, or the piece that is there already.

        Those that come at the same time share what costs as much for many as for one: the sync of their folder, and
        then the transaction of their rows. It is durable when this returns.

        Raises:
            Conflict: as ``Uploads.add_blobs`` tells it.
            GatehouseError: the store does not make its name durable; then it has no row.
        """
        found = self._blobs.do(blob)
        if isinstance(found, GatehouseError):
            raise found
        return found

    def _add_blobs(self, blobs: Sequence[NewBlob]) -> list[AddedBlob | Piece | GatehouseError]:
        """Add blobs whose bytes are durable: first their names are made so, then rows say that they are here.

        So a power cut at any moment leaves bytes without a row at worst, which the janitor deletes, and never a row
        without its bytes. What is wrong with the folder of one is told of that one alone.
        """
        refused = self._core.store.settle([blob.piece.key for blob in blobs])
        settled = [blob for blob, error in zip(blobs, refused, strict=True) if error is None]
        told = iter(self.uploads.add_blobs(settled) if settled else [])
        return [error or next(told) for error in refused]

    def discard(self, pieces: list[Piece]) -> None:
        """Delete pieces that do not count; those that cannot be deleted now the janitor deletes."""
        try:
            self._core.store.delete_many([piece.key for piece in pieces])
        except GatehouseError as error:  # why they do not count is what is to be told
            log.info("pieces that do not count are left for the janitor", reason=error.message)

    def _add(self, upload: Upload, slices: Slices, most: int) -> Upload:
        for data in slices:
            self._check(upload, upload.received, data, most)
            most -= len(data)
            piece = self.store(upload.id, upload.received, data)
            try:
                upload = self.uploads.append(upload.id, [piece], self._core.clock.now_us(), self.expires_us())
            except (Conflict, TooLarge):
                self.discard([piece])
                raise
        return upload

    def _add_checked(self, upload: Upload, slices: Slices, most: int, check: Checksum) -> Upload:
        pieces, at, began_us = list[Piece](), upload.received, self._core.clock.elapsed_us()
        try:
            for data in slices:
                self._check(upload, at, data, most)
                most -= len(data)
                check.update(data)
                pieces.append(self.store(upload.id, at, data))
                at += len(data)
            if slices.broken:
                self.discard(pieces)
                return upload
            check.verify()
            if not pieces:
                return upload
            if self._core.clock.elapsed_us() - began_us > _CHECKED_US:
                raise Unavailable("this came too slowly to be checked as a whole: send less at once.")
        except GatehouseError:
            self.discard(pieces)
            raise
        try:
            return self.uploads.append(upload.id, pieces, self._core.clock.now_us(), self.expires_us())
        except (Conflict, TooLarge):  # of any other error nobody knows whether it counts by now: the janitor finds out
            self.discard(pieces)
            raise

    def _check(self, upload: Upload, at: int, data: bytes, most: int) -> None:
        if len(data) > most:
            raise TooLarge("more comes than belongs to this upload, or than may.")
        # Room and quota are what others leave, at each slice: what was there when this began may be taken by now.
        self.quotas.left(upload.owner, len(data), uncounted=at - upload.received)
        is_first = not at and upload.role == "whole"
        if is_first and len(data) >= HEAD_BYTES and sniff(data[:HEAD_BYTES]) is None:
            raise self.intake.refuse(upload)
