"""Digests of a chunk file, chained over the chunks of a run: what the bytes are held to.

One SHA-256 is of the head (everything before the first part), one of each GOP's parts. Each is chained to the one
before, over the chunks of a run: ``link = SHA-256(link before || digest)``, beginning with :func:`chain_start`. What is
changed, taken out or put in breaks the links behind it. docs/design/integrity.md has the formulas for other programs.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gatehouse_common.errors import DataLoss

from .boxes import Buffer
from .run_box import build_digest_box

DIGEST_BYTES = 32
_START = b"gatehouse chain 1\0"
_PACKED = struct.Struct(">I32s32s32s")


def chain_start(run: str) -> bytes:
    """Return the link that the first chunk of a run is chained to."""
    return hashlib.sha256(_START + run.encode()).digest()


def next_link(link: bytes, digest: bytes) -> bytes:
    """Return the link after ``link``."""
    return hashlib.sha256(link + digest).digest()


@dataclass(frozen=True, slots=True)
class Seal:
    """The digests of one chunk file.

    Attributes:
        previous: the link it is chained to: the last of the chunk before, else the start of its run's chain.
        head: SHA-256 of the bytes before the first part.
        gops: SHA-256 of each GOP's parts, in file order.
        last: the link after all of them.
        late: how many of them were computed from the file and not from what was written to it: 0, or after a crash
            the last one; all, where the file was recorded before there were digests.
    """

    previous: bytes
    head: bytes
    gops: tuple[bytes, ...]
    last: bytes
    late: int = 0

    @property
    def is_chained(self) -> bool:
        """Whether the last link is what the digests lead to from ``previous``."""
        return self.last == _fold(self.previous, (self.head, *self.gops))

    def pack(self) -> bytes:
        """Return the seal as the sample index keeps it: ``late previous head last`` and the GOPs."""
        return _PACKED.pack(self.late, self.previous, self.head, self.last) + b"".join(self.gops)


def make_seal(previous: bytes, head: bytes, gops: Sequence[bytes], late: int = 0) -> Seal:
    """Return the seal of a chunk with these digests."""
    return Seal(previous, head, tuple(gops), _fold(previous, (head, *gops)), late)


def unpack_seal(data: Buffer) -> Seal:
    """Undo ``Seal.pack``.

    Raises:
        DataLoss: it is no seal.
    """
    count, rest = divmod(len(data) - _PACKED.size, DIGEST_BYTES)
    if count < 0 or rest:
        raise DataLoss(f"a seal cannot have {len(data)} bytes")
    late, previous, head, last = _PACKED.unpack_from(data)
    begins = range(_PACKED.size, len(data), DIGEST_BYTES)
    return Seal(previous, head, tuple(bytes(data[k : k + DIGEST_BYTES]) for k in begins), last, late)


class Sealer:
    """Hashes a chunk file while it is written.

    Args:
        previous: the link that the chunk is chained to.
        head: the bytes before the first part.
    """

    def __init__(self, previous: bytes, head: Iterable[Buffer]) -> None:
        self._previous = previous
        self._head = _digest(head)
        self._gops: list[bytes] = []
        self._open = hashlib.sha256()
        self._any = False

    def begin_gop(self) -> bytes:
        """Close the GOP that is open; return the box with its digest, nothing if there is none."""
        if not self._any:
            return b""
        self._gops.append(self._open.digest())
        self._open, self._any = hashlib.sha256(), False
        return build_digest_box(self._gops[-1])

    def add(self, buffers: Iterable[Buffer]) -> None:
        """Take a part of the GOP that is open."""
        for one in buffers:
            self._open.update(one)
        self._any = True

    def seal(self) -> Seal:
        """Return the seal of what has been written so far."""
        return make_seal(self._previous, self._head, [*self._gops, *([self._open.digest()] if self._any else [])])


def _digest(buffers: Iterable[Buffer]) -> bytes:
    digest = hashlib.sha256()
    for one in buffers:
        digest.update(one)
    return digest.digest()


def _fold(link: bytes, digests: Iterable[bytes]) -> bytes:
    for one in digests:
        link = next_link(link, one)
    return link
