"""How a file is cut into parts, and the checksums and tags that S3 knows content by."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

from gatehouse_common.storage.source import Source

PART_BYTES = 8 << 20
"""S3 takes parts of at least 5 MiB, the last one excepted."""
MOST_PARTS = 10_000


def part_bytes(size: int) -> int:
    """Return the length of the parts of a file of ``size`` bytes: 8 MiB, more from 80 GB on."""
    return max(PART_BYTES, -(-size // MOST_PARTS))


def digest(data: bytes) -> bytes:
    """Return the MD5 that S3 takes for a checksum; it is no protection against anybody."""
    return hashlib.md5(data, usedforsecurity=False).digest()


def content_md5(data: bytes) -> str:
    """Return the header by which the server sees that what arrives is what was sent (RFC 1864)."""
    return base64.b64encode(digest(data)).decode()


def etag_of_parts(digests: Sequence[bytes]) -> str:
    """Return the tag of an object that was uploaded in parts with such digests."""
    return f"{digest(b''.join(digests)).hex()}-{len(digests)}"


def source_etag(source: Source) -> str:
    """Return the tag that the object of a file has if it was put by us and tags are made of MD5.

    Raises:
        NotFound: there is no such file.
    """
    size = source.size()
    if size <= PART_BYTES:
        return digest(source.pread(0, size)).hex()
    length = part_bytes(size)
    return etag_of_parts([digest(source.pread(at, min(length, size - at))) for at in range(0, size, length)])
