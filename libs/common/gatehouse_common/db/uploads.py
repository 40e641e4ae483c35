"""Uploads and their pieces: the row of a piece is the lock, so that any process may go on with any upload."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection, and_, bindparam, delete, exists, func, insert, or_, select, update

from gatehouse_common.errors import Conflict, NotFound, TooLarge

from .blob_rows import AddedBlob, NewBlob, Span, add_blobs, close_upload, span_of
from .contention import retried
from .engine import Database
from .jobs import Job
from .media_intake import take_in
from .media_models import MediaFileRow, MediaRow
from .media_records import NOBODY, Media, Piece, Upload
from .media_rows import PIECE, UPLOAD, find_medium, row_values
from .session_models import RecorderSessionRow
from .upload_models import UploadPieceRow, UploadRow
from .visible import OF_NO_CAMERA

# What each blob of a megabyte asks for is put together once: that takes longer than to look it up.
_BY_ID: Final = select(*UPLOAD).where(UploadRow.id == bindparam("upload"))
_BY_NAME: Final = select(*UPLOAD).where(UploadRow.open_name == bindparam("name"))
_BY_NAME_AT: Final = (
    select(*UPLOAD, *PIECE)
    .outerjoin(UploadPieceRow, and_(UploadPieceRow.upload == UploadRow.id, UploadPieceRow.position == bindparam("at")))
    .where(UploadRow.open_name == bindparam("name"))
)


class OffsetMismatch(Conflict):
    """Bytes came that do not begin where those that are here end; ``offset`` is where they do."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"the next byte that is wanted is number {offset}")
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Totals:
    """What a user has here: unfinished uploads, and bytes of those and of media that are not deleted."""

    uploads: int
    bytes: int


class Uploads:
    """Keeps what is being uploaded. What is committed here is durable: whoever sent it may forget it."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @retried
    def begin(self, upload: Upload) -> None:
        """Keep a new upload.

        Raises:
            Conflict: another of its ``open_name`` is being received.
        """
        with self._db.begin(durable=True) as c:
            c.execute(insert(UploadRow).values(row_values(upload)))

    def get(self, upload_id: str, owner: int | None = None) -> Upload:
        """Return an upload; with ``owner`` only one of theirs.

        Raises:
            NotFound: there is none.
        """
        with self._db.look() as c:
            row = c.execute(_BY_ID, {"upload": upload_id}).first()
        if row is None or (owner is not None and row.owner != owner):
            raise NotFound(f"there is no upload {upload_id[:64]!r}")
        return Upload(*row)

    def open_named(self, open_name: str) -> Upload | None:
        """Return the upload of a name that is being received, None if there is none."""
        with self._db.look() as c:
            row = c.execute(_BY_NAME, {"name": open_name}).first()
        return None if row is None else Upload(*row)

    def open_blob(self, open_name: str, position: int) -> tuple[Upload, Piece | None] | None:
        """Return the upload of a name that is being received, and its piece at a position; None if there is none."""
        with self._db.look() as c:
            row = c.execute(_BY_NAME_AT, {"name": open_name, "at": position}).first()
        if row is None:
            return None
        upload, piece = row[: len(UPLOAD)], row[len(UPLOAD) :]
        return Upload(*upload), None if piece[0] is None else Piece(*piece)

    def last_named(self, owner: int, name_digest: str) -> Upload | None:
        """Return the newest upload in blobs of a name that is not received any more, None if there never was one."""
        mine = (UploadRow.owner == owner, UploadRow.name_digest == name_digest, UploadRow.state != "receiving")
        query = select(*UPLOAD).where(*mine, UploadRow.door == "blob").order_by(UploadRow.created_us.desc())
        with self._db.look() as c:
            row = c.execute(query.limit(1)).first()
        return None if row is None else Upload(*row)

    def unfinished(self, owner: int, limit: int = 500) -> list[Upload]:
        """Return what a user has begun and not ended, the newest first."""
        mine = (UploadRow.owner == owner, UploadRow.state == "receiving")
        with self._db.look() as c:
            rows = c.execute(select(*UPLOAD).where(*mine).order_by(UploadRow.created_us.desc()).limit(limit))
            return [Upload(*row) for row in rows]

    def pieces(self, upload_id: str) -> list[Piece]:
        """Return the pieces of an upload, in order."""
        query = select(*PIECE).where(UploadPieceRow.upload == upload_id).order_by(UploadPieceRow.position)
        with self._db.look() as c:
            return [Piece(*row) for row in c.execute(query)]

    def span(self, upload_id: str) -> Span:
        """Return what there is of an upload."""
        with self._db.look() as c:
            return span_of(c, upload_id)

    def totals(self, owner: int) -> Totals:
        """Return what a user has here: what is being received, and media with all that was made of them."""
        uploads = select(func.count(), func.coalesce(func.sum(UploadRow.received), 0))
        files = select(func.coalesce(func.sum(MediaFileRow.bytes), 0)).join(
            MediaRow, MediaRow.number == MediaFileRow.media
        )
        kept_files = (MediaRow.owner == owner, MediaRow.state != "deleted", MediaFileRow.state == "ready")
        # Of what is not put together yet its pieces are here; what is made of it comes on top.
        unmade = ~exists().where(MediaFileRow.media == MediaRow.number, MediaFileRow.kind == "original")
        waiting = select(func.coalesce(func.sum(MediaRow.bytes), 0)).where(unmade)
        with self._db.read() as c:
            count, received = c.execute(uploads.where(UploadRow.owner == owner, UploadRow.state == "receiving")).one()
            kept = c.execute(files.where(*kept_files)).scalar_one()
            pieces = c.execute(waiting.where(MediaRow.owner == owner, MediaRow.state != "deleted")).scalar_one()
        return Totals(int(count), int(received) + int(kept) + int(pieces))

    @retried
    def append(self, upload_id: str, pieces: Sequence[Piece], now_us: int, expires_us: int) -> Upload:
        """Add pieces where an upload ends; return it as it is then. All of them count, or none.

        Raises:
            OffsetMismatch: it does not end where the first begins.
            TooLarge: by now it was said to be shorter.
            Conflict: it is not received any more.
        """
        size, at = sum(piece.bytes for piece in pieces), pieces[0].position
        mine = (UploadRow.id == upload_id, UploadRow.state == "receiving")
        fits = (UploadRow.received == at, or_(UploadRow.length.is_(None), UploadRow.length >= at + size))
        values = {"received": at + size, "changed_us": now_us, "expires_us": expires_us}
        with self._db.begin(durable=True) as c:
            if c.execute(update(UploadRow).where(*mine, *fits).values(values)).rowcount == 0:
                row = c.execute(select(UploadRow.received, UploadRow.length).where(*mine)).first()
                if row is None:
                    raise Conflict(f"upload {upload_id} is not received any more")
                if row.received != at:
                    raise OffsetMismatch(int(row.received))
                raise TooLarge(f"upload {upload_id} was said to have {row.length} bytes, and more come")
            c.execute(insert(UploadPieceRow), [row_values(piece) for piece in pieces])
            return Upload(*c.execute(select(*UPLOAD).where(UploadRow.id == upload_id)).one())

    @retried
    def add_blobs(self, blobs: Sequence[NewBlob]) -> list[AddedBlob | Piece | Conflict]:
        """Add pieces at any positions, in one transaction, which is durable when this returns.

        Returns:
            For each, in order: that it is added; the piece that is there already; or why it is not taken: the upload is
            not received any more, another piece is the last one, or one that is here already or this one would be
            beyond the last.
        """
        with self._db.begin(durable=True) as c:
            return add_blobs(c, blobs)

    @retried
    def say_last(self, upload_id: str, position: int) -> None:
        """Note which piece of an upload is its last.

        Raises:
            Conflict: another is, one beyond it is here, or the upload is not received any more.
        """
        with self._db.begin(durable=True) as c:
            close_upload(c, upload_id, position)

    @retried
    def say_length(self, upload_id: str, length: int) -> None:
        """Note how long an upload is going to be, which was not known until now; said again it stays.

        Raises:
            Conflict: it was said to be otherwise, more is here already, or it is not received any more.
        """
        mine = (UploadRow.id == upload_id, UploadRow.state == "receiving", UploadRow.received <= length)
        fits = or_(UploadRow.length.is_(None), UploadRow.length == length)
        with self._db.begin(durable=True) as c:
            if c.execute(update(UploadRow).where(*mine, fits).values(length=length)).rowcount == 0:
                raise Conflict(f"upload {upload_id} was said to have another length, or is longer than {length} bytes")

    @retried
    def interrupt(self, upload: Upload, facts: Mapping[str, Any]) -> bool:
        """Take what was received of an upload for all of it, and keep facts in place of its own, both or neither.

        Returns:
            False: something came of it since it was read, or it is not received any more.
        """
        same = (
            UploadRow.id == upload.id,
            UploadRow.state == "receiving",
            UploadRow.received == upload.received,
            UploadRow.expires_us == upload.expires_us,
        )
        values = {"length": upload.received, "facts": dict(facts)}
        with self._db.begin(durable=True) as c:
            return bool(c.execute(update(UploadRow).where(*same).values(values)).rowcount)

    @retried
    def complete(
        self, upload: Upload, media_type: str, now_us: int, folder: Callable[[int], str], facts: dict[str, Any]
    ) -> tuple[Media, Job]:
        """Make a medium of an upload whose pieces are all here, and ask for what is to be made of it.

        Args:
            upload: all of whose bytes are here, as it was read with its pieces.
            media_type: by its first bytes.
            now_us: the time.
            folder: returns the prefix of keys of a medium by its number.
            facts: what is kept of it then, in place of what was.

        Raises:
            Conflict: it is not received any more, or more of it has come since it was read.
        """
        with self._db.begin(durable=True) as c:
            session = _session(c, upload)
            made = take_in(c, upload, media_type, now_us, folder, session=session)
            c.execute(update(UploadRow).where(UploadRow.id == upload.id).values(facts=facts))
        return made

    @retried
    def end(self, upload_id: str, state: str, detail: str, now_us: int, due_us: int | None = None) -> bool:
        """Let an upload be ``cancelled``, ``expired`` or ``failed``; return False if it is not received any more.

        Args:
            upload_id: its id.
            state: what it is from now on.
            detail: why.
            now_us: the time.
            due_us: only if its time is over by then, which it is not if somebody has just gone on with it.
        """
        mine = [UploadRow.id == upload_id, UploadRow.state == "receiving"]
        if due_us is not None:
            mine.append(UploadRow.expires_us <= due_us)
        values = {"state": state, "detail": detail, "changed_us": now_us, "open_name": None}
        with self._db.begin(durable=True) as c:
            return bool(c.execute(update(UploadRow).where(*mine).values(values)).rowcount)

    @retried
    def forget_pieces(self, keys: Collection[str]) -> None:
        """Delete the rows of pieces whose objects are deleted."""
        with self._db.begin() as c:
            c.execute(delete(UploadPieceRow).where(UploadPieceRow.key.in_(list(keys))))

    @retried
    def join(self, final: Upload, parts: Sequence[str]) -> Upload:
        """Keep a new upload that is made of others, one after the other: their pieces are its own from now on.

        Args:
            final: what it is, but for its sizes.
            parts: ids of uploads of the same owner that are whole.

        Raises:
            NotFound: one of them is not there.
            Conflict: one of them is no part, is not whole, or belongs to another upload already.
        """
        size = 0
        with self._db.begin(durable=True) as c:
            query = select(*UPLOAD).where(UploadRow.id.in_(list(parts)), UploadRow.owner == final.owner)
            found = {row.id: Upload(*row) for row in c.execute(query.order_by(UploadRow.id).with_for_update())}
            for part in parts:
                _check_part(found.get(part), part)
            if len(found) != len(parts):
                raise Conflict("a part can be joined once only")
            for part in parts:
                moved = update(UploadPieceRow).where(UploadPieceRow.upload == part)
                c.execute(moved.values(upload=final.id, position=UploadPieceRow.position + size))
                size += found[part].received
            done = update(UploadRow).where(UploadRow.id.in_(list(parts)))
            c.execute(done.values(state="complete", facts={"into": final.id}, changed_us=final.created_us))
            whole = replace(final, received=size, length=size)
            c.execute(insert(UploadRow).values(row_values(whole)))
        return whole

    def medium(self, number: int) -> Media:
        """Return the medium that an upload became.

        Raises:
            NotFound: there is none of that number.
        """
        with self._db.look() as c:
            return find_medium(c, number)


def _check_part(part: Upload | None, named: str) -> None:
    if part is None:
        raise NotFound(f"there is no upload {named[:64]!r}")
    if part.role != "partial":
        raise Conflict(f"upload {part.id} is not a part: it was not begun with `Upload-Concat: partial`")
    if part.state != "receiving" or part.received != part.length:
        raise Conflict(f"part {part.id} is not whole, or has become a part of another upload")


def _session(c: Connection, upload: Upload) -> int | None:
    """Return the number of the session in a browser that an upload names, if it is one of its owner's.

    Where nobody is known, who knows its id is who began it.
    """
    named = upload.facts.get("session")
    if not isinstance(named, str):
        return None
    mine = [RecorderSessionRow.id == named, RecorderSessionRow.camera == OF_NO_CAMERA]
    if upload.owner != NOBODY:
        mine.append(RecorderSessionRow.user == upload.owner)
    row = c.execute(select(RecorderSessionRow.number).where(*mine)).first()
    return None if row is None else int(row[0])
