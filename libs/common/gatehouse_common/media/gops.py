"""The GOPs of a chunk file: its parts from a keyframe to the next, which are hashed as one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from gatehouse_common.errors import DataLoss

from .run_box import RunInfo
from .samples import I64, PartTable
from .scan import ChunkScanner, SizedReader
from .seal import Seal, chain_start, make_seal

_BLOCK = 4 << 20


@dataclass(frozen=True, slots=True)
class GopTable:
    """The GOPs in file order; every column is int64 of one length.

    Attributes:
        off: byte offset of the GOP's first part.
        end: the byte after its last part.
        dts: decode time of its first video sample, in ticks.
        end_dts: decode time at which its last video sample ends, in ticks.
    """

    off: I64
    end: I64
    dts: I64
    end_dts: I64

    def __len__(self) -> int:
        return len(self.off)


def gop_table(parts: PartTable) -> GopTable:
    """Return the GOPs that parts are of; what stands before the first keyframe counts as one."""
    begins = np.flatnonzero(parts.sync)
    if len(parts) and (not len(begins) or begins[0]):
        begins = np.concatenate((np.zeros(1, begins.dtype), begins))
    last = np.concatenate((begins[1:], [len(parts)]))[: len(begins)] - 1
    return GopTable(parts.off[begins], parts.off[last] + parts.size[last], parts.dts[begins], parts.end[last])


def seal_scanned(reader: SizedReader, scanner: ChunkScanner) -> Seal:
    """Return the seal of a chunk file that was not closed: by the digests that stand in it, else by its bytes.

    Of a file that was recorded with digests only the head and the last GOP are read.

    Raises:
        DataLoss: there is no whole part in it, or it cannot be read.
    """
    media = scanner.media()
    gops = gop_table(media.parts)
    known = [*scanner.digests, None][: len(gops)]
    digests = [
        given or _hash(reader, int(off), int(end)) for given, off, end in zip(known, gops.off, gops.end, strict=True)
    ]
    late = sum(given is None for given in known)
    return make_seal(chained_to(scanner.info), _hash(reader, 0, int(gops.off[0])), digests, late)


def seal_growing(reader: SizedReader, scanner: ChunkScanner) -> Seal | None:
    """Return the seal of the GOPs of a growing chunk that are whole: by the digests that stand in it.

    None if there are none in it: it was begun by an earlier version.

    Raises:
        DataLoss: there is no whole part in it.
    """
    known = [digest for digest in scanner.digests if digest is not None]
    if len(known) != len(scanner.digests):
        return None
    begins = int(scanner.media().parts.off[0])
    return make_seal(chained_to(scanner.info), _hash(reader, 0, begins), known)


def chained_to(info: RunInfo | None) -> bytes:
    """Return the link that a chunk is chained to by what its run box says."""
    return (info.previous or chain_start(info.run)) if info else b""


def _hash(reader: SizedReader, start: int, end: int) -> bytes:
    digest = hashlib.sha256()
    for at in range(start, end, _BLOCK):
        wanted = min(_BLOCK, end - at)
        data = reader.pread(at, wanted)
        if len(data) < wanted:  # a digest of fewer bytes would say that they are what was recorded
            raise DataLoss(f"the file ends {wanted - len(data)} bytes before its last part does")
        digest.update(data)
    return digest.digest()
