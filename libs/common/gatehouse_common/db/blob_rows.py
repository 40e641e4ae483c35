"""The rows of blobs that come at once, in one transaction: of each it is told by itself what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, bindparam, func, insert, select, update

from gatehouse_common.errors import Conflict

from .media_records import Piece
from .media_rows import PIECE, row_values
from .upload_models import UploadPieceRow, UploadRow

# What each batch asks for is put together once: that takes longer than to look it up.
_RECEIVED: Final = (
    select(UploadRow.id, UploadRow.last_position)
    .where(UploadRow.id.in_(bindparam("uploads", expanding=True)), UploadRow.state == "receiving")
    .order_by(UploadRow.id)  # of two that lock several each, neither waits for the other
    .with_for_update()
)
_THERE: Final = select(*PIECE).where(
    UploadPieceRow.upload == bindparam("upload"),
    UploadPieceRow.position.in_(bindparam("positions", expanding=True)),
)
_SPAN: Final = select(func.count(), func.min(UploadPieceRow.position), func.max(UploadPieceRow.position)).where(
    UploadPieceRow.upload == bindparam("upload")
)
_ADD: Final = insert(UploadPieceRow)
_COUNT_IN: Final = (
    update(UploadRow)
    .where(UploadRow.id == bindparam("upload"))
    .values(
        received=UploadRow.received + bindparam("size"),
        last_position=bindparam("last"),
        changed_us=bindparam("now"),
        expires_us=bindparam("until"),
    )
)


@dataclass(frozen=True, slots=True)
class NewBlob:
    """A blob whose bytes are durable.

    Attributes:
        piece: what its row is going to be.
        now_us: when it came.
        expires_us: when its upload is let go of if nothing else comes.
        is_last: whether the file ends with it.
    """

    piece: Piece
    now_us: int
    expires_us: int
    is_last: bool


@dataclass(frozen=True, slots=True)
class AddedBlob:
    """A blob that has its row; ``is_whole``: no other of its upload is missing any more."""

    is_whole: bool


@dataclass(frozen=True, slots=True)
class Span:
    """How many pieces of an upload there are, and the first and the last position; of none -1."""

    count: int
    first: int
    last: int

    def is_whole(self, last: int | None) -> bool:
        """Return whether these are all, if ``last`` is that of the last one; None: nobody has said so yet."""
        return self.first in {0, 1} and self.last == last and self.count == self.last - self.first + 1


def add_blobs(c: Connection, blobs: Sequence[NewBlob]) -> list[AddedBlob | Piece | Conflict]:
    """Add pieces at any positions of any uploads, inside a transaction.

    Returns:
        For each, in order: that it is added, the piece that is there already, or why it is not taken.
    """
    received = _received(c, [blob.piece.upload for blob in blobs])
    for upload, one in received.items():
        one.look([blob.piece.position for blob in blobs if blob.piece.upload == upload])
    told = [_take(received.get(blob.piece.upload), blob) for blob in blobs]
    wholes = {upload for upload, one in received.items() if one.write()}
    return [found or AddedBlob(blob.piece.upload in wholes) for blob, found in zip(blobs, told, strict=True)]


def span_of(c: Connection, upload: str) -> Span:
    """Return what there is of an upload."""
    count, first, last = c.execute(_SPAN, {"upload": upload}).one()
    return Span(int(count), int(first), int(last)) if count else Span(0, -1, -1)


def close_upload(c: Connection, upload: str, position: int) -> None:
    """Note which piece of an upload is its last, inside a transaction.

    Raises:
        Conflict: another is, one beyond it is here, or the upload is not received any more.
    """
    one = _received(c, [upload]).get(upload)
    if one is None:
        raise _ended(upload)
    one.check_last(position)
    c.execute(update(UploadRow).where(UploadRow.id == upload).values(last_position=position))


class _Received:
    """An upload whose row is locked: what is here of it, and what of a batch is added."""

    def __init__(self, c: Connection, upload: str, last: int | None) -> None:
        self._c, self._upload, self._last = c, upload, last
        self._there = dict[int, Piece]()
        self._added = list[NewBlob]()

    def look(self, positions: list[int]) -> None:
        """Read what is here at some positions; nobody adds to it until the end of the transaction."""
        rows = self._c.execute(_THERE, {"upload": self._upload, "positions": positions})
        self._there = {row.position: Piece(*row) for row in rows}

    def take(self, blob: NewBlob) -> Piece | None:
        """Take a blob; return the one that is here in its place, None if there is none.

        Raises:
            Conflict: another is the last one, or this or another would be beyond that.
        """
        position = blob.piece.position
        if self._last is not None and position > self._last:
            raise Conflict(f"blob {self._last} was said to be the last one, and blob {position} would be beyond it")
        if blob.is_last:
            self.check_last(position)
        if position in self._there:
            return self._there[position]
        if blob.is_last:
            self._last = position
        self._there[position] = blob.piece
        self._added.append(blob)
        return None

    def check_last(self, position: int) -> None:
        """Return if a piece may be the last one.

        Raises:
            Conflict: another is, or one beyond it is here.
        """
        if self._last not in {None, position}:
            raise Conflict(f"blob {self._last} was said to be the last one, and now blob {position} is")
        furthest = max([span_of(self._c, self._upload).last, *(blob.piece.position for blob in self._added)])
        if furthest > position:
            raise Conflict(f"blob {position} is said to be the last one, and blob {furthest} is here")

    def write(self) -> bool:
        """Write what was taken; return whether that made the upload whole."""
        if not self._added:
            return False
        self._c.execute(_ADD, [row_values(blob.piece) for blob in self._added])
        counted = {
            "upload": self._upload,
            "size": sum(blob.piece.bytes for blob in self._added),
            "last": self._last,
            "now": max(blob.now_us for blob in self._added),
            "until": max(blob.expires_us for blob in self._added),
        }
        self._c.execute(_COUNT_IN, counted)
        return self._last is not None and span_of(self._c, self._upload).is_whole(self._last)


def _received(c: Connection, uploads: Sequence[str]) -> dict[str, _Received]:
    """Lock the rows of those uploads that are still received."""
    rows = c.execute(_RECEIVED, {"uploads": sorted(set(uploads))})
    return {row.id: _Received(c, row.id, row.last_position) for row in rows}


def _take(one: _Received | None, blob: NewBlob) -> Piece | Conflict | None:
    if one is None:
        return _ended(blob.piece.upload)
    try:
        return one.take(blob)
    except Conflict as conflict:
        return conflict


def _ended(upload: str) -> Conflict:
    return Conflict(f"upload {upload} is not received any more")
