"""S1-10, S1-11: every range begins and ends with the right frame, whatever the camera sends."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_common.errors import NotFound
from gatehouse_common.media.slicing import slice_footage, smart_slice
from gatehouse_common.testing.film import frame_numbers
from gatehouse_common.testing.scenarios import SCENARIOS, random_ranges
from media_scenarios import check_exact, footage


@pytest.mark.parametrize("name", SCENARIOS)
def test_exact_cut_shows_exactly_the_frames_of_the_range(name: str) -> None:
    recorded = footage(name)
    for start, end in random_ranges(recorded, 24, seed=1):
        check_exact(recorded, slice_footage(recorded.chunks, start, end), start, end)


@pytest.mark.parametrize("name", SCENARIOS)
def test_smart_cut_shows_the_same_and_has_no_earlier_frame_in_the_file(name: str) -> None:
    recorded = footage(name)
    for start, end in random_ranges(recorded, 12, seed=2):
        piece = smart_slice(recorded.chunks, start, end, recorded.store)
        check_exact(recorded, piece, start, end)
        everything = [number for number, _ in frame_numbers(recorded.bytes_of(piece.file), raw=True)]
        assert min(everything) == everything[0] == recorded.shown(start, end)[0].number


@settings(max_examples=60, deadline=None)
@given(st.integers(-3_000_000, 9_000_000), st.integers(1, 9_000_000), st.integers(1, 9_000_000))
def test_ranges_that_touch_share_no_frame_and_lose_none(offset: int, first: int, second: int) -> None:
    recorded = footage("gap, other sps and size")
    start = recorded.start_us + offset

    def frames(a: int, b: int) -> int:
        try:
            return slice_footage(recorded.chunks, a, b).frames
        except NotFound:
            return 0

    middle = start + first
    parts = frames(start, middle) + frames(middle, middle + second)
    whole = frames(start, middle + second)
    # The frame on screen at the seam is the last of the first and the first of the second.
    on_screen = len(recorded.shown(middle, middle + 1))
    began_there = any(f.at_us == middle for run in recorded.runs for f in run.frames)
    assert parts == whole + (on_screen if whole and frames(start, middle) and not began_there else 0)
