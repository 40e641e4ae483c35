"""Adoption: what a crash left open is cut to its last whole part, indexed, and whole again."""

from __future__ import annotations

import os
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from gatehouse_common.errors import DataLoss, from_os_error

from .chunk_file import FileReader
from .gops import seal_scanned
from .index_blob import decode_index, encode_index
from .run_box import RunInfo, build_index_box
from .samples import ChunkMedia
from .scan import ChunkScanner
from .seal import Seal
from .stored import index_at_end
from .write_lock import hold_alone


@dataclass(frozen=True, slots=True)
class Adopted:
    """A chunk file that is whole.

    Attributes:
        info: what its run box says.
        media: its samples.
        size: bytes of the file.
        lost_bytes: bytes of a torn tail that were cut off.
        was_closed: whether it had been closed already and was left as it was.
    """

    info: RunInfo
    media: ChunkMedia
    size: int
    lost_bytes: int
    was_closed: bool


def read_index(path: Path, key: str) -> ChunkMedia | None:
    """Return the sample index at the end of a closed chunk file, None if there is none or it is damaged."""
    reader = FileReader(path)
    try:
        blob = index_at_end(reader)
        if blob is None:
            return None
        media = decode_index(blob, key)
        return media if media.indexed_bytes + len(build_index_box(blob)) == reader.size() else None
    except DataLoss:
        return None
    finally:
        reader.close()


def adopt(path: Path, key: str) -> Adopted:
    """Make the chunk file at ``path`` whole; one that is whole is left untouched.

    Raises:
        DataLoss: there is no whole part in it, or it does not say what it is.
        Unavailable: it is being written.
    """
    closed = _closed(path, key)
    if closed is not None:
        return closed
    try:
        with path.open("r+b", buffering=0) as file:
            hold_alone(file.fileno(), key)
            closed = _closed(path, key)  # it may have been until nobody else held it
            return _complete(file, path, key) if closed is None else closed
    except OSError as error:
        raise from_os_error(error, f"adopting {key}") from error


def _closed(path: Path, key: str) -> Adopted | None:
    """Return what a closed file holds by its index and its head, None if it has no index.

    Its boxes are not walked: on a cold disk that takes a minute for ten minutes of footage, and there may be a thousand
    such files, for which no camera must wait. Should they be damaged inside, the index finds what is good all the same,
    and nothing is cut off.
    """
    media = read_index(path, key)
    if media is None or not len(media.parts):
        return None
    reader = FileReader(path)
    try:
        scanner = ChunkScanner(_Head(reader, int(media.parts.off[0])), key)
        scanner.update()
        if scanner.info is None:
            raise DataLoss(f"{key} does not say what it is")
        return Adopted(scanner.info, media, reader.size(), 0, was_closed=True)
    finally:
        reader.close()


class _Head:
    """A file up to its first part."""

    def __init__(self, reader: FileReader, size: int) -> None:
        self._reader, self._size = reader, size

    def size(self) -> int:
        """Return how many bytes stand in front of it."""
        return self._size

    def pread(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``."""
        return self._reader.pread(offset, min(length, max(self._size - offset, 0)))


def _complete(file: FileIO, path: Path, key: str) -> Adopted:
    """Cut a file off behind its last whole part, and put its index there."""
    scanner = _scan(path, key)
    if scanner.info is None or scanner.part_count == 0:
        raise DataLoss(f"{key} holds no whole part")
    media = scanner.media()
    box = build_index_box(encode_index(media, _seal(path, scanner)))
    size = os.fstat(file.fileno()).st_size
    file.truncate(media.indexed_bytes)
    file.seek(media.indexed_bytes)
    file.write(box)
    os.fsync(file.fileno())
    return Adopted(scanner.info, media, media.indexed_bytes + len(box), size - media.indexed_bytes, was_closed=False)


def _seal(path: Path, scanner: ChunkScanner) -> Seal:
    reader = FileReader(path)
    try:
        return seal_scanned(reader, scanner)
    finally:
        reader.close()


def _scan(path: Path, key: str) -> ChunkScanner:
    reader = FileReader(path)
    try:
        scanner = ChunkScanner(reader, key, headers_only=True)
        scanner.update()
        return scanner
    finally:
        reader.close()
