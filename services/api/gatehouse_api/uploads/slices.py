"""Cuts the body of a request into slices while it comes, and keeps what has come when it breaks off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

from werkzeug.exceptions import ClientDisconnected

SLICE_BYTES: Final = 4 << 20
"""What is durable at once, and in memory at once for each request."""
_READ_BYTES: Final = 64 << 10
"""What a connection that breaks may cost."""


class Body(Protocol):
    """The bytes of a request."""

    def read(self, size: int = -1, /) -> bytes:
        """Return some bytes, none at the end."""
        ...


class Slices:
    """The slices of a body; ``broken`` says afterwards whether its end has come.

    Args:
        body: the bytes.
        most: no more than so many are read, and one more, which tells that there are more.
    """

    def __init__(self, body: Body, most: int) -> None:
        self._body, self._left = body, most + 1
        self.broken = False

    def __iter__(self) -> Iterator[bytes]:
        """Yield slices of ``SLICE_BYTES``, the last one shorter."""
        while not self.broken:
            parts, wanted = [], min(SLICE_BYTES, self._left)
            while wanted and (part := self._read(min(_READ_BYTES, wanted))):
                parts.append(part)
                wanted -= len(part)
            found = b"".join(parts)
            self._left -= len(found)
            if found:
                yield found
            if wanted or not self._left:
                return

    def _read(self, size: int) -> bytes:
        try:
            return self._body.read(size)
        except (OSError, ClientDisconnected):  # nobody is there any more who could be told
            self.broken = True
            return b""
