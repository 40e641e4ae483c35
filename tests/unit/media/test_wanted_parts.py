"""A part ends where somebody waits for the footage, not only when it is long enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatehouse_common.media.recorder import ChunkPolicy
from gatehouse_common.testing.film import FilmSpec, make_film
from gatehouse_common.testing.recording import Heard, film_samples, recorder_of

START_US = 1_715_941_380_000_000
FRAME_US = 1_000_000 // 20
USUAL = [10, 20, 30, 40, 50, 60]


@pytest.mark.parametrize(
    ("wanted", "ends"),
    [
        (None, USUAL),
        (13, [10, 13, 20, 30, 40, 50, 60]),
        (13.5, [10, 14, 20, 30, 40, 50, 60]),  # the frame that is shown then is in it
        (20, USUAL),  # the part ends there anyhow
        (4, USUAL),  # told too late: it is written already
        (500, USUAL),
    ],
)
def test_the_open_part_ends_where_it_is_wanted(tmp_path: Path, wanted: float | None, ends: list[int]) -> None:
    """S2-4: a clip can be cut with the frame that ends it; no frame is in two parts, or in none."""
    film = make_film(tmp_path / "film.mp4", FilmSpec(frames=60, gop=20, fps=20, width=160, height=96))
    init, samples = film_samples(film)
    heard, told = Heard(), 0
    recorder = recorder_of(
        init, tmp_path, heard, start_us=START_US, policy=ChunkPolicy(part_us=500_000), wanted_us=lambda: told
    )
    for number, sample in enumerate(samples):
        if number == 11 and wanted is not None:
            told = START_US + round(wanted * FRAME_US)
        recorder.add(sample)
    recorder.close()
    assert [round((part.end_us - START_US) / FRAME_US) for part in heard.parts] == ends
    assert [part.start_us for part in heard.parts[1:]] == [part.end_us for part in heard.parts[:-1]]
    assert sum(part.frames for part in heard.parts) == 60
