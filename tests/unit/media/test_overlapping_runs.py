"""Two runs that claim the same instants: the host's clock was set back between them."""

from __future__ import annotations

from pathlib import Path

from gatehouse_common.media.slicing import slice_footage
from gatehouse_common.testing.film import FilmSpec, make_film
from gatehouse_common.testing.footage import record_footage
from gatehouse_common.testing.scenarios import START_US, shown_frames

S = 1_000_000


def test_a_range_that_two_runs_claim_holds_both_and_hides_neither(tmp_path: Path) -> None:
    ahead = make_film(tmp_path / "ahead.mp4", FilmSpec(frames=60, bframes=2))
    true = make_film(tmp_path / "true.mp4", FilmSpec(frames=240, first=1000))
    footage = record_footage(tmp_path / "data", [(true, START_US), (ahead, START_US + 3 * S)])
    piece = slice_footage(footage.chunks, START_US, START_US + 8 * S)
    shown = [number for number, _ in shown_frames(footage.bytes_of(piece.file))]
    assert shown == [*range(1000, 1240), *range(60)]
    assert (piece.start_us, piece.end_us, piece.gaps) == (START_US, START_US + 8 * S, ())
    before = slice_footage(footage.chunks, START_US, START_US + 3 * S)
    assert [n for n, _ in shown_frames(footage.bytes_of(before.file))] == list(range(1000, 1090))
