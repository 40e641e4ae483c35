"""How long the last frame of a run lasts: nobody tells, so as long as frames do, and never as a pause did (R9)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gatehouse_common.clock import SECOND
from gatehouse_common.media.recorder import ChunkPolicy, Sample
from gatehouse_common.testing.film import FilmSpec, make_film
from gatehouse_common.testing.recording import Heard, film_samples, recorder_of

START_US = 1_715_941_380_000_000
TICKS = 90_000


def ends_at(folder: Path, times: list[float]) -> float:
    """Record frames at so many seconds after the start, without a length of their own; return where that ends."""
    init, samples = film_samples(
        make_film(folder / "film.mp4", FilmSpec(frames=len(times), gop=1, width=160, height=96))
    )
    heard = Heard()
    recorder = recorder_of(init, folder, heard, start_us=START_US, policy=ChunkPolicy())
    video: list[Sample] = [s for s in samples if s.track == 0]
    for sample, at in zip(video, times, strict=True):
        recorder.add(replace(sample, pts=round(at * TICKS), dur=0))
    recorder.close()
    return (heard.closed[-1][2] - START_US) / SECOND


@pytest.mark.parametrize(
    ("times", "end"),
    [
        ([n / 5 for n in range(10)], 2.0),
        ([*(n / 25 for n in range(25)), 9.0], 9.04),  # it hung for eight seconds, sent one frame, and was gone
        ([*(n / 25 for n in range(25)), 9.0, 17.0], 25.0),  # twice in a row: so long do its frames last now
        ([*(n / 25 for n in range(25)), 1.0, 1.5, 2.0, 2.5], 3.0),  # it has become slower
    ],
)
def test_the_last_frame_lasts_as_long_as_frames_do(tmp_path: Path, times: list[float], end: float) -> None:
    assert ends_at(tmp_path, times) == pytest.approx(end, abs=0.002)
