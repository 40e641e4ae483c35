"""A clock that was set back dates footage twice: a cut gives both runs, one after the other."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from gatehouse_common.clock import SECOND
from gatehouse_common.media.slicing import slice_footage
from gatehouse_common.media.slicing.request import Gaps
from gatehouse_common.storage import LocalStore
from gatehouse_common.testing.film import FilmSpec, frame_numbers, make_film
from gatehouse_common.testing.recording import record_film, scan_file

START_US = 1_715_941_380_000_000
FPS = 10


@pytest.mark.parametrize("gaps", ["keep", "skip"])
@pytest.mark.parametrize("later_us", [0, 700_000, 3 * SECOND, 8 * SECOND])
def test_runs_that_overlap_are_shown_one_after_the_other(tmp_path: Path, gaps: Gaps, later_us: int) -> None:
    """R4: files of both change every two seconds; no frame of either is hidden, and none comes out of its order."""
    media = []
    for first, at_us in ((0, START_US), (500, START_US + later_us)):
        spec = FilmSpec(frames=12 * FPS, fps=FPS, gop=FPS, width=160, height=96, first=first)
        film = make_film(tmp_path / f"{first}.mp4", spec)
        heard = record_film(film, tmp_path / "data", start_us=at_us, chunk_us=2 * SECOND)
        media += [scan_file(tmp_path / "data", key) for key, *_ in heard.closed]
    wanted = START_US + 6 * SECOND, START_US + 10 * SECOND
    piece = slice_footage(media, *wanted, gaps=gaps)
    numbers = [n for n, _ in frame_numbers(b"".join(piece.file.read(LocalStore(tmp_path / "data"))))]
    late = later_us * FPS // SECOND
    begins = max(60 - late, 0) // FPS * FPS  # with the keyframe before: only what is first in a file can begin within
    one, other = list(range(60, 100)), list(range(500 + begins, 500 + 100 - late))
    both = {tuple(one + other), tuple(other + one)} if later_us == 0 else {tuple(one + other)}
    assert tuple(numbers) in both, [(a, b) for a, b in pairwise([0, *numbers, 0]) if b != a + 1]
