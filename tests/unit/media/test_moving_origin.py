"""The origin of a run is refined while a GOP is written: what is told of the GOP is by the origin known in the end."""

from __future__ import annotations

from pathlib import Path

from gatehouse_common.media.recorder import ChunkPolicy
from gatehouse_common.testing.film import FilmSpec, make_film
from gatehouse_common.testing.recording import Heard, film_samples, recorder_of

START_US = 1_715_941_380_000_000
SECOND = 1_000_000


def test_a_gop_does_not_end_before_it_begins(tmp_path: Path) -> None:
    """The first frame came three seconds late, as it may from a camera that bursts; the next ones show it."""
    film = make_film(tmp_path / "film.mp4", FilmSpec(frames=90, gop=30, width=160, height=96))
    init, samples = film_samples(film)
    heard = Heard()
    recorder = recorder_of(init, tmp_path, heard, start_us=START_US, policy=ChunkPolicy())
    for number, sample in enumerate(samples):
        if number == 20:
            recorder.origin_us = START_US - 3 * SECOND
        recorder.add(sample)
    recorder.close()
    begin = START_US - 3 * SECOND
    assert [(g.start_us, g.end_us) for g in heard.gops] == [
        (begin + k * SECOND, begin + (k + 1) * SECOND) for k in range(3)
    ]
