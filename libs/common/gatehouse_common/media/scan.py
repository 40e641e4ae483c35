"""Reading a chunk file's own boxes: how an open chunk, or one without an index, becomes a ``ChunkMedia``.

Only headers and ``moof`` boxes are read, never payloads: 10 to 40 ms for ten minutes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gatehouse_common.errors import DataLoss

from .boxes import U32, U64, iter_boxes
from .fragment import parse_prft
from .init_segment import parse_init
from .run_box import RunInfo, parse_digest_box, parse_run_box
from .samples import ChunkMedia, PartTable, TrackFormat, TrackSamples

_HEAD_BYTES = 4096
_BOX_BYTES = 16
"""Size and kind of a box, and its large size (14496-12 clause 4.2)."""
_MAX_HEADER_BOX = 64 << 20
_HEADERS = frozenset({b"ftyp", b"moov", b"uuid", b"prft"})
_ONCE = frozenset({b"ftyp", b"moov"})
"""Behind the init segment these are no headers: one bit of damage makes the one of the other (``moof``, ``moov``)."""
_PRFT_BYTES = 32
_MOST_TICKS = 1 << 60
"""No run lasts so long: a decode time of more is damage."""


class SizedReader(Protocol):
    """Positioned reads of one file that may be growing."""

    def size(self) -> int:
        """Return how many bytes there are now."""
        ...

    def pread(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``."""
        ...


@dataclass(slots=True)
class _Rows:
    """The ``trun`` tables of one track, one entry per part."""

    dts: list[int]
    off: list[int]
    rows: list[NDArray[np.uint32]]


class ChunkScanner:
    """Scans a chunk file, and goes on where it ended when the file has grown.

    Only whole parts are seen: a ``moof`` counts when all of its ``mdat`` is there.

    Args:
        reader: the file.
        key: its object key, for messages and for the result.
        headers_only: a payload that cannot be read is no matter where its header can be; else it is told if it stands
            within 4 KiB behind its header.

    Attributes:
        info: what the run box says, once it has been read.
        init: the init segment, once it has been read.
        end: where the next update goes on: the end of the last whole part or header box.
        end_of_parts: the end of the last whole part.
        wall: the last ``(wall_us, media_time)`` that a ``prft`` box gave.
        digests: of each GOP but the last, the SHA-256 that stands behind it; None where none does.
    """

    def __init__(self, reader: SizedReader, key: str, *, headers_only: bool = False) -> None:
        self._reader, self._headers_only = reader, headers_only
        self._key = key
        self._formats: tuple[TrackFormat, ...] = ()
        self._tracks: dict[int, _Rows] = {}
        self._parts: list[tuple[int, int, int, int, bool]] = []
        self._ftyp = b""
        self.info: RunInfo | None = None
        self.init = b""
        self.end = 0
        self.end_of_parts = 0
        self.wall: tuple[int, int] | None = None
        self.digests: list[bytes | None] = []
        self._digest: bytes | None = None

    @property
    def part_count(self) -> int:
        """Whole parts seen so far."""
        return len(self._parts)

    def update(self) -> int:
        """Read what has been added; return how many new whole parts there are.

        Stops at what is no part of ours: a torn write, or damage. What was read before stays as it is.

        Raises:
            DataLoss: a header box in front of the first part is damaged, or the medium cannot read.
        """
        size, before = self._reader.size(), len(self._parts)
        at = start = self.end
        moof: tuple[int, bytes] | None = None
        while at + 8 <= size:
            head = self._head(at, size)
            if len(head) < 8:
                break
            length, kind = self._length(head), head[4:8]
            if length < 8 or at + length > size or (kind == b"prft" and length != _PRFT_BYTES):
                break
            if kind == b"mdat" and moof is not None:
                if not self._add(moof[0], moof[1], start, at + length):
                    break
                moof = None
                self.end = self.end_of_parts = start = at + length
            elif kind == b"moof" or (kind in _HEADERS and not (kind in _ONCE and self.init)):
                if length > _MAX_HEADER_BOX:
                    self._damaged(f"{self._key} has a header box of {length} bytes at {at}")
                    break
                body = head[:length] if length <= len(head) else self._reader.pread(at, length)
                if kind == b"moof":
                    moof = at, body
                elif not self._header(kind, body):
                    break
                elif kind != b"prft":
                    self.end = start = at + length
            else:
                break  # not ours: a torn write, or damage
            at += length
        return len(self._parts) - before

    def media(self, origin_us: int | None = None) -> ChunkMedia:
        """Return what has been scanned so far.

        Raises:
            DataLoss: there is no whole part, or the file does not say what run it is of.
        """
        if self.info is None or not self._formats or not self._parts:
            raise DataLoss(f"{self._key} holds no whole part")
        tracks = tuple(self._samples(f) for f in self._formats)
        parts = np.array(self._parts, np.int64)
        table = PartTable(parts[:, 0], parts[:, 1], parts[:, 2], parts[:, 3], parts[:, 4].astype(np.bool_))
        origin = self.origin_us if origin_us is None else origin_us
        return ChunkMedia(
            self.info.chunk, self._key, self.info.run, origin, tracks, table, self.end_of_parts, len(self.init)
        )

    @property
    def origin_us(self) -> int:
        """Wall time of media time zero, by the last ``prft`` box, else by the run box."""
        if self.wall is not None and self._formats:
            wall_us, media_time = self.wall
            scale = self._formats[0].timescale
            return wall_us - (media_time * 2_000_000 + scale) // (2 * scale)
        return self.info.origin_us if self.info else 0

    def _head(self, at: int, size: int) -> bytes:
        """Return the beginning of a box, with what follows it where that can be read."""
        try:
            return self._reader.pread(at, min(_HEAD_BYTES, size - at))
        except DataLoss:
            if not self._headers_only:
                raise
            return self._reader.pread(at, min(_BOX_BYTES, size - at))

    def _length(self, head: bytes) -> int:
        length = int(U32.unpack_from(head)[0])
        if length == 1 and len(head) >= 16:
            length = int(U64.unpack_from(head, 8)[0])
        return length

    def _damaged(self, what: str) -> None:
        """Tell damage of what everything stands on; behind the first part it costs only what follows.

        Raises:
            DataLoss: there is no part yet.
        """
        if not self._parts:
            raise DataLoss(what)

    def _header(self, kind: bytes, body: bytes) -> bool:
        """Take a header box; return whether it can be read.

        Raises:
            DataLoss: it cannot, and there is no part yet.
        """
        try:
            self._take(kind, body)
        except DataLoss as error:
            self._damaged(error.message)
            return False
        return True

    def _take(self, kind: bytes, body: bytes) -> None:
        if kind == b"ftyp":
            self._ftyp = body
        elif kind == b"moov":
            init = self._ftyp + body
            self._formats = parse_init(init)
            self._tracks = {f.track_id: _Rows([], [], []) for f in self._formats}
            self.init = init
        elif kind == b"prft":
            self.wall = parse_prft(body[8:])
        else:
            self._digest = parse_digest_box(body[8:])
            if self.info is None:
                self.info = parse_run_box(body[8:])

    def _add(self, moof_at: int, moof: bytes, start: int, end: int) -> bool:
        """Take a part; return whether it is one: with pictures, and with nothing outside of it."""
        if not self._formats:
            raise DataLoss(f"{self._key} has a part before its init segment")
        try:
            tables = [
                (traf_id, dts, moof_at + offset, rows)
                for traf in iter_boxes(moof, 8)
                if traf.kind == b"traf"
                for traf_id, dts, rows, offset in [_parse_traf(moof, traf.payload, traf.end)]
            ]
        except (struct.error, ValueError):
            return False
        pictures = [
            (dts, rows) for traf_id, dts, _, rows in tables if traf_id == self._formats[0].track_id and len(rows)
        ]
        whole = all(
            traf_id in self._tracks and moof_at + len(moof) <= off and off + int(rows[:, 1].sum(dtype=np.int64)) <= end
            for traf_id, _, off, rows in tables
        ) and all(dts < _MOST_TICKS for _, dts, _, _ in tables)
        if not pictures or not whole:
            return False
        for traf_id, dts, off, rows in tables:
            into = self._tracks[traf_id]
            into.dts.append(dts)
            into.off.append(off)
            into.rows.append(rows)
        first, rows = pictures[0]
        last = first + int(rows[:, 0].sum(dtype=np.int64))
        sync = not int(rows[0, 2]) & 0x10000
        if sync and self._parts:
            self.digests.append(self._digest)
        self._digest = None
        self._parts.append((start, end - start, first, last, sync))
        return True

    def _samples(self, format_: TrackFormat) -> TrackSamples:
        found = self._tracks[format_.track_id]
        if not found.rows:
            none = np.zeros(0, np.int64)
            return TrackSamples(format_, none, none, none, none, none, np.zeros(0, np.bool_))
        table = np.concatenate(found.rows)
        counts = np.fromiter((len(r) for r in found.rows), np.int64, len(found.rows))
        dur, size = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
        cts = np.ascontiguousarray(table[:, 3].astype(np.uint32)).view(np.int32).astype(np.int64)
        return TrackSamples(
            format_,
            _running(dur, counts, np.array(found.dts, np.int64)),
            dur,
            cts,
            size,
            _running(size, counts, np.array(found.off, np.int64)),
            (table[:, 2] & 0x10000) == 0,
        )


def _running(values: NDArray[np.int64], counts: NDArray[np.int64], bases: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return exclusive running sums that begin anew at each part with the part's base."""
    sums = np.cumsum(values) - values
    starts = np.cumsum(counts) - counts
    running: NDArray[np.int64] = sums - np.repeat(sums[starts], counts) + np.repeat(bases, counts)
    return running


def _parse_traf(moof: bytes, start: int, end: int) -> tuple[int, int, NDArray[np.uint32], int]:
    """Return ``(track_id, first dts, rows, data offset)`` of a ``traf`` as ``fragment.py`` writes it.

    Raises:
        ValueError: one of its boxes is not there, or cannot be.
        struct.error: one ends too early.
    """
    track_id = dts = None
    for inner in iter_boxes(moof, start, end):
        if inner.kind == b"tfhd":
            track_id = int(U32.unpack_from(moof, inner.payload + 4)[0])
        elif inner.kind == b"tfdt":
            dts = int(U64.unpack_from(moof, inner.payload + 4)[0])
        elif inner.kind == b"trun" and track_id is not None and dts is not None:
            count, offset = struct.unpack_from(">Ii", moof, inner.payload + 4)
            rows = np.frombuffer(moof, ">u4", count * 4, inner.payload + 12).reshape(count, 4).astype(np.uint32)
            return track_id, dts, rows, offset
    raise ValueError("a box of the track is missing")
