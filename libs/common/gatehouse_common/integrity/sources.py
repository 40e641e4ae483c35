"""The chunks that a clip is made of, with the digests that the recorder made of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gatehouse_common.db import Chunk, FootageReader
from gatehouse_common.errors import DataLoss, NotFound
from gatehouse_common.media.gops import GopTable, gop_table, seal_growing
from gatehouse_common.media.samples import ChunkMedia
from gatehouse_common.media.scan import ChunkScanner
from gatehouse_common.media.seal import Seal
from gatehouse_common.media.stored import ObjectReader
from gatehouse_common.media.virtual_file import ObjectRange, VirtualFile
from gatehouse_common.runtime import Core

from .evidence import Region, of_index


@dataclass(frozen=True, slots=True)
class Source:
    """A chunk that an export has footage of.

    Attributes:
        row: its row.
        seal: its digests; None: it was recorded by an earlier version, or is being recorded elsewhere.
        regions: the GOPs that are in the clip as a whole, by where in the clip.
        numbers: which of the chunk's GOPs those are.
    """

    row: Chunk
    seal: Seal | None
    regions: tuple[Region, ...]
    numbers: tuple[int, ...]


def sources_of(core: Core, file: VirtualFile) -> list[Source]:
    """Return the chunks that a clip is made of, with the digests that the recorder made of them.

    Raises:
        NotFound: a chunk has been let go of meanwhile.
    """
    reader, at, found = FootageReader(core.db), 0, list[Source]()
    for piece in file.pieces:
        if isinstance(piece, ObjectRange):
            row = reader.chunk(piece.identity)
            media, seal = _sealed(core, reader, row)
            found.append(_source(core, row, media, seal, piece, at))
        at += piece.length if isinstance(piece, ObjectRange) else len(piece)
    return found


def _sealed(core: Core, reader: FootageReader, row: Chunk) -> tuple[ChunkMedia | None, Seal | None]:
    if row.state == "stored":
        blob = reader.sample_indexes([row.id]).get(row.id)
        try:
            evidence = None if blob is None else of_index(blob, row.key, row.origin_us, has_box=False)
        except DataLoss:  # the footage can be had all the same; what it lacks stands in the manifest
            return None, None
        return (None, None) if evidence is None else (evidence.media, evidence.seal)
    if core.media.local_path(row.key) is None:
        return None, None
    return _growing(core, row)


def _growing(core: Core, row: Chunk) -> tuple[ChunkMedia | None, Seal | None]:
    """Return the digests that stand in a chunk that is being recorded: of all its GOPs but the last."""
    reader = ObjectReader(core.media, row.key)
    scanner = ChunkScanner(reader, row.key)
    try:
        scanner.update()
        media = scanner.media(row.origin_us)
    except (DataLoss, NotFound):
        return None, None
    return media, seal_growing(reader, scanner)


def _source(core: Core, row: Chunk, media: ChunkMedia | None, seal: Seal | None, piece: ObjectRange, at: int) -> Source:
    if media is None or seal is None:
        return Source(row, seal, (), ())
    gops, shift = gop_table(media.parts), at - piece.offset
    low, high = piece.offset, piece.offset + piece.length
    begins = _begins(media, gops, low)
    regions: dict[int, Region] = {}
    for k, digest in enumerate(seal.gops):
        start, end = int(gops.off[k]), int(gops.end[k])
        if end > high or (start < low and k != begins):
            continue
        front = core.media.read(row.key, start, low - start) if start < low else b""
        span = media.wall_us(int(gops.dts[k])), media.wall_us(int(gops.end_dts[k]))
        regions[k] = Region(max(start, low) + shift, end + shift, digest, "the footage", *span, front)
    return Source(row, seal, tuple(regions.values()), tuple(regions))


def _begins(media: ChunkMedia, gops: GopTable, low: int) -> int | None:
    """Return the GOP whose first sample is at ``low``: only its boxes are in front of what is in the clip."""
    at = int(np.searchsorted(gops.off, low, "right")) - 1
    first = int(np.searchsorted(media.video.off, gops.off[max(at, 0)]))
    return at if at >= 0 and first < len(media.video) and media.video.off[first] == low else None
