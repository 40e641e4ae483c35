"""The outermost elements of a WebM file (RFC 8794, RFC 9559), and one of ours behind them.

A Void element may stand anywhere (RFC 8794 clause 11.3.2): players skip it, as they do the ``uuid`` box of an MP4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gatehouse_common.errors import DataLoss

from .scan import SizedReader

MAGIC = b"\x1a\x45\xdf\xa3"
_EBML, _SEGMENT, _VOID = 0x1A45DFA3, 0x18538067, 0xEC
_LONGEST_ID, _LONGEST_SIZE = 4, 8
_SIZE_BYTES = 8
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Element:
    """An element: its number, and where its content begins and ends, bytes from the beginning of the file."""

    id: int
    payload: int
    end: int


def outermost(reader: SizedReader) -> Iterator[Element]:
    """Yield the outermost elements of a file, in order.

    Raises:
        DataLoss: one of them is cut off, or does not say how long it is: a stream is no finished file.
    """
    at, size = 0, reader.size()
    while at < size:
        head = reader.pread(at, _LONGEST_ID + _LONGEST_SIZE)
        number, value, length = element_head(head)
        payload = at + length
        if value is None or payload + value > size:
            raise DataLoss("an element of it is cut off, or does not say how long it is")
        yield Element(number, payload, payload + value)
        at = payload + value


def element_head(head: bytes) -> tuple[int, int | None, int]:
    """Return an element's number, the size of its content (None: it does not say), and the size of this head, in bytes.

    Args:
        head: 12 bytes from where it begins; fewer at the end of a file.

    Raises:
        DataLoss: there begins no element.
    """
    id_length = _length(head, 0, _LONGEST_ID)
    size_length = _length(head, id_length, _LONGEST_SIZE)
    length = id_length + size_length
    if not id_length or not size_length or len(head) < length:
        raise DataLoss("it is no WebM, or damaged")
    unknown = (1 << 7 * size_length) - 1
    size = int.from_bytes(head[id_length:length], "big") & unknown
    return int.from_bytes(head[:id_length], "big"), None if size == unknown else size, length


def is_whole_webm(reader: SizedReader) -> bool:
    """Return whether elements fill a file from its beginning to its end, a film among them."""
    try:
        found = [element.id for element in outermost(reader)]
    except DataLoss:
        return False
    return found[:2] == [_EBML, _SEGMENT]


def void_element(payload: bytes) -> bytes:
    """Return an element that players skip, to stand behind the film."""
    return bytes([_VOID]) + (len(payload) | 1 << 7 * _SIZE_BYTES).to_bytes(_SIZE_BYTES, "big") + payload


def find_void(reader: SizedReader, begins: bytes) -> bytes | None:
    """Return what follows ``begins`` in the first such element of a file, None if there is none of a sane size.

    Raises:
        DataLoss: the file is damaged.
    """
    for element in outermost(reader):
        length = element.end - element.payload
        if element.id == _VOID and len(begins) <= length <= _MOST_BYTES:
            found = reader.pread(element.payload, length)
            if found.startswith(begins):
                return found[len(begins) :]
    return None


def _length(head: bytes, at: int, most: int) -> int:
    """Return how many bytes a number has, by the zeros that its first begins with; 0: it is none."""
    first = head[at] if at < len(head) else 0
    length = 9 - first.bit_length()
    return length if first and length <= most else 0
