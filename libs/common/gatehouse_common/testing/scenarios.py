"""Footage in every shape that cameras send, and random ranges of it: for tests, and for benches of exactness."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av

from . import barcode
from .film import FilmSpec, frame_numbers, luma, make_film
from .footage import Footage, record_footage

START_US = 1_715_941_375_123_457
CHUNK_US = 3_000_000
GAP_US = 2_500_017

_FILM = FilmSpec(width=320, height=180, frames=240, gop=30, audio=True)
_SHORT = replace(_FILM, frames=120)
_LATER = replace(_FILM, frames=100, first=1000)

SCENARIOS: dict[str, tuple[FilmSpec, ...]] = {
    "h264": (_FILM,),
    "no audio": (replace(_FILM, audio=False),),
    "b-frames": (replace(_FILM, bframes=3),),
    "h265 open gop": (replace(_FILM, codec="hevc", bframes=3),),
    "vfr": (replace(_FILM, vfr=True, bframes=2),),
    "gap, other sps and size": (_SHORT, replace(_LATER, gop=24, bframes=2, width=480, height=270)),
    "codec change": (_SHORT, replace(_LATER, codec="hevc", bframes=3)),
    "mpeg4 part 2": (replace(_FILM, codec="mpeg4"),),
    "mpeg4 part 2, b-frames": (replace(_FILM, codec="mpeg4", bframes=2),),
    "jpegs": (replace(_FILM, codec="mjpeg", vfr=True),),
    "from h264 to mpeg4 to jpegs": (
        _SHORT,
        replace(_LATER, codec="mpeg4"),
        replace(_LATER, codec="mpeg4", width=480, height=270, first=2000),
        replace(_LATER, codec="mjpeg", first=3000),
    ),
    "growing, jpegs": (replace(_FILM, codec="mjpeg"),),
    "growing, b-frames": (replace(_FILM, bframes=3),),
    "growing, h265": (replace(_FILM, codec="hevc", frames=230, bframes=3),),
}
"""Each run's film; where there are two, a gap lies between them. What is growing is still being recorded."""


def make_footage(name: str, root: Path) -> Footage:
    """Record a scenario below ``root``; its films are ``film0.mp4`` and so on, its chunks lie in ``data``."""
    films: list[tuple[Path, int]] = []
    at_us = START_US
    for number, spec in enumerate(SCENARIOS[name]):
        film = make_film(root / f"film{number}.mp4", spec)
        films.append((film, at_us))
        at_us += round(frame_numbers(film)[-1][1] * 1_000_000) + 33_333 + GAP_US
    return record_footage(root / "data", films, chunk_us=CHUNK_US, leave_open=name.startswith("growing"))


def random_ranges(footage: Footage, count: int, seed: int) -> Iterator[tuple[int, int]]:
    """Yield ranges with footage in them; every third begins or ends within a microsecond of a frame."""
    rng = random.Random(seed)  # noqa: S311 - the same ranges every time
    frames = [f.at_us for run in footage.runs for f in run.frames]
    while count:
        start = rng.randrange(footage.start_us - 500_000, footage.end_us - 100_000)
        end = start + rng.choice((200_000, 1_000_000, 3_000_000, 9_000_000))
        if count % 3 == 0:
            start = rng.choice(frames) + rng.choice((-1, 0, 1))
            end = max(rng.choice((end, rng.choice(frames) + rng.choice((-1, 0, 1)))), start + 1)
        if footage.shown(start, end):
            count -= 1
            yield start, end


def shown_frames(film: bytes) -> list[tuple[int, float]]:
    """Return number and time of each frame of every video track, in the order of the tracks."""
    found: list[tuple[int, float]] = []
    track, tracks = 0, 1
    while track < tracks:
        with av.open(BytesIO(film), "r") as container:
            tracks = len(container.streams.video)
            stream = container.streams.video[track]
            scale = stream.time_base or Fraction(1)
            found += [(barcode.read(luma(f)), float((f.pts or 0) * scale)) for f in container.decode(stream)]
        track += 1
    return found
