"""Damage inside of a file whose boxes are well: by the digests of an index, else by what pictures are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gatehouse_common.errors import DataLoss
from gatehouse_common.integrity.chunk_bytes import Unread, compare, pieces_of, why
from gatehouse_common.integrity.evidence import SAMPLE_INDEX, of_index
from gatehouse_common.media.boxes import U32
from gatehouse_common.media.samples import ChunkMedia
from gatehouse_common.storage import ObjectStore

from .content import BlockReader, Content

Read = Callable[[int], None]

_READ_BYTES = 8 << 20
_PREFIXED = frozenset({"avc1", "hvc1"})


def unnoted(_count: int) -> None:
    """Let bytes be read as fast as it goes."""


@dataclass(frozen=True, slots=True)
class Bad:
    """Bytes ``[start, end)`` of an object that are not what was written; a sentence that says why.

    ``at_end`` is of the index at the file's end: no footage is in it.
    """

    start: int
    end: int
    why: str
    at_end: bool = False


def payload_problems(
    store: ObjectStore, key: str, media: ChunkMedia, blob: bytes, *, has_box: bool, read: Read = unnoted
) -> list[Bad]:
    """Return the damaged spans of a chunk whose boxes are as an index says; reads all of it once.

    Args:
        store: where it is.
        key: its key.
        media: its samples, as the index has them.
        blob: the compact index that they are from.
        has_box: whether the file ends in that index.
        read: told how many bytes were read.

    Raises:
        NotFound: it is gone.
        Unavailable: the store does not answer.
        DataLoss: the index itself is damaged.
    """
    found = digest_problems(store, key, blob, has_box=has_box, read=read)
    return _unit_problems(store, key, media) if found is None else found


def digest_problems(
    store: ObjectStore, key: str, blob: bytes, *, has_box: bool, read: Read = unnoted
) -> list[Bad] | None:
    """Return the spans whose digests are not those of an index; None if it has no digests.

    Raises:
        DataLoss: the index itself is damaged.
    """
    evidence = of_index(blob, key, None, has_box=has_box)
    if evidence.seal is None:
        return None
    unread = list[Unread]()
    pieces = pieces_of(store, key, store.stat(key).size, unread)
    wrong = compare(pieces, list(evidence.regions()), read)
    return [Bad(r.start, r.end, f"{r.what} {why(r.start, r.end, unread)}", r.what == SAMPLE_INDEX) for r in wrong]


def is_sound(store: ObjectStore, key: str, content: Content) -> bool:
    """Return whether a file is, to the byte, what the index at its own end says.

    Raises:
        NotFound: it is gone.
        Unavailable: the store does not answer.
    """
    if not content.is_consistent or content.box is None:
        return False
    try:
        # None: it has no digests, and nothing in it says that it ever had.
        return not digest_problems(store, key, content.box, has_box=True)
    except DataLoss:
        return False


def _unit_problems(store: ObjectStore, key: str, media: ChunkMedia) -> list[Bad]:
    """Return the parts with a picture whose units do not fill it exactly: all that can be told without digests."""
    video, parts = media.video, media.parts
    if video.format.codec not in _PREFIXED:
        return []
    reader = BlockReader(store, key, media.indexed_bytes, _READ_BYTES)
    part_of = np.searchsorted(parts.off, video.off, side="right") - 1
    bad: dict[int, Bad] = {}
    for n in range(len(video)):
        part = int(part_of[n])
        if part in bad:
            continue
        at, length = int(video.off[n]), int(video.size[n])
        if not _is_filled(reader.pread(at, length)):
            start, end = int(parts.off[part]), int(parts.off[part] + parts.size[part])
            bad[part] = Bad(start, end, f"the picture at byte {at} is not made of whole units")
    return list(bad.values())


def _is_filled(sample: bytes) -> bool:
    """Return whether length-prefixed NAL units (14496-15 clause 4.3.3) fill a sample exactly."""
    at = 0
    while at + 4 < len(sample):
        length = U32.unpack_from(sample, at)[0]
        if length == 0:
            return False
        at += 4 + length
    return at == len(sample)
