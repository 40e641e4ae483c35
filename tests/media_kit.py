"""Recorded films for media tests: made once per test process, recorded as cameras would have sent them."""

from __future__ import annotations

import math
import random
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

from gatehouse_common.media.samples import ChunkMedia
from gatehouse_common.storage import LocalStore
from gatehouse_common.testing.film import FilmSpec, frame_numbers, make_film
from gatehouse_common.testing.recording import Heard, record_film, scan_file

START_US = 1_715_941_380_000_000

FILMS = {
    "h264": FilmSpec(),
    "b-frames": FilmSpec(bframes=3, audio=True),
    "hevc-open-gop": FilmSpec(codec="hevc", bframes=3, audio=True),
    "variable-rate": FilmSpec(vfr=True, frames=200),
}


class _Home:
    """A folder that goes with the test process."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="gatehouse-films-"))

    def __del__(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


_home = _Home()


@cache
def film(spec: FilmSpec) -> Path:
    """Return the film of a specification."""
    path = _home.path / f"{abs(hash(spec))}.mp4"
    return make_film(path, spec)


@cache
def truth(spec: FilmSpec) -> tuple[tuple[int, Fraction], ...]:
    """Return what a film shows: ``(frame number, seconds since its first frame)``, decoded from the film itself."""
    found = frame_numbers(film(spec))
    first = found[0][1]
    return tuple((number, Fraction(round((at - first) * 90_000), 90_000)) for number, at in found)


@dataclass(frozen=True)
class Recorded:
    """A recorded camera: its store, its chunks, and what must be on screen when."""

    store: LocalStore
    chunks: tuple[ChunkMedia, ...]
    shown: tuple[tuple[int, Fraction], ...]
    """``(frame number, wall time in microseconds)`` in order."""
    spans: tuple[tuple[Fraction, Fraction], ...]

    def expected(self, start_us: int, end_us: int) -> list[int]:
        """Return the numbers that a slice of ``[start_us, end_us)`` must show."""
        wanted: list[int] = []
        for begin, end in self.spans:
            # A frame's time is stated in whole microseconds, rounded, and ranges are cut by what is stated.
            frames = [(n, math.floor(at + Fraction(1, 2))) for n, at in self.shown if begin <= at < end]
            if start_us >= math.floor(end + Fraction(1, 2)) or end_us <= begin:
                continue
            on_screen = [at for _, at in frames if at <= start_us]
            first = on_screen[-1] if on_screen else begin
            wanted += [n for n, at in frames if first <= at < end_us]
        return wanted

    def random_ranges(self, count: int, seed: int) -> Iterator[tuple[int, int]]:
        """Yield ranges of half a second to nine, anywhere in the recording."""
        rng = random.Random(seed)
        low, high = int(self.spans[0][0]), int(self.spans[-1][1])
        for _ in range(count):
            start = rng.randrange(low, high - 600_000)
            yield start, min(high - 1, start + rng.choice((500_000, 2_000_000, 5_000_000, 9_000_000)))


def record(root: Path, *runs: tuple[FilmSpec, int], chunk_us: int = 4_000_000, leave_open: bool = False) -> Recorded:
    """Record runs of films, each beginning at its offset in microseconds."""
    chunks: list[ChunkMedia] = []
    shown: list[tuple[int, Fraction]] = []
    spans: list[tuple[Fraction, Fraction]] = []
    for spec, offset_us in runs:
        start = START_US + offset_us
        heard: Heard = record_film(film(spec), root, start_us=start, chunk_us=chunk_us, leave_open=leave_open)
        media = [scan_file(root, key) for key in heard.chunks]
        chunks += media
        end = Fraction(int((media[-1].video.pts + media[-1].video.dur).max()) * 1_000_000, 90_000)
        times = [(n, start + at * 1_000_000) for n, at in truth(spec) if at * 1_000_000 < end]
        shown += times
        spans.append((Fraction(start), start + end))
    return Recorded(LocalStore(root), tuple(chunks), tuple(shown), tuple(spans))
