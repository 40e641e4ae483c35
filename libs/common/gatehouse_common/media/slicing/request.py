"""What is asked of the slicer, and what it answers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gatehouse_common.errors import InvalidInput, NotFound, TooLarge
from gatehouse_common.intervals import Interval, subtract
from gatehouse_common.media.samples import ChunkMedia
from gatehouse_common.media.virtual_file import VirtualFile

from .assembly import assemble
from .selection import Selection, select
from .sharing import sharing_key
from .spans import build_spans, in_order

LOOKBACK_US = 2_000_000
"""How much before the range to look chunks up: the first frame may lead a keyframe of the next chunk."""

MIN_GAP_US = 50_000
"""Spans less than this apart are not reported as having a gap between them."""

MAX_RANGE_US = 12 * 3_600_000_000
"""The longest range of one file: a gap in it is one sample's duration, of which 14496-12 has 32 bits (13 h)."""

Gaps = Literal["keep", "skip"]


@dataclass(frozen=True, slots=True)
class CodecChange:
    """The video's codec changes at ``at_us``; players that show one track only stop there."""

    at_us: int
    codec: str


@dataclass(frozen=True, slots=True)
class Slice:
    """The answer to a range.

    Attributes:
        file: the MP4, described.
        start_us: wall time of the first frame shown.
        end_us: wall time at which the last frame shown ends.
        gaps: what of the range asked for is not recorded.
        frames: how many frames are shown.
        codec_changes: where the video goes on in another track: in another codec, or, in codecs whose settings stand in
            the sample entry, with other settings.
    """

    file: VirtualFile
    start_us: int
    end_us: int
    gaps: tuple[Interval, ...]
    frames: int
    codec_changes: tuple[CodecChange, ...]


def slice_footage(
    chunks: Sequence[ChunkMedia], start_us: int, end_us: int, *, gaps: Gaps = "keep", header_bytes: int = 0
) -> Slice:
    """Return the footage of ``[start_us, end_us)`` as one exact MP4.

    Args:
        chunks: what overlaps ``[start_us - LOOKBACK_US, end_us)`` of one camera, in any order.
        start_us: the first frame is the one on screen then.
        end_us: the last frame is the last that begins before.
        gaps: ``keep`` holds the last frame before a gap until footage goes on, so that the file is true to the
            wall clock; ``skip`` joins what is there.
        header_bytes: where the media begins in the file, so that a longer slice of the same start has the bytes of a
            shorter one in the same place; 0: right behind the header.

    Raises:
        InvalidInput: the range does not end after it begins.
        NotFound: nothing of the range is recorded.
        TooLarge: it is longer than ``MAX_RANGE_US``.
    """
    check_range(start_us, end_us)
    ordered = in_order(chunks)
    selections = select_all(ordered, start_us, end_us)
    file = assemble(selections, ordered, keep_gaps=gaps == "keep", header_bytes=header_bytes)
    return describe(file, selections, start_us, end_us)


def check_range(start_us: int, end_us: int) -> None:
    """Refuse ranges that make no file.

    Raises:
        InvalidInput: the range does not end after it begins.
        TooLarge: it is longer than ``MAX_RANGE_US``.
    """
    if end_us <= start_us:
        raise InvalidInput(f"a range must end after it begins, not {start_us - end_us} us before")
    if end_us - start_us > MAX_RANGE_US:
        raise TooLarge(f"a range of {(end_us - start_us) // 1_000_000} s is longer than one file holds: 12 h")


def select_all(ordered: Sequence[ChunkMedia], start_us: int, end_us: int, *, apart: bool = False) -> list[Selection]:
    """Return what a range needs of each span; ``apart`` when each becomes a file of its own.

    Raises:
        NotFound: nothing.
    """
    selections: list[Selection] = []
    for span in build_spans(ordered):
        chosen = select(span, start_us, end_us, is_first=apart or not selections)
        if chosen is not None:
            selections.append(chosen)
    if not selections:
        raise NotFound("nothing is recorded in that range")
    return selections


def describe(file: VirtualFile, selections: Sequence[Selection], start_us: int, end_us: int) -> Slice:
    """Return the slice that ``file`` is."""
    shown = [Interval(s.start_us, max(s.end_us, s.start_us)) for s in selections]
    missing = subtract(Interval(start_us, end_us), shown)
    changes = [
        CodecChange(after.start_us, after.tracks[0].format.codec_string)
        for before, after in itertools.pairwise(selections)
        if sharing_key(before.tracks[0].format) != sharing_key(after.tracks[0].format)
    ]
    return Slice(
        file,
        selections[0].start_us,
        max(s.end_us for s in selections),
        tuple(g for g in missing if g.duration >= MIN_GAP_US),
        sum(s.frames for s in selections),
        tuple(changes),
    )
