"""R3: no chunk file is a large part of a small disk; all other boundaries stay where the clock puts them."""

from __future__ import annotations

from pathlib import Path

from gatehouse_common.clock import SECOND
from gatehouse_common.media.chunk_file import FsyncPolicy
from gatehouse_common.media.recorder import ChunkPolicy
from gatehouse_common.testing.film import FilmSpec, frame_numbers, make_film
from gatehouse_common.testing.recording import Heard, film_samples, recorder_of

START_US = 1_715_941_380_000_000


def test_a_large_chunk_ends_at_the_next_keyframe(tmp_path: Path) -> None:
    init, samples = film_samples(make_film(tmp_path / "film.mp4", FilmSpec(frames=600, gop=15, width=160, height=96)))
    gop_bytes = max(
        sum(len(s.data) for s in samples[at : at + 15] if s.track == 0) for at in range(0, len(samples), 15)
    )
    limit = 3 * gop_bytes
    heard = Heard()
    recorder = recorder_of(
        init,
        tmp_path,
        heard,
        start_us=START_US,
        policy=ChunkPolicy(chunk_us=5 * SECOND, fsync=FsyncPolicy(None)),
        chunk_bytes=lambda: limit,
    )
    for sample in samples:
        recorder.add(sample)
    recorder.close()
    sizes = [size for *_, size in heard.closed]
    assert len(sizes) > 8, "the clock alone makes four or five"
    assert max(sizes) < limit + 2 * gop_bytes + 8192, "no chunk goes on for longer than to the next keyframe"
    starts = [start for _, start, _, _ in heard.closed]
    for boundary in range(START_US + 5 * SECOND, START_US + 20 * SECOND, 5 * SECOND):
        assert any(boundary <= start < boundary + SECOND // 2 for start in starts), "the clock's boundary is kept"
    shown = [n for key in heard.chunks for n, _ in frame_numbers(tmp_path / key)]
    assert shown == list(range(600))
