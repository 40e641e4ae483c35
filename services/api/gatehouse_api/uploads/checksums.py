"""Checksums of what is sent at once: `Upload-Checksum` (tus 1.0.0, extension checksum)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from typing import Final, Protocol

from gatehouse_common.errors import GatehouseError, InvalidInput, Kind

ALGORITHMS: Final = "sha1,sha256,crc32"


class ChecksumMismatch(GatehouseError):  # noqa: N818
    """What has come is not what was sent."""

    kind = Kind.INVALID


class _Sum(Protocol):
    def update(self, data: bytes, /) -> object: ...
    def digest(self) -> bytes: ...


class Checksum:
    """Sums up bytes, and compares the sum with what was announced.

    Args:
        header: name of the algorithm, a blank, and the sum in Base64.

    Raises:
        InvalidInput: it is written otherwise, or the algorithm is not known.
    """

    def __init__(self, header: str) -> None:
        name, _, told = header.strip().partition(" ")
        try:
            self._told = base64.b64decode(told.strip(), validate=True)
        except (ValueError, binascii.Error) as error:
            raise InvalidInput("Upload-Checksum has to be an algorithm, a blank, and Base64.", "Upload-Checksum") from (
                error
            )
        made = {"sha1": _sha1, "sha256": hashlib.sha256, "crc32": _Crc32}.get(name)
        if made is None:
            raise InvalidInput(f"Upload-Checksum: {name[:40]!r} is none of {ALGORITHMS}.", "Upload-Checksum")
        self._sum: _Sum = made()

    def update(self, data: bytes) -> None:
        """Count bytes in."""
        self._sum.update(data)

    def verify(self) -> None:
        """Compare.

        Raises:
            ChecksumMismatch: the sum is another.
        """
        if self._sum.digest() != self._told:
            raise ChecksumMismatch("the checksum is not that of what has come: send it again, nothing of it was kept.")


def _sha1() -> _Sum:
    return hashlib.sha1(usedforsecurity=False)  # tus asks for it; it guards against the line, not against people


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")
