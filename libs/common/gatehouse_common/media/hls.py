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
"""GOPs are taken together until a segment is this long."""

_LIVE_TARGET_S = 6
"""What a live playlist promises: it must not change from one fetch to the next (RFC 8216 section 4.3.3.1)."""

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

    A chunk's segments are counted from its beginning, so they stay the same however many chunks are looked at.

    Args:
        chunks: the chunks.
        whole_only: the newest chunk is growing: leave out of it what later footage would still be added to.
    """
    found: list[Segment] = []
    before: ChunkMedia | None = None
    for chunk in chunks:
        fresh = before is not None and (before.run_id != chunk.run_id or chunk.start_us - before.end_us > _SEAM_US)
        for first, last in _groups(chunk, whole_only=whole_only and chunk is chunks[-1]):
            found.append(_segment(chunk, first, last, discontinuity=fresh))
            fresh = False
        before = chunk
    return found


def _segment(chunk: ChunkMedia, first: int, last: int, *, discontinuity: bool) -> Segment:
    """Return the segment of the parts ``first`` to ``last``, that one included."""
    parts = chunk.parts
    offset, start = int(parts.off[first]), int(parts.dts[first])
    length = int(parts.off[last] + parts.size[last]) - offset
    duration_us = (int(parts.end[last]) - start) * 1_000_000 // VIDEO_TIMESCALE
    return Segment(chunk, offset, length, chunk.wall_us(start), duration_us, discontinuity)


def _groups(chunk: ChunkMedia, *, whole_only: bool) -> list[tuple[int, int]]:
    """Return the first and the last part of each run of GOPs that is about as long as a segment should be."""
    parts = chunk.parts
    heads = [int(k) for k in np.flatnonzero(parts.sync)]
    groups: list[tuple[int, int]] = []
    begin: int | None = None
    for head, following in zip(heads, [*heads[1:], None], strict=True):
        begin = head if begin is None else begin
        last = (len(parts) if following is None else following) - 1
        long_enough = int(parts.end[last] - parts.dts[begin]) * 1_000_000 >= TARGET_US * VIDEO_TIMESCALE
        if (long_enough and not (whole_only and following is None)) or (following is None and not whole_only):
            groups.append((begin, last))
            begin = None
    return groups


def vod_playlist(segments: Sequence[Segment], url_of: Callable[[ChunkMedia], str], start_us: int | None = None) -> str:
    """Return a playlist of a finished range.

    Args:
        segments: its segments.
        url_of: gives a chunk's URL.
        start_us: where to begin to play, inside the first segment.
    """
    longest = max((s.duration_us for s in segments), default=TARGET_US)
    lines = _head(-(-longest // 1_000_000), 0, 0)
    lines.insert(3, "#EXT-X-PLAYLIST-TYPE:VOD")
    if start_us is not None and segments and start_us > segments[0].start_us:
        lines.append(f"#EXT-X-START:TIME-OFFSET={(start_us - segments[0].start_us) / 1_000_000:.6f},PRECISE=YES")
    return "\n".join([*lines, *_body(segments, url_of), "#EXT-X-ENDLIST", ""])


def live_playlist(
    window: Sequence[Segment], url_of: Callable[[ChunkMedia], str], sequence: int, discontinuities: int
) -> str:
    """Return a playlist of the newest segments.

    Args:
        window: the newest whole segments.
        url_of: gives a chunk's URL.
        sequence: number of the first one (RFC 8216 section 4.3.3.2).
        discontinuities: how many discontinuities have gone before the window (section 4.3.3.3).
    """
    longest = max((s.duration_us for s in window), default=0)
    target = max(_LIVE_TARGET_S, -(-longest // 1_000_000))
    return "\n".join([*_head(target, sequence, discontinuities), *_body(window, url_of), ""])


def _head(target_s: int, sequence: int, discontinuities: int) -> list[str]:
    return [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{target_s}",
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
