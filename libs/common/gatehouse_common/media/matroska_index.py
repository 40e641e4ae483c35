"""Whether a Matroska or WebM file has an index of its pictures (Cues, RFC 9559 section 5.1.5) where players find it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from gatehouse_common.errors import DataLoss

from .ebml import element_head

_SEGMENT, _SEEK_HEAD, _CUES, _CLUSTER = 0x18538067, 0x114D9B74, 0x1C53BB6B, 0x1F43B675
_SEEK, _SEEK_ID, _SEEK_POSITION = 0x4DBB, 0x53AB, 0x53AC
_MOST_HEAD = 12
_MOST_ELEMENTS = 64
_MOST_SEEK_HEAD = 64 << 10


def has_cues(path: Path) -> bool:
    """Return whether there are Cues before the pictures, or where the SeekHead says that they are.

    A SeekHead alone is no index: of a file that was cut off, or that somebody rewrote, it leads nowhere.
    """
    with path.open("rb") as file:
        try:
            return _has_cues(file)
        except DataLoss:
            return False


def _has_cues(file: BinaryIO) -> bool:
    begin = next((payload for element, payload, _ in _elements(file, 0) if element == _SEGMENT), None)
    if begin is None:
        return False
    for element, payload, size in _elements(file, begin):
        if element == _CUES:
            return True
        if element == _CLUSTER:
            return False
        if element == _SEEK_HEAD:
            for at in _named(file, payload, size or 0):
                if next((found for found, _, _ in _elements(file, begin + at)), None) == _CUES:
                    return True
    return False


def _elements(file: BinaryIO, at: int, end: int | None = None) -> Iterator[tuple[int, int, int | None]]:
    """Yield the number, the place of the content and the size of elements; the last may not say how long it is."""
    for _ in range(_MOST_ELEMENTS):
        if end is not None and at >= end:
            return
        file.seek(at)
        head = file.read(_MOST_HEAD)
        if not head:
            return
        element, size, length = element_head(head)
        yield element, at + length, size
        if size is None:
            return
        at += length + size


def _named(file: BinaryIO, payload: int, size: int) -> Iterator[int]:
    """Yield where a SeekHead says that Cues are, in bytes from the beginning of the Segment's content."""
    for element, seek, length in _elements(file, payload, payload + min(size, _MOST_SEEK_HEAD)):
        if element != _SEEK or length is None:
            continue
        told = {name: _number(file, value, bytes_of) for name, value, bytes_of in _elements(file, seek, seek + length)}
        if told.get(_SEEK_ID) == _CUES and _SEEK_POSITION in told:
            yield told[_SEEK_POSITION]


def _number(file: BinaryIO, at: int, size: int | None) -> int:
    file.seek(at)
    return int.from_bytes(file.read(min(size or 0, 8)), "big")
