"""Completes uploads, refuses those that are no film, and deletes what is left of those that come to nothing."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, Final

import structlog

from gatehouse_common.clock import Clock
from gatehouse_common.db import Media, Piece, Upload, Uploads
from gatehouse_common.errors import Conflict, GatehouseError, InvalidInput, NotFound
from gatehouse_common.media.file_kinds import HEAD_BYTES, FileKind, sniff
from gatehouse_common.observability.metrics import UPLOADS
from gatehouse_common.runtime import Core, tell_job
from gatehouse_common.storage import keys

from .pieces import PieceBytes

log = structlog.get_logger(__name__)

BLOBS: Final = "blobs"
"""Fact of a complete upload in blobs: the digests of all, shortened, by which one that comes again is known."""
_SHORT: Final = 8
NO_FILM: Final = "Invalid video file: it begins like no film and no sound that is known here"
"""Why an upload is refused that is no film."""


class NoFilm(InvalidInput):
    """What has come is no film and no sound that is known here."""


class Intake:
    """Makes media of uploads of which all is here.

    Args:
        core: the index, the store, the bus, the time.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self.uploads = Uploads(core.db)

    @property
    def _clock(self) -> Clock:
        return self._core.clock

    def kind(self, pieces: Sequence[Piece]) -> FileKind | None:
        """Return what the file is that begins with these pieces, None: nothing that is taken.

        Raises:
            NotFound: a piece is gone.
        """
        some, size = [], 0
        for piece in pieces:
            some.append(piece)
            size += piece.bytes
            if size >= HEAD_BYTES:
                break
        return sniff(PieceBytes(self._core.store, some).read(0, HEAD_BYTES))

    def complete(self, upload: Upload, pieces: Sequence[Piece]) -> Media:
        """Make a medium of an upload; return it. Its job is queued, and whoever does such is told.

        Raises:
            NoFilm: it is no film and no sound; then it has failed, and its pieces are deleted.
            Conflict: it is not received any more: another has completed it, it was cancelled, or more has come.
            NotFound: a piece is gone, though it is still received.
        """
        try:
            kind = self.kind(pieces)
        except NotFound as error:
            if self.uploads.get(upload.id).state == "receiving":
                raise
            raise Conflict(f"upload {upload.id} is not received any more") from error
        if kind is None:
            raise self.refuse(upload)
        facts: dict[str, Any] = dict(upload.facts)
        if upload.door == "blob":
            facts[BLOBS] = _shortened(pieces)

        def folder(number: int) -> str:
            return keys.media_folder(upload.owner, upload.owner_name, number)

        media, job = self.uploads.complete(upload, kind.type, self._clock.now_us(), folder, facts)
        UPLOADS.labels("complete").inc()
        tell_job(self._core, job)
        return media

    def refuse(self, upload: Upload) -> NoFilm | Conflict:
        """Let an upload have failed that is no film, and delete its pieces; return what is to be raised.

        A conflict: it is not received any more, so that its pieces, which may be gone by then, tell nothing of it.
        """
        if not self.drop(upload, "failed", NO_FILM):
            return Conflict(f"upload {upload.id} is not received any more")
        return NoFilm(f"{NO_FILM}.", "file")

    def drop(self, upload: Upload, state: str, why: str = "", due_us: int | None = None) -> bool:
        """Let an upload be ``cancelled``, ``expired`` or ``failed``, and delete its pieces.

        Args:
            upload: the upload.
            state: what it is from now on.
            why: one sentence.
            due_us: only if its time is over by then.

        Returns:
            Whether it was received until now. Pieces that cannot be deleted now are deleted by the janitor.
        """
        if not self.uploads.end(upload.id, state, why, self._clock.now_us(), due_us):
            return False
        UPLOADS.labels(state).inc()
        try:
            self.delete(self.uploads.pieces(upload.id))
        except GatehouseError as error:
            log.warning("pieces of an upload are left for the janitor", upload=upload.id, reason=error.message)
        return True

    def delete(self, pieces: Sequence[Piece]) -> int:
        """Delete pieces, the objects first; return how many are gone.

        Raises:
            GatehouseError: store or index are away.
        """
        refused = self._core.store.delete_many([piece.key for piece in pieces])
        gone = [piece.key for piece in pieces if piece.key not in refused]
        if gone:
            self.uploads.forget_pieces(gone)
        return len(gone)


def was_blob(upload: Upload, position: int, digest: str) -> bool:
    """Return whether a blob was one of a complete upload, at that number and with that SHA-256."""
    told = upload.facts.get(BLOBS)
    if not isinstance(told, dict):
        return False
    index, all_digests = position - int(told["first"]), base64.b64decode(told["digests"])
    known = all_digests[index * _SHORT : (index + 1) * _SHORT] if index >= 0 else b""
    return bool(known) and known == bytes.fromhex(digest)[:_SHORT]


def _shortened(pieces: Sequence[Piece]) -> dict[str, Any]:
    digests = b"".join(bytes.fromhex(piece.digest)[:_SHORT] for piece in pieces)
    return {"first": pieces[0].position, "digests": base64.b64encode(digests).decode()}
