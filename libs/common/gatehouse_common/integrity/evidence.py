"""What a chunk file's bytes are held to: every byte of it is in one region with a digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from gatehouse_common.errors import DataLoss
from gatehouse_common.media.gops import gop_table, seal_scanned
from gatehouse_common.media.index_blob import decode_index, decode_seal
from gatehouse_common.media.run_box import build_digest_box, build_index_box
from gatehouse_common.media.samples import ChunkMedia
from gatehouse_common.media.scan import ChunkScanner, SizedReader
from gatehouse_common.media.seal import Seal
from gatehouse_common.media.stored import index_at_end

SAMPLE_INDEX = "the sample index"


@dataclass(frozen=True, slots=True)
class Region:
    """Bytes ``[start, end)`` of a file with the SHA-256 that they must have.

    ``from_us`` and ``to_us`` are the wall time of the footage that cannot be trusted if they do not; None: none.
    ``front`` is hashed before them: what stood in front of them where they were recorded, and is not in the file.
    """

    start: int
    end: int
    digest: bytes
    what: str
    from_us: int | None = None
    to_us: int | None = None
    front: bytes = b""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a chunk file must be.

    Attributes:
        media: its samples.
        seal: its digests; None where there are none.
        box: the index box that it must end in; empty: it must end with its last part.
    """

    media: ChunkMedia
    seal: Seal | None
    box: bytes

    @property
    def size(self) -> int:
        """How many bytes the file must have."""
        return self.media.indexed_bytes + len(self.box)

    def regions(self) -> Iterator[Region]:
        """Yield what the file must be made of, from its first byte to its last; without a seal its end alone."""
        media, end = self.media, self.media.indexed_bytes
        if self.seal is not None:
            yield from _sealed(media, self.seal)
        if self.box:
            yield Region(end, self.size, hashlib.sha256(self.box).digest(), SAMPLE_INDEX)


def _sealed(media: ChunkMedia, seal: Seal) -> Iterator[Region]:
    gops = gop_table(media.parts)
    yield Region(0, int(gops.off[0]), seal.head, "the beginning of the file", media.start_us, media.end_us)
    before = int(gops.off[0])
    for k, digest in enumerate(seal.gops):
        off, end = int(gops.off[k]), int(gops.end[k])
        if off > before:
            between = build_digest_box(seal.gops[k - 1]) if k else b""
            yield Region(before, off, hashlib.sha256(between).digest(), "a digest between two GOPs")
        span = media.wall_us(int(gops.dts[k])), media.wall_us(int(gops.end_dts[k]))
        yield Region(off, end, digest, "the footage", *span)
        before = end


def of_index(blob: bytes, key: str, origin_us: int | None, *, has_box: bool) -> Evidence:
    """Return what a file must be by a compact sample index.

    Args:
        blob: the index.
        key: of which object.
        origin_us: the origin of its run as it is known by now; None: as the index says.
        has_box: whether the file must end in it.

    Raises:
        DataLoss: the index is damaged.
    """
    seal, media = decode_seal(blob, key), decode_index(blob, key, origin_us)
    if not len(media.parts):
        raise DataLoss(f"sample index of {key} has no parts")
    if seal is not None:
        if len(seal.gops) != len(gop_table(media.parts)):
            raise DataLoss(f"sample index of {key} has {len(seal.gops)} digests for {len(gop_table(media.parts))} GOPs")
        if not seal.is_chained:
            raise DataLoss(f"the links in the sample index of {key} are not those of its digests")
    return Evidence(media, seal, build_index_box(blob) if has_box else b"")


def own_index(reader: SizedReader) -> bytes | None:
    """Return the sample index that a file ends in; None if it ends in none that is whole, and can be read."""
    try:
        return index_at_end(reader)
    except DataLoss:
        return None


def of_parts(reader: SizedReader, key: str) -> Evidence:
    """Return what a file must be by the digests that stand between its GOPs; of the last GOP there is none.

    Raises:
        DataLoss: there is no whole part in it.
    """
    scanner = ChunkScanner(reader, key)
    scanner.update()
    return Evidence(scanner.media(), seal_scanned(reader, scanner), b"")
