"""``cut=smart``: the frames up to the first keyframe are encoded anew, so nothing hidden is in the file.

An edit list hides the lead-in from the keyframe to the first frame; it is still there for who looks. Here the
lead-in is decoded, the wanted frames of it are encoded, and the file begins with them. The pictures that lead the
next keyframe of an open GOP refer to what is left out, so they are encoded anew too.

The file's range of a chunk then begins with the first picture that is copied and ends with the last: sound that
lies in the chunk before or behind them is copied into the file's own bytes. What remains hidden is, with B-frames,
the few pictures after the end that shown ones refer to.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np

from gatehouse_common.errors import NotFound
from gatehouse_common.media.decode import RangeSource, decode_frames, video_codec
from gatehouse_common.media.encode import REENCODED, encode_head
from gatehouse_common.media.samples import ChunkMedia

from .assembly import assemble
from .literal import Literal
from .request import Gaps, Slice, check_range, describe
from .seam import find_seam
from .selection import Selection, VideoWindow, count_frames, find_window, select, select_audio
from .spans import Span, SpanTrack, build_spans, in_order


def smart_slice(
    chunks: Sequence[ChunkMedia], start_us: int, end_us: int, reader: RangeSource, *, gaps: Gaps = "keep"
) -> Slice:
    """Return the footage of ``[start_us, end_us)`` without a hidden frame before its first; see ``slice_footage``.

    The same request gives the same bytes: encoders run in one thread.

    Args:
        chunks: as for ``slice_footage``.
        start_us: the first frame is the one on screen then.
        end_us: the last frame is the last that begins before.
        reader: where the bytes of the lead-in come from.
        gaps: as for ``slice_footage``.

    Raises:
        InvalidInput: the range does not end after it begins.
        NotFound: nothing of the range is recorded.
        TooLarge: it is longer than ``MAX_RANGE_US``.
        DataLoss: the lead-in cannot be decoded.
    """
    check_range(start_us, end_us)
    ordered = in_order(chunks)
    literal = Literal(len(ordered))
    selections: list[Selection] = []
    for span in build_spans(ordered):
        if selections:
            chosen = select(span, start_us, end_us, is_first=False)
        else:
            chosen = _first(span, start_us, end_us, ordered, reader, literal)
        if chosen is not None:
            selections.append(chosen)
    if not selections:
        raise NotFound("nothing is recorded in that range")
    every = reduce(SpanTrack.followed_by, (s.tracks[0] for s in selections))
    copied = every.pick(np.flatnonzero(every.src != literal.number))
    trimmed = [_trimmed(s, copied, ordered, reader, literal) for s in selections]
    # The literal stands in front of what it leads in.
    moved = [_renumbered(s, len(ordered) + 1) for s in trimmed]
    file = assemble(moved, [bytes(literal.data), *ordered], keep_gaps=gaps == "keep")
    return describe(file, selections, start_us, end_us)


def _first(
    span: Span, start_us: int, end_us: int, chunks: Sequence[ChunkMedia], reader: RangeSource, literal: Literal
) -> Selection | None:
    """Return the selection of the slice's first span, with its lead-in encoded anew."""
    window = find_window(span, start_us, end_us)
    if window is None:
        return None
    pts = span.video.pts[window.first : window.last]
    if window.leading or pts.min() >= window.shown or video_codec(span.video.format) not in REENCODED:
        return select(span, start_us, end_us, is_first=False)
    video = _encoded_and_copied(span.video, window, chunks, reader, literal)
    audio = tuple(select_audio(t, window.shown, window.end, None) for t in span.tracks[1:])
    return Selection(span, (video, *audio), window.shown, window.end, count_frames(span, window))


def _encoded_and_copied(
    video: SpanTrack, window: VideoWindow, chunks: Sequence[ChunkMedia], reader: RangeSource, literal: Literal
) -> SpanTrack:
    pts = video.pts
    seam = find_seam(video, window, chunks, reader)
    until = int(pts[seam]) if seam < window.last else window.end
    rest = np.arange(seam, window.last)
    copied, leading = rest[pts[rest] >= until], rest[pts[rest] < until]
    decode_to = int(leading[-1]) + 1 if len(leading) else seam
    frames = [
        frame
        for frame in decode_frames(video, window.first, decode_to, chunks, reader)
        if frame.pts is not None and window.shown <= frame.pts < until
    ]
    head = literal.add(video.format, encode_head(video.format, frames))
    return head.followed_by(video.pick(copied)).retimed(window.end)


def _trimmed(
    selection: Selection, pictures: SpanTrack, chunks: Sequence[ChunkMedia], reader: RangeSource, literal: Literal
) -> Selection:
    """Move sound into the literal that lies outside of ``pictures``, all that are copied, at both ends of the slice."""
    video, *sound = selection.tracks
    audio = []
    for track in sound:
        outside = np.ones(len(track), np.bool_)
        if len(pictures):
            first, last = int(pictures.src[0]), int(pictures.src[-1])
            low = int(pictures.off[pictures.src == first].min())
            high = int((pictures.off + pictures.size)[pictures.src == last].max())
            outside = (track.src < first) | (track.src > last)
            outside |= (track.src == first) & (track.off < low)
            outside |= (track.src == last) & (track.off >= high)
        audio.append(literal.move(track, outside, chunks, reader) if outside.any() else track)
    return Selection(selection.span, (video, *audio), selection.shown, selection.end, selection.frames)


def _renumbered(selection: Selection, count: int) -> Selection:
    """Return the selection with the last source as the first."""
    tracks = tuple(
        SpanTrack(t.format, t.dts, t.dur, t.cts, t.size, t.off, t.sync, (t.src + 1) % count) for t in selection.tracks
    )
    return Selection(selection.span, tracks, selection.shown, selection.end, selection.frames)
