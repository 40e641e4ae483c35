"""The ``uuid`` boxes that make a chunk file explain itself: its run, the digests of its GOPs, its sample index.

14496-12 clause 11.1: ``size(32) 'uuid' usertype(16 bytes) payload``; readers that do not know a type skip it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from gatehouse_common.errors import DataLoss

from .boxes import U32, Buffer, box
from .json_box import UNREADABLE_JSON, a_time

RUN_TYPE = uuid.UUID("6e5c1f0e-7a2b-4c1d-9b43-6761746501aa").bytes
DIGEST_TYPE = uuid.UUID("6e5c1f0e-7a2b-4c1d-9b43-6761746503aa").bytes
INDEX_TYPE = uuid.UUID("6e5c1f0e-7a2b-4c1d-9b43-6761746502aa").bytes
INDEX_FRONT_BYTES = 24
FOOTER_BYTES = 12
"""The index box ends in its own length (32 bits) and ``GHIX/1\\0\\0``, so that a reader finds it from the end."""

_MOST_INDEX_BYTES = 64 << 20
_MAGIC = b"GHIX/1\0\0"
_LINK_BYTES = 32


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What the run box says.

    Attributes:
        camera: id of the camera.
        run: id of the run.
        chunk: id of the chunk.
        origin_us: wall time of media time zero as known when the file was begun, microseconds UTC.
        interruptions: ``(cause, since_us or None)`` of the gap before the run.
        previous: the link that the chunk is chained to, see ``seal.py``; empty: the start of its run's chain.
    """

    camera: str
    run: str
    chunk: str
    origin_us: int
    interruptions: tuple[tuple[str, int | None], ...] = ()
    previous: bytes = b""


def build_run_box(info: RunInfo) -> bytes:
    """Return the run box."""
    fields = {
        "camera": info.camera,
        "run": info.run,
        "chunk": info.chunk,
        "origin_us": info.origin_us,
        "interruptions": [{"cause": cause, "since_us": since} for cause, since in info.interruptions],
        "previous": info.previous.hex(),
    }
    return box(b"uuid", RUN_TYPE, json.dumps(fields, separators=(",", ":")).encode())


def parse_run_box(payload: Buffer) -> RunInfo | None:
    """Return what a ``uuid`` box's payload says of a run, None if it is another kind of box.

    Raises:
        DataLoss: it is a run box and damaged.
    """
    if bytes(payload[:16]) != RUN_TYPE:
        return None
    try:
        fields = json.loads(bytes(payload[16:]))
        parts: Sequence[dict[str, object]] = fields["interruptions"]
        since = [p["since_us"] if isinstance(p["since_us"], int) else None for p in parts]
        causes = [str(p["cause"]) for p in parts]
        ids = str(fields["camera"]), str(fields["run"]), str(fields["chunk"])
        previous = bytes.fromhex(fields.get("previous", ""))  # files of before there were digests have none
        if len(previous) not in {0, _LINK_BYTES}:
            raise DataLoss(f"the run box is damaged: a link of {len(previous)} bytes")
        return RunInfo(*ids, a_time(fields["origin_us"]), tuple(zip(causes, since, strict=True)), previous)
    except UNREADABLE_JSON as error:
        raise DataLoss(f"the run box is damaged: {error}") from error


def build_digest_box(digest: bytes) -> bytes:
    """Return the box with the SHA-256 of the GOP before it."""
    return box(b"uuid", DIGEST_TYPE, digest)


def parse_digest_box(payload: Buffer) -> bytes | None:
    """Return the digest in a ``uuid`` box's payload, None if it is another kind of box."""
    found = bytes(payload[:16]) == DIGEST_TYPE and len(payload) == 16 + _LINK_BYTES
    return bytes(payload[16:]) if found else None


def build_index_box(blob: bytes) -> bytes:
    """Return the trailing box with a compact sample index in it."""
    size = 8 + 16 + len(blob) + FOOTER_BYTES
    return box(b"uuid", INDEX_TYPE, blob, U32.pack(size), _MAGIC)


def index_box_size(footer: Buffer) -> int | None:
    """Return the size of the index box that a file's last 12 bytes end, None if they end none.

    They may be anybody's: no index is as large as the largest that they can tell of.
    """
    if len(footer) != FOOTER_BYTES or bytes(footer[4:]) != _MAGIC:
        return None
    size = int(U32.unpack(footer[:4])[0])
    return size if INDEX_FRONT_BYTES + FOOTER_BYTES <= size <= _MOST_INDEX_BYTES else None


def index_of_box(data: Buffer) -> bytes | None:
    """Return the compact sample index inside a whole index box, None if it is not one."""
    if not begins_index_box(data) or index_box_size(data[-FOOTER_BYTES:]) != len(data):
        return None
    return bytes(data[INDEX_FRONT_BYTES:-FOOTER_BYTES]) if U32.unpack(data[:4])[0] == len(data) else None


def begins_index_box(data: Buffer) -> bool:
    """Return whether some bytes begin as an index box does."""
    return bytes(data[4:8]) == b"uuid" and bytes(data[8:INDEX_FRONT_BYTES]) == INDEX_TYPE
