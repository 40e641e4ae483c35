"""``cut=smart``: the frames up to the first keyframe are encoded anew, so nothing hidden is in the file.

An edit list hides the lead-in from the keyframe to the first frame; it is still there for who looks. Here the
lead-in is decoded, the wanted frames of it are encoded, and the file begins with them. The pictures that lead the
next keyframe of an open GOP refer to what is left out, so they are encoded anew too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gatehouse_common.media.decode import RangeSource, decode_frames
from gatehouse_common.media.encode import encode_head
from gatehouse_common.media.samples import I64, VIDEO_TIMESCALE, ChunkMedia

from .assembly import Source, assemble
from .request import Gaps, Slice, describe, slice_footage
from .selection import Selection, find_window, select, select_audio
from .spans import Span, SpanTrack, build_spans

REENCODED = frozenset({"avc1", "hvc1"})


@dataclass(frozen=True, slots=True)
class _Head:
    """What is encoded anew: literal bytes, the samples in them, and where copying goes on."""

    data: bytes
    video: SpanTrack
    audio: tuple[SpanTrack, ...]
    copied: I64


def smart_slice(
    chunks: Sequence[ChunkMedia], start_us: int, end_us: int, reader: RangeSource, *, gaps: Gaps = "keep"
) -> Slice:
    """Return the footage of ``[start_us, end_us)`` without a hidden frame before its first; see ``slice_footage``.

    Args:
        chunks: as for ``slice_footage``.
        start_us: the first frame is the one on screen then.
        end_us: the last frame is the last that begins before.
        reader: where the bytes of the lead-in come from.
        gaps: as for ``slice_footage``.

    Raises:
        NotFound: nothing of the range is recorded.
        DataLoss: the lead-in cannot be decoded.
    """
    ordered = sorted(chunks, key=lambda c: (c.start_us, c.chunk_id))
    selections: list[Selection] = []
    sources: list[Source] = list(ordered)
    for span in build_spans(ordered):
        if selections:
            chosen = select(span, start_us, end_us)
        else:
            chosen = _first(span, start_us, end_us, ordered, sources, reader)
        if chosen is not None:
            selections.append(chosen)
    if not selections:
        return slice_footage(ordered, start_us, end_us, gaps=gaps)  # says that nothing is recorded
    # The literal stands in front of what it leads in.
    order = [len(ordered), *range(len(ordered))] if len(sources) > len(ordered) else list(range(len(ordered)))
    moved = [_renumbered(s, np.argsort(order)) for s in selections]
    file = assemble(moved, [sources[k] for k in order], keep_gaps=gaps == "keep")
    return describe(file, selections, start_us, end_us)


def _first(
    span: Span,
    start_us: int,
    end_us: int,
    chunks: Sequence[ChunkMedia],
    sources: list[Source],
    reader: RangeSource,
) -> Selection | None:
    """Return the selection of the slice's first span, with its lead-in encoded anew; adds the literal source."""
    window = find_window(span, start_us, end_us)
    if window is None:
        return None
    pts = span.video.pts
    plain = span.video.format.codec not in REENCODED or int(pts[window.first]) == window.shown
    if plain and not (pts[window.first : window.last] < window.shown).any():
        return select(span, start_us, end_us)
    head = _encode(span, window.first, window.last, window.shown, window.end, chunks, reader, len(sources))
    sources.append(head.data)
    video = _merged(head.video, span.video, head.copied)
    audio = tuple(
        _joined(before, select_audio(t, window.shown, window.end), len(before))
        for before, t in zip(head.audio, span.tracks[1:], strict=True)
    )
    frames = int(((video.pts >= window.shown) & (video.pts < window.end)).sum())
    return Selection(span, (video, *audio), window.shown, window.end, frames)


def _encode(
    span: Span,
    first: int,
    last: int,
    shown: int,
    end: int,
    chunks: Sequence[ChunkMedia],
    reader: RangeSource,
    source: int,
) -> _Head:
    v = span.video
    pts = v.pts
    later = np.flatnonzero(v.sync[first:last] & (pts[first:last] > shown))
    copy_from = first + int(later[0]) if len(later) else last
    until = int(pts[copy_from]) if copy_from < last else end
    rest = np.arange(copy_from, last)
    copied = rest[pts[rest] >= until]
    leading = rest[pts[rest] < until]
    decode_to = int(leading[-1]) + 1 if len(leading) else copy_from
    frames = [
        f for f in decode_frames(v, first, decode_to, chunks, reader) if f.pts is not None and shown <= f.pts < until
    ]
    encoded = encode_head(v.format, frames)
    data = bytearray()
    columns: list[tuple[int, int, int, bool]] = []
    for packet in encoded:
        columns.append((packet.pts, len(packet.data), len(data), packet.sync))
        data += packet.data
    table = np.array(columns, np.int64).reshape(-1, 4)
    count = len(table)
    video = SpanTrack(
        v.format,
        table[:, 0],
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        table[:, 1],
        table[:, 2],
        table[:, 3].astype(np.bool_),
        np.full(count, source, np.int64),
    )
    audio = tuple(_literal_audio(t, shown, until, end, chunks, reader, data, source) for t in span.tracks[1:])
    return _Head(bytes(data), video, audio, copied)


def _literal_audio(
    track: SpanTrack,
    shown: int,
    until: int,
    end: int,
    chunks: Sequence[ChunkMedia],
    reader: RangeSource,
    data: bytearray,
    source: int,
) -> SpanTrack:
    """Copy the audio of the lead-in into the literal: in the file it lies between hidden pictures."""
    chosen = select_audio(track, shown, end)
    count = int(np.searchsorted(chosen.dts, until * track.format.timescale // VIDEO_TIMESCALE, "right"))
    early = chosen.take(0, count)
    off = np.zeros(count, np.int64)
    for k in range(count):
        off[k] = len(data)
        chunk = chunks[int(early.src[k])]
        data += reader.read(chunk.key, int(early.off[k]), int(early.size[k]))
    src = np.full(count, source, np.int64)
    return SpanTrack(early.format, early.dts, early.dur, early.cts, early.size, off, early.sync, src)


def _merged(head: SpanTrack, video: SpanTrack, copied: I64) -> SpanTrack:
    """Return the encoded samples and the copied ones as one track; decode times are the sorted presentation times."""
    pts = np.concatenate((head.dts, video.pts[copied]))
    dts = np.sort(pts)
    last = int(video.dur[copied[-1]]) if len(copied) else int(video.dur[-1])
    return SpanTrack(
        video.format,
        dts,
        np.diff(dts, append=dts[-1] + last),
        pts - dts,
        np.concatenate((head.size, video.size[copied])),
        np.concatenate((head.off, video.off[copied])),
        np.concatenate((head.sync, video.sync[copied])),
        np.concatenate((head.src, video.src[copied])),
    )


def _joined(before: SpanTrack, whole: SpanTrack, skip: int) -> SpanTrack:
    rest = whole.take(skip, len(whole))
    return SpanTrack(
        whole.format,
        np.concatenate((before.dts, rest.dts)),
        np.concatenate((before.dur, rest.dur)),
        np.concatenate((before.cts, rest.cts)),
        np.concatenate((before.size, rest.size)),
        np.concatenate((before.off, rest.off)),
        np.concatenate((before.sync, rest.sync)),
        np.concatenate((before.src, rest.src)),
    )


def _renumbered(selection: Selection, numbers: I64) -> Selection:
    tracks = tuple(
        SpanTrack(t.format, t.dts, t.dur, t.cts, t.size, t.off, t.sync, numbers[t.src]) for t in selection.tracks
    )
    return Selection(selection.span, tracks, selection.shown, selection.end, selection.frames)
