"""The pictures in a ``multipart/x-mixed-replace`` stream (RFC 2046 section 5.1), as cameras really send it.

Cameras put dashes into the boundary's name that belong in front of it, leave out ``Content-Length`` or get it wrong,
and send parts that are no pictures. So the delimiter is learnt from the stream itself, a length is believed only if
a whole JPEG (ITU-T T.81: SOI ... EOI) is there by it, and whatever is no whole JPEG is left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from gatehouse_common.errors import SourceUnavailable

_SOI, _EOI = b"\xff\xd8", b"\xff\xd9"
_PADDING = b"\r\n\0- "
_LONGEST_PICTURE = 32 << 20
_LONGEST_HEAD = 16 << 10
_LONGEST_NOISE = 1 << 20


class PictureParts:
    """Takes a stream apart, in pieces of any size.

    Args:
        boundary: what the answer's ``Content-Type`` says, empty if it says nothing.
    """

    def __init__(self, boundary: str) -> None:
        name = boundary.strip().strip('"').lstrip("-").encode("latin-1", "replace")
        self._sought = b"--" + name
        self._delimiter: bytes | None = None
        self._buffer = bytearray()
        self._in_body = False
        self._length: int | None = None
        self._scanned = 0
        self._began_us = 0

    def feed(self, data: bytes, now_us: int) -> Iterator[tuple[bytes, int]]:
        """Yield each picture that ``data`` completes, and the ``now_us`` at which its first bytes were here.

        Raises:
            SourceUnavailable: this is no such stream, or a part is larger than any picture.
        """
        if self._in_body and not self._buffer:
            self._began_us = now_us
        self._buffer += data
        while True:
            if not self._in_body:
                if not self._read_head():
                    return
                self._began_us = now_us
            body = self._read_body()
            if body is None:
                return
            self._in_body = False
            picture = _picture(body)
            if picture is not None:
                yield picture, self._began_us

    def rest(self) -> tuple[bytes, int] | None:
        """Return the last picture, if the stream ended right behind it."""
        picture = _picture(self._buffer) if self._in_body else None
        return None if picture is None else (picture, self._began_us)

    def _read_head(self) -> bool:
        """Skip to behind the next part's head; return whether it is here as a whole."""
        at = self._buffer.find(self._delimiter or self._sought)
        if at < 0:
            if len(self._buffer) > _LONGEST_NOISE:
                raise SourceUnavailable("the camera's answer is no MJPEG stream: there are no parts in it")
            return False
        line_end = self._buffer.find(b"\n", at)
        head_end, skip = _blank_line(self._buffer, line_end) if line_end >= 0 else (-1, 0)
        if head_end < 0:
            if len(self._buffer) - at > _LONGEST_HEAD:
                raise SourceUnavailable("the camera's answer is no MJPEG stream: a part has no end of its head")
            return False
        if self._delimiter is None:
            begin = self._buffer.rfind(b"\n", 0, at) + 1
            self._delimiter = bytes(self._buffer[begin:line_end].strip())
        self._length = _content_length(self._buffer[line_end + 1 : head_end])
        del self._buffer[: head_end + skip]
        self._in_body, self._scanned = True, 0
        return True

    def _read_body(self) -> bytes | None:
        """Take the part's body from the buffer; None while it is not here as a whole."""
        length = self._length
        if length is not None:
            if len(self._buffer) < length:
                return None
            if self._buffer[:length].rstrip(_PADDING).endswith(_EOI):
                return self._take(length)
            self._length = None  # wrong: the next delimiter tells
        mark = b"\n" + (self._delimiter or self._sought)
        at = self._buffer.find(mark, self._scanned)
        if at >= 0:
            return self._take(at)
        self._scanned = max(0, len(self._buffer) - len(mark))
        if len(self._buffer) > _LONGEST_PICTURE:
            raise SourceUnavailable(f"the camera sends pictures of more than {_LONGEST_PICTURE >> 20} MB")
        return None

    def _take(self, length: int) -> bytes:
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        return body


def _picture(body: bytes | bytearray) -> bytes | None:
    """Return the JPEG that a body is, without what is padded to it; None if it is no whole one."""
    picture = bytes(body).strip(_PADDING)
    return picture if picture.startswith(_SOI) and picture.endswith(_EOI) else None


def _blank_line(data: bytearray, line_end: int) -> tuple[int, int]:
    """Return where the head ends that begins behind ``line_end``, and the length of what ends it; (-1, 0) if not here.

    A part may have no head at all: then the blank line comes at once.
    """
    found = [(data.find(mark, line_end), len(mark)) for mark in (b"\n\r\n", b"\n\n")]
    return min(((at, size) for at, size in found if at >= 0), default=(-1, 0))


def _content_length(head: bytearray) -> int | None:
    for line in bytes(head).split(b"\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            length = int(value)
            return length if 0 < length <= _LONGEST_PICTURE else None
    return None
