"""The first stage: pieces become the original, byte for byte."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from gatehouse_common.db import Piece, Upload
from gatehouse_common.errors import Conflict, DataLoss, NotFound, ResourceExhausted, from_os_error
from gatehouse_common.media.file_kinds import extension_of

from .work import Work

_MOST_NAMES = 20
_DELETED_AT_ONCE = 500


def merge(work: Work) -> None:
    """Put the pieces of an upload together, durable before one of them goes.

    Raises:
        DataLoss: bytes are missing, or are not what was received, or not what the sender announced.
    """
    if work.media.upload is None:
        return
    upload = work.rows.upload(work.media.upload)
    pieces = work.rows.pieces(upload)
    if work.file("original") is None and not _adopt(work, upload, pieces):
        _make_original(work, upload, pieces)
    _delete(work, pieces)


def _adopt(work: Work, upload: Upload, pieces: Sequence[Piece]) -> bool:
    """Let an original that is in the store without a row be the medium's; return False if there is none that is it.

    Whoever stored it died before its row was written, or the index has lost the row since: then the pieces may be gone.
    """
    for attempt in range(1, _MOST_NAMES):
        key = _key(work, attempt)
        try:
            size = work.core.store.stat(key).size
        except NotFound:
            return False
        digest = _held(work, upload, pieces, key) if size == work.media.bytes else ""
        if digest:
            work.note(key, "original", "", work.media.type, size, {}, digest=digest)
            return True
    return False


def _held(work: Work, upload: Upload, pieces: Sequence[Piece], key: str) -> str:
    """Return the SHA-256 of an object that holds what the pieces held; empty: it does not, or nobody can say."""
    if not work.media.bytes or not (pieces or upload.digest):
        return ""
    whole, size = hashlib.sha256(), work.media.bytes
    at = 0
    for length, expected in [(piece.bytes, piece.digest) for piece in pieces] or [(size, "")]:
        own = hashlib.sha256()
        for data in work.core.store.open_range(key, at, length):
            work.check()
            own.update(data)
            whole.update(data)
        if expected and own.hexdigest() != expected:
            return ""
        at += length
        work.told(min(1.0, at / size))
    digest = whole.hexdigest()
    return digest if at == size and upload.digest.lower() in {"", digest} else ""


def _make_original(work: Work, upload: Upload, pieces: Sequence[Piece]) -> None:
    size = sum(piece.bytes for piece in pieces)
    if size != work.media.bytes or size == 0:
        raise DataLoss(f"{size} of {work.media.bytes} bytes that were received are there")
    whole = hashlib.sha256()
    first = _key(work, 1)
    draft = work.core.store.draft(first)
    if draft is not None:
        try:
            work.require_room(0, size)
            _write(work, pieces, whole.update, draft.write)
            _check_announced(upload, whole.hexdigest())
            key = _publish(work, whole.hexdigest(), size, draft.publish)
        finally:
            draft.discard()
    else:
        work.require_room(size, size)
        made = work.folder / "original"
        try:
            with made.open("wb") as file:
                _write(work, pieces, whole.update, lambda _at, data: file.write(data))
        except OSError as error:
            raise from_os_error(error, "putting an upload together") from error
        _check_announced(upload, whole.hexdigest())
        key = _publish(work, whole.hexdigest(), size, lambda key: _put(work, made, key))
    work.note(key, "original", "", work.media.type, size, {}, digest=whole.hexdigest())


def _put(work: Work, made: Path, key: str) -> None:
    work.core.store.put_file(made, key)


def _write(
    work: Work, pieces: Sequence[Piece], whole: Callable[[bytes], None], write: Callable[[int, bytes], object]
) -> None:
    at, size = 0, work.media.bytes
    for piece in pieces:
        own = hashlib.sha256()
        for data in _read(work, piece):
            own.update(data)
            whole(data)
            write(at, data)
            at += len(data)
            work.told(at / size)
        if own.hexdigest() != piece.digest:
            raise DataLoss(f"piece {piece.position} is not what was received: its bytes have changed in the store")


def _read(work: Work, piece: Piece) -> Iterator[bytes]:
    for data in work.core.store.open_range(piece.key, 0, piece.bytes):
        work.check()
        yield data


def _check_announced(upload: Upload, digest: str) -> None:
    if upload.digest and upload.digest.lower() != digest:
        raise DataLoss(f"its SHA-256 is {digest}, and not {upload.digest}, as its sender has announced")


def _publish(work: Work, digest: str, size: int, publish: Callable[[str], object]) -> str:
    """Store the original; who died after having done it has left one, which is looked at before it is taken for it."""
    for attempt in range(1, _MOST_NAMES):
        key = _key(work, attempt)
        work.check()
        try:
            publish(key)
        except Conflict:
            if work.core.store.stat(key).size != size or _digest(work, key) != digest:
                continue
        return key
    raise Conflict("there are too many originals that are not it")


def _digest(work: Work, key: str) -> str:
    found = hashlib.sha256()
    for data in work.core.store.open_range(key):
        work.check()
        found.update(data)
    return found.hexdigest()


def _key(work: Work, attempt: int) -> str:
    suffix = "" if attempt == 1 else f"-{attempt}"
    return f"{work.media.folder}original{suffix}.{extension_of(work.media.type)}"


def _delete(work: Work, pieces: Sequence[Piece]) -> None:
    """Delete pieces, their rows last: what a crash leaves is gone on with."""
    if not pieces:
        return
    with suppress(ResourceExhausted):  # this makes room
        work.check()
    keys = [piece.key for piece in pieces]
    for begin in range(0, len(keys), _DELETED_AT_ONCE):
        work.core.store.delete_many(keys[begin : begin + _DELETED_AT_ONCE])
    work.rows.forget_pieces(work.job, list(pieces))
