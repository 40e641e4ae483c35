"""The compact sample index of a chunk: about 50 KB for ten minutes, decoded in a millisecond.

Columns are stored as what a predictor gets wrong: a sample normally begins where the last one ended, in time and
in the file, so most values are zero. Each column's bytes are shuffled (all first bytes, then all second...) and
the whole is deflated. In front of that stands the chunk's seal, as it is, and behind it the SHA-256 of everything
before: readers of samples pass over both.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatehouse_common.errors import DataLoss

from .json_box import UNREADABLE_JSON, a_time
from .samples import I64, ChunkMedia, PartTable, TrackFormat, TrackSamples
from .seal import DIGEST_BYTES, Seal, unpack_seal

VERSION = 2
"""1 is the same without seal and checksum; it is read, and written no more."""
MAX_DECODED_BYTES = 256 << 20

_FRONT = struct.Struct(">HI")
_SEAL_LENGTH = struct.Struct(">I")


def encode_index(media: ChunkMedia, seal: Seal | None = None) -> bytes:
    """Return the compact index of a chunk: everything of it but its key.

    Args:
        media: the chunk.
        seal: its digests; None of one that is still growing.
    """
    header = {
        "chunk": media.chunk_id,
        "run": media.run_id,
        "origin_us": media.origin_us,
        "indexed_bytes": media.indexed_bytes,
        "init_bytes": media.init_bytes,
        "parts": len(media.parts),
        "tracks": [{**_format_fields(t.format), "samples": len(t)} for t in media.tracks],
    }
    columns: list[bytes] = []
    for track in media.tracks:
        columns += [
            _column(_residual(track.dts, track.dur), "<i8"),
            _column(track.dur, "<u4"),
            _column(track.cts, "<i4"),
            _column(track.size, "<u4"),
            _column(_residual(track.off, track.size), "<i8"),
            np.packbits(track.sync).tobytes(),
        ]
    parts = media.parts
    columns += [
        _column(_residual(parts.off, parts.size), "<i8"),
        _column(parts.size, "<u4"),
        _column(_residual(parts.dts, parts.end - parts.dts), "<i8"),
        _column(parts.end - parts.dts, "<u4"),
        np.packbits(parts.sync).tobytes(),
    ]
    head = json.dumps(header, separators=(",", ":")).encode()
    sealed = b"" if seal is None else seal.pack()
    front = _FRONT.pack(VERSION, len(head)) + _SEAL_LENGTH.pack(len(sealed)) + sealed
    whole = front + zlib.compress(head + b"".join(columns), 1)
    return whole + hashlib.sha256(whole).digest()


def decode_index(blob: bytes, key: str, origin_us: int | None = None) -> ChunkMedia:
    """Return the chunk that a compact index describes; ``origin_us`` replaces the origin known when it was made.

    Raises:
        DataLoss: the index is damaged, or of a version that this reader does not know.
    """
    try:
        head_length, start, end = _deflated(blob, key)
        inflater = zlib.decompressobj()
        data = inflater.decompress(memoryview(blob)[start:end], MAX_DECODED_BYTES)
        if not inflater.eof:
            raise DataLoss(f"sample index of {key} is cut off")
        header = json.loads(data[:head_length])
        columns = _Columns(data, head_length)
        tracks = tuple(_track(columns, fields) for fields in header["tracks"])
        parts = _parts(columns, header["parts"])
        origin = a_time(header["origin_us"]) if origin_us is None else origin_us
        sizes = int(header["indexed_bytes"]), int(header["init_bytes"])
        return ChunkMedia(str(header["chunk"]), key, str(header["run"]), origin, tracks, parts, *sizes)
    except (struct.error, zlib.error, *UNREADABLE_JSON) as error:
        raise DataLoss(f"sample index of {key} is damaged: {error}") from error


def decode_seal(blob: bytes, key: str) -> Seal | None:
    """Return the seal in a compact index; None if it has none: it is older, or of a chunk that was growing.

    The index is held to its own checksum, so whatever is damaged in it is told.

    Raises:
        DataLoss: the index is damaged.
    """
    try:
        _, start, end = _deflated(blob, key)
        if _version(blob) == 1:
            return None
        if hashlib.sha256(memoryview(blob)[:end]).digest() != blob[end:]:
            raise DataLoss(f"sample index of {key} is damaged: it does not match its checksum")
        sealed = memoryview(blob)[_FRONT.size + _SEAL_LENGTH.size : start]
        return unpack_seal(sealed) if len(sealed) else None
    except struct.error as error:
        raise DataLoss(f"sample index of {key} is damaged: {error}") from error


def _version(blob: bytes) -> int:
    return int(_FRONT.unpack_from(blob)[0])


def _deflated(blob: bytes, key: str) -> tuple[int, int, int]:
    """Return the length of the header, and where the deflated part begins and ends."""
    version, head_length = _FRONT.unpack_from(blob)
    if version == 1:
        return head_length, _FRONT.size, len(blob)
    if version != VERSION:
        raise DataLoss(f"sample index of {key} has version {version}, this reader knows {VERSION}")
    (sealed,) = _SEAL_LENGTH.unpack_from(blob, _FRONT.size)
    return head_length, _FRONT.size + _SEAL_LENGTH.size + sealed, len(blob) - DIGEST_BYTES


class _Columns:
    """Reads the columns one after the other."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._at = at

    def numbers(self, count: int, kind: str) -> I64:
        width = np.dtype(kind).itemsize
        shuffled = np.frombuffer(self._take(count * width), np.uint8).reshape(width, count)
        # Most planes are zeros, and need not be put in their places.
        found = np.zeros((count, width), np.uint8)
        for place, plane in enumerate(shuffled):
            if plane.any():
                found[:, place] = plane
        numbers: I64 = found.view(kind).reshape(count).astype(np.int64, copy=False)
        return numbers

    def bits(self, count: int) -> NDArray[np.bool_]:
        return np.unpackbits(np.frombuffer(self._take((count + 7) // 8), np.uint8), count=count).astype(np.bool_)

    def _take(self, size: int) -> bytes:
        if size < 0 or self._at + size > len(self._data):
            raise ValueError("it ends too early")
        self._at += size
        return self._data[self._at - size : self._at]


def _track(columns: _Columns, fields: dict[str, Any]) -> TrackSamples:
    count = int(fields.pop("samples"))
    entry = base64.b64decode(fields.pop("sample_entry"))
    residual = columns.numbers(count, "<i8")
    dur = columns.numbers(count, "<u4")
    cts = columns.numbers(count, "<i4")
    size = columns.numbers(count, "<u4")
    off = _restored(columns.numbers(count, "<i8"), size)
    format_ = TrackFormat(sample_entry=entry, **fields)
    return TrackSamples(format_, _restored(residual, dur), dur, cts, size, off, columns.bits(count))


def _parts(columns: _Columns, count: int) -> PartTable:
    residual = columns.numbers(count, "<i8")
    size = columns.numbers(count, "<u4")
    dts_residual = columns.numbers(count, "<i8")
    length = columns.numbers(count, "<u4")
    dts = _restored(dts_residual, length)
    return PartTable(_restored(residual, size), size, dts, dts + length, columns.bits(count))


def _format_fields(format_: TrackFormat) -> dict[str, object]:
    return {
        "track_id": format_.track_id,
        "kind": format_.kind,
        "timescale": format_.timescale,
        "codec": format_.codec,
        "codec_string": format_.codec_string,
        "sample_entry": base64.b64encode(format_.sample_entry).decode(),
        "width": format_.width,
        "height": format_.height,
    }


def _residual(starts: I64, lengths: I64) -> I64:
    """Return how far each start is from where the one before ends; the first is kept as it is."""
    predicted = np.concatenate((np.zeros(1, np.int64), starts[:-1] + lengths[:-1]))[: len(starts)]
    return starts - predicted


def _restored(residual: I64, lengths: I64) -> I64:
    """Undo ``_residual``."""
    steps = residual.copy()
    steps[1:] += lengths[:-1]
    restored: I64 = np.cumsum(steps, out=steps)
    return restored


def _column(values: I64, kind: str) -> bytes:
    width = np.dtype(kind).itemsize
    packed = np.ascontiguousarray(values.astype(kind)).view(np.uint8)
    return np.ascontiguousarray(packed.reshape(len(values), width).T).tobytes()
