"""What a chunk should be, by the best word that there is: of the index, else of its file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from gatehouse_common.db import Chunk, Run
from gatehouse_common.errors import DataLoss
from gatehouse_common.integrity.evidence import of_index
from gatehouse_common.media.index_blob import decode_seal
from gatehouse_common.media.run_box import RunInfo, build_run_box
from gatehouse_common.media.samples import ChunkMedia
from gatehouse_common.media.seal import Seal, chain_start

from .content import Content, same


@dataclass(frozen=True, slots=True)
class KnownChunk:
    """What a chunk should be.

    Attributes:
        init: its init segment.
        info: its run box.
        media: its samples.
        seal: its digests; None: there are none.
        blob: the compact index that says so; None: the file's own boxes do.
    """

    init: bytes
    info: RunInfo
    media: ChunkMedia
    seal: Seal | None
    blob: bytes | None

    @property
    def head(self) -> bytes:
        """The bytes that its file begins with."""
        return self.init + build_run_box(self.info)

    def is_all_of(self, content: Content) -> bool:
        """Return whether a file has this beginning and these boxes: what may be wrong in it is in its pictures."""
        if content.info is None or content.boxes is None or not same(self.media, content.boxes):
            return False
        return content.init + build_run_box(content.info) == self.head


def decoded(blob: bytes | None, chunk: Chunk) -> ChunkMedia | None:
    """Return the samples that a compact index describes, at the chunk's place in time.

    None if it cannot be read, is not of this chunk, or is not what its own checksum, and its own links, say.
    """
    if blob is None:
        return None
    try:
        media = of_index(blob, chunk.key, chunk.origin_us, has_box=False).media
    except DataLoss:
        return None
    return media if media.chunk_id == chunk.id else None


def is_sealed(blob: bytes | None, chunk: Chunk) -> bool:
    """Return whether a compact index is intact, of this chunk, and has digests: then no file can say otherwise."""
    return blob is not None and decoded(blob, chunk) is not None and decode_seal(blob, chunk.key) is not None


def known_chunk(content: Content, chunk: Chunk | None, run: Run | None, blob: bytes | None) -> KnownChunk | None:
    """Return what a chunk should be; None if nobody says so.

    Args:
        content: what its file says.
        chunk: its row; None: there is none.
        run: that of its run; None: there is none.
        blob: the index's sample table; None: there is none, or it cannot be relied on.
    """
    media = content.boxes
    if blob is not None and chunk is not None:
        media = decoded(blob, chunk)
    elif content.own is not None:
        blob, media = content.box, content.own
    if media is None:
        return None
    seal = content.seal if blob is None else decode_seal(blob, media.key)
    heads = list(_heads(content, chunk, run, media, seal))
    if not heads:
        return None
    for init, info in heads:
        if seal is not None and hashlib.sha256(init + build_run_box(info)).digest() == seal.head:
            return KnownChunk(init, info, media, seal, blob)
    init, info = heads[0]
    # Its beginning cannot be had back to the byte: what is made of it has an index, and a chain, of its own.
    return KnownChunk(init, replace(info, previous=b""), media, seal, None)


def _heads(
    content: Content, chunk: Chunk | None, run: Run | None, media: ChunkMedia, seal: Seal | None
) -> Iterator[tuple[bytes, RunInfo]]:
    """Yield how the file may have begun, the likeliest first."""
    info, init = content.info, content.init
    if info is not None and init and (chunk is None or _is_of(info, chunk)):
        yield (run.init if run is not None else init), info
    if chunk is None or run is None:
        return
    since = [i["since_us"] if isinstance(i["since_us"], int) else None for i in run.interruptions]
    causes = [str(i["cause"]) for i in run.interruptions]
    previous = seal.previous if seal is not None and seal.previous != chain_start(run.id) else b""
    for origin_us in dict.fromkeys((chunk.origin_us, run.origin_us, media.origin_us)):
        known = tuple(zip(causes, since, strict=True))
        yield run.init, RunInfo(chunk.camera, chunk.run, chunk.id, origin_us, known, previous)


def _is_of(info: RunInfo, chunk: Chunk) -> bool:
    return (info.camera, info.run, info.chunk) == (chunk.camera, chunk.run, chunk.id)
