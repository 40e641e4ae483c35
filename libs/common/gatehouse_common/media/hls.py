"""HLS playlists (RFC 8216) over recorded chunks: byte ranges straight into the stored files.

A segment is one or more whole GOPs with their ``moof`` boxes, so nothing is made and nothing is copied.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gatehouse_common.timefmt import rfc3339

from .samples import VIDEO_TIMESCALE, ChunkMedia

TARGET_US = 4_000_000
_LIVE_SEGMENTS = 6
_SEAM_US = 50_000


@dataclass(frozen=True, slots=True)
class Segment:
    """Whole GOPs of a chunk: a byte range, and the wall time it covers.

    Attributes:
        chunk: the chunk it is of.
        offset: bytes.
        length: bytes.
        start_us: wall time of its first frame.
        duration_us: up to the next segment's first frame.
        discontinuity: whether it does not go on where the one before ended.
    """

    chunk: ChunkMedia
    offset: int
    length: int
    start_us: int
    duration_us: int
    discontinuity: bool


def find_segments(chunks: Sequence[ChunkMedia], *, whole_only: bool = False) -> list[Segment]:
    """Return the segments of chunks, which are sorted by start.

    Args:
        chunks: the chunks.
        whole_only: leave out the newest GOP, which may still grow.
    """
    found: list[Segment] = []
    before: ChunkMedia | None = None
    for chunk in chunks:
        fresh = before is None or before.run_id != chunk.run_id or chunk.start_us - before.end_us > _SEAM_US
        for piece in _pieces(chunk, whole_only=whole_only and chunk is chunks[-1]):
            offset, length, start, end = piece
            start_us = chunk.wall_us(start)
            duration = (end - start) * 1_000_000 // VIDEO_TIMESCALE
            found.append(Segment(chunk, offset, length, start_us, duration, discontinuity=fresh and before is not None))
            fresh = False
            before = chunk
        before = chunk
    return found


def _pieces(chunk: ChunkMedia, *, whole_only: bool) -> list[tuple[int, int, int, int]]:
    """Return ``(offset, length, start, end)`` of runs of GOPs of about the target length."""
    parts = chunk.parts
    heads = np.flatnonzero(parts.sync)
    pieces: list[tuple[int, int, int, int]] = []
    begin: int | None = None
    limit = TARGET_US * VIDEO_TIMESCALE // 1_000_000
    for k, head in enumerate(heads):
        last = int(heads[k + 1]) - 1 if k + 1 < len(heads) else len(parts) - 1
        if whole_only and k + 1 == len(heads):
            break
        begin = int(head) if begin is None else begin
        span = int(parts.end[last] - parts.dts[begin])
        following = k + 2 < len(heads) or (k + 2 == len(heads) and not whole_only)
        if span >= limit or not following:
            stop = int(parts.off[last] + parts.size[last])
            pieces.append(
                (int(parts.off[begin]), stop - int(parts.off[begin]), int(parts.dts[begin]), int(parts.end[last]))
            )
            begin = None
    return pieces


def vod_playlist(segments: Sequence[Segment], url_of: Callable[[ChunkMedia], str]) -> str:
    """Return a playlist of a finished range."""
    lines = _head(segments, 0, 0)
    lines.insert(3, "#EXT-X-PLAYLIST-TYPE:VOD")
    return "\n".join([*lines, *_body(segments, url_of), "#EXT-X-ENDLIST", ""])


def live_playlist(segments: Sequence[Segment], url_of: Callable[[ChunkMedia], str]) -> str:
    """Return a playlist of the newest segments.

    Args:
        segments: all whole segments since a fixed instant (the api takes the run's start): they number the
            window, so numbers stay the same from one fetch to the next without any state.
        url_of: gives a chunk's URL.
    """
    window = list(segments[-_LIVE_SEGMENTS:])
    earlier = sum(s.discontinuity for s in segments[: len(segments) - len(window)])
    number = len(segments) - len(window)
    return "\n".join([*_head(window, number, earlier), *_body(window, url_of), ""])


def _head(segments: Sequence[Segment], sequence: int, discontinuities: int) -> list[str]:
    longest = max((s.duration_us for s in segments), default=TARGET_US)
    return [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{-(-longest // 1_000_000)}",
        f"#EXT-X-MEDIA-SEQUENCE:{sequence}",
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{discontinuities}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
    ]


def _body(segments: Sequence[Segment], url_of: Callable[[ChunkMedia], str]) -> list[str]:
    lines: list[str] = []
    run = ""
    for segment in segments:
        url = url_of(segment.chunk)
        if segment.discontinuity:
            lines.append("#EXT-X-DISCONTINUITY")
        if segment.chunk.run_id != run:
            run = segment.chunk.run_id
            lines.append(f'#EXT-X-MAP:URI="{url}",BYTERANGE="{segment.chunk.init_bytes}@0"')
        lines += [
            f"#EXT-X-PROGRAM-DATE-TIME:{rfc3339(segment.start_us)}",
            f"#EXTINF:{segment.duration_us / 1_000_000:.6f},",
            f"#EXT-X-BYTERANGE:{segment.length}@{segment.offset}",
            url,
        ]
    return lines
