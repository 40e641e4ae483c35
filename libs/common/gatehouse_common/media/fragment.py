"""Parts on the wire: ``[prft] moof mdat`` built from samples, payloads never copied."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from .boxes import U32, Buffer, box, full_box

SYNC = 0x02000000
"""Sample flags: depends on no other sample (14496-12 clause 8.8.3.1)."""
NON_SYNC = 0x01010000
"""Sample flags: depends on others, is not a sync sample."""

_ROW = struct.Struct(">IIIi")
_NTP_EPOCH_S = 2_208_988_800


@dataclass(slots=True)
class TimedSample:
    """A sample with all its times, in ticks of its track; ``data`` is length-prefixed where the codec has NALs."""

    dts: int
    cts: int
    dur: int
    sync: bool
    data: Buffer


def build_fragment(sequence: int, tracks: Sequence[tuple[int, Sequence[TimedSample]]]) -> list[Buffer]:
    """Return the buffers of ``moof`` and ``mdat`` for ``(track_id, samples)`` pairs; empty tracks are left out.

    Layout (14496-12 clauses 8.8.4 to 8.8.12): ``moof { mfhd(sequence) traf { tfhd(track_id, default-base-is-moof)
    tfdt v1(first dts, 64 bit) trun v1(count, data offset, [duration size flags signed-offset]...) }... }``; the
    samples of the tracks follow one another in ``mdat``.
    """
    live = [(track_id, samples) for track_id, samples in tracks if samples]
    moof_size = 24 + sum(64 + 16 * len(samples) for _, samples in live)
    trafs: list[bytes] = []
    buffers: list[Buffer] = []
    at = moof_size + 8
    for track_id, samples in live:
        rows = b"".join([_ROW.pack(s.dur, len(s.data), SYNC if s.sync else NON_SYNC, s.cts) for s in samples])
        trafs.append(
            box(
                b"traf",
                full_box(b"tfhd", 0, 0x020000, U32.pack(track_id)),
                full_box(b"tfdt", 1, 0, samples[0].dts.to_bytes(8, "big")),
                full_box(b"trun", 1, 0x000F01, struct.pack(">Ii", len(samples), at), rows),
            )
        )
        for s in samples:
            at += len(s.data)
            buffers.append(s.data)
    moof = box(b"moof", full_box(b"mfhd", 0, 0, U32.pack(sequence)), *trafs)
    return [moof + struct.pack(">I4s", at - moof_size, b"mdat"), *buffers]


def build_prft(track_id: int, wall_us: int, media_time: int) -> bytes:
    """Return a producer reference time box (14496-12 clause 8.16.5): ``media_time`` was at ``wall_us``.

    ``prft v1 { reference_track_ID(32) ntp_timestamp(64) media_time(64) }``; NTP counts from 1900 in 2^-32 s.
    """
    seconds, micros = divmod(wall_us, 1_000_000)
    ntp = (seconds + _NTP_EPOCH_S) << 32 | ((micros << 32) + 500_000) // 1_000_000
    return full_box(b"prft", 1, 0, struct.pack(">IQQ", track_id, ntp, media_time))


def parse_prft(payload: Buffer) -> tuple[int, int]:
    """Return ``(wall_us, media_time)`` of a ``prft`` payload (version and flags included)."""
    _, _, ntp, media_time = struct.unpack(">IIQQ", payload[:24])
    return ((ntp >> 32) - _NTP_EPOCH_S) * 1_000_000 + (((ntp & 0xFFFFFFFF) * 1_000_000 + (1 << 31)) >> 32), media_time
