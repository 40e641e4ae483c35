"""What a described file is made of: one range per chunk, the same bytes however they are asked for."""

from __future__ import annotations

import dataclasses
import random
import struct

import numpy as np
import pytest

from gatehouse_common.errors import InvalidInput, NotFound, TooLarge
from gatehouse_common.media.boxes import find, find_all
from gatehouse_common.media.slicing import LOOKBACK_US, slice_footage, smart_slice, split_footage
from gatehouse_common.media.slicing.sample_tables import co64, ctts, run_lengths, stsc, stsz, stts
from gatehouse_common.media.virtual_file import ObjectRange, VirtualFile
from gatehouse_common.testing.film import frame_numbers
from media_scenarios import check_exact, footage

MIDDLE_US = 1_234_567


def files() -> list[VirtualFile]:
    recorded = footage("gap, other sps and size")
    start, end = recorded.start_us + MIDDLE_US, recorded.end_us - 500_000
    return [
        slice_footage(recorded.chunks, start, end).file,
        smart_slice(recorded.chunks, start, end, recorded.store).file,
        split_footage(recorded.chunks, start, end, "gate").file,
    ]


@pytest.mark.parametrize("kind", [0, 1, 2], ids=["exact", "smart", "split"])
def test_any_range_is_that_part_of_the_whole(kind: int) -> None:
    store = footage("gap, other sps and size").store
    file = files()[kind]
    whole = b"".join(file.read(store))
    assert len(whole) == file.size
    rng = random.Random(3)
    for _ in range(60):
        low = rng.randrange(file.size)
        high = rng.randrange(low, file.size + 1)
        assert b"".join(file.read(store, low, high)) == whole[low:high]


def test_each_chunk_file_is_read_in_one_range() -> None:
    recorded = footage("gap, other sps and size")
    keys = [p.key for p in files()[0].pieces if isinstance(p, ObjectRange)]
    assert keys == [c.key for c in recorded.chunks]


def test_order_and_repetition_of_the_chunks_do_not_matter() -> None:
    """A chunk may be found both in the index and as the open file of which the index lags behind."""
    recorded = footage("growing, b-frames")
    start, end = recorded.start_us + MIDDLE_US, recorded.end_us
    last = recorded.chunks[-1]
    half = len(last.video) // 2
    stale = dataclasses.replace(
        last,
        tracks=tuple(
            dataclasses.replace(t, **{c: getattr(t, c)[:half] for c in ("dts", "dur", "cts", "size", "off", "sync")})
            for t in last.tracks
        ),
        indexed_bytes=last.indexed_bytes // 2,
    )
    plain = slice_footage(recorded.chunks, start, end)
    mixed = slice_footage([last, *recorded.chunks, stale], start, end)
    assert mixed == plain
    check_exact(recorded, mixed, start, end)


@pytest.mark.parametrize("name", ["b-frames", "h265 open gop"])
def test_a_missing_chunk_is_a_gap_and_the_rest_is_exact(name: str) -> None:
    """Without the chunk before, an open GOP's first pictures cannot be decoded: they are neither shown nor there."""
    recorded = footage(name)
    first, gone, last = recorded.chunks
    start, end = recorded.start_us + 1_500_000, recorded.end_us
    piece = slice_footage([first, last], start, end)
    data = recorded.bytes_of(piece.file)
    keyframe_us = last.wall_us(int(last.video.pts[0]))
    expected = [*recorded.shown(start, gone.start_us), *recorded.shown(keyframe_us, end)]
    shown = frame_numbers(data)
    assert [n for n, _ in shown] == [f.number for f in expected]
    assert [(g.start, g.end) for g in piece.gaps] == [(gone.start_us, keyframe_us)]
    for (_, seconds), frame in zip(shown, expected, strict=True):
        assert abs(seconds * 1_000_000 - (frame.at_us - expected[0].at_us)) <= 25


def test_the_look_back_reaches_what_leads_a_keyframe() -> None:
    """A range that begins with a picture leading a chunk's first keyframe needs the chunk before."""
    recorded = footage("h265 open gop")
    chunk = recorded.chunks[1]
    start, end = chunk.start_us, chunk.start_us + 1_000_000
    assert chunk.video.pts.min() < chunk.video.pts[0]
    needed = [c for c in recorded.chunks if c.end_us > start - LOOKBACK_US and c.start_us < end]
    check_exact(recorded, slice_footage(needed, start, end), start, end)


def test_nothing_recorded_is_not_found() -> None:
    recorded = footage("gap, other sps and size")
    gap_us = recorded.runs[0].end_us
    for make in (
        lambda a, b: slice_footage(recorded.chunks, a, b),
        lambda a, b: smart_slice(recorded.chunks, a, b, recorded.store),
        lambda a, b: split_footage(recorded.chunks, a, b, "gate"),
        lambda a, b: slice_footage([], a, b),
    ):
        with pytest.raises(NotFound):
            make(gap_us, gap_us + 2_000_000)


def test_ranges_that_make_no_file_are_refused() -> None:
    recorded = footage("h264")
    start = recorded.start_us
    for make in (
        slice_footage,
        lambda c, a, b: smart_slice(c, a, b, recorded.store),
        lambda c, a, b: split_footage(c, a, b, "gate"),
    ):
        for end in (start, start - 1):
            with pytest.raises(InvalidInput):
                make(recorded.chunks, start, end)
        with pytest.raises(TooLarge):
            make(recorded.chunks, start, start + 13 * 3_600_000_000)


def test_durations_are_true_in_every_box() -> None:
    recorded = footage("gap, other sps and size")
    start, end = recorded.start_us + MIDDLE_US, recorded.end_us - 500_000
    piece = slice_footage(recorded.chunks, start, end)
    header = piece.file.pieces[0]
    assert isinstance(header, bytes)
    expected = (piece.end_us - piece.start_us) * 90_000 / 1_000_000
    mvhd = find(header, "moov/mvhd")
    assert mvhd is not None
    assert struct.unpack_from(">IQ", header, mvhd.payload + 20) == (90_000, pytest.approx(expected, abs=2))
    edits = list(find_all(header, "moov/trak/edts/elst"))
    assert len(edits) == 2
    for box in edits:
        count = struct.unpack_from(">I", header, box.payload + 4)[0]
        lengths = [struct.unpack_from(">Q", header, box.payload + 8 + 20 * k)[0] for k in range(count)]
        assert sum(lengths) == pytest.approx(expected, abs=2)


def test_sample_tables_are_laid_out_as_in_the_standard() -> None:
    ints = lambda *values: np.array(values, np.int64)  # noqa: E731
    assert stts(ints(3, 3, 3, 4))[8:] == struct.pack(">6I", 0, 2, 3, 3, 1, 4)
    assert ctts(ints(0, -2, -2))[8:] == struct.pack(">4IIi", 1 << 24, 2, 1, 0, 2, -2)
    assert stsz(ints(5, 5))[8:] == struct.pack(">3I", 0, 5, 2)
    assert stsz(ints(5, 6))[8:] == struct.pack(">5I", 0, 0, 2, 5, 6)
    assert co64(ints(1 << 40))[8:] == struct.pack(">2IQ", 0, 1, 1 << 40)
    # Three chunks of two, two and one samples: two entries.
    assert stsc(ints(0, 2, 4), 5)[8:] == struct.pack(">8I", 0, 2, 1, 2, 1, 3, 1, 1)
    values, counts = run_lengths(ints(7, 7, 8))
    assert (values.tolist(), counts.tolist()) == ([7, 8], [2, 1])
