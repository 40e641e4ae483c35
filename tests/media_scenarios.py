"""Footage in every shape that cameras send, made once for all tests of a process, and what a slice of it must show."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import mkdtemp

import av

from gatehouse_common.media.slicing import Slice
from gatehouse_common.testing import barcode
from gatehouse_common.testing.film import FilmSpec, frame_numbers, luma, make_film
from gatehouse_common.testing.footage import Footage, record_footage

START_US = 1_715_941_375_123_457
CHUNK_US = 3_000_000
GAP_US = 2_500_017


def spec(**changes: object) -> FilmSpec:
    return FilmSpec(**({"width": 320, "height": 180, "frames": 240, "gop": 30, "audio": True} | changes))  # type: ignore[arg-type]


SCENARIOS: dict[str, tuple[FilmSpec, ...]] = {
    "h264": (spec(),),
    "no audio": (spec(audio=False),),
    "b-frames": (spec(bframes=3),),
    "h265 open gop": (spec(codec="hevc", bframes=3),),
    "vfr": (spec(vfr=True, bframes=2),),
    "gap, other sps and size": (
        spec(frames=120),
        spec(frames=100, gop=24, bframes=2, first=1000, width=480, height=270),
    ),
    "codec change": (spec(frames=120), spec(codec="hevc", frames=100, bframes=3, first=1000)),
    "growing, b-frames": (spec(frames=225, bframes=3),),
    "growing, h265": (spec(codec="hevc", frames=225, bframes=3),),
}


@cache
def footage(name: str) -> Footage:
    """Return the footage of a scenario."""
    root = _home.path / name.replace(" ", "-")
    root.mkdir()
    films: list[tuple[Path, int]] = []
    at = START_US
    for number, one in enumerate(SCENARIOS[name]):
        film = make_film(root / f"film{number}.mp4", one)
        films.append((film, at))
        at += round(frame_numbers(film)[-1][1] * 1_000_000) + 33_333 + GAP_US
    return record_footage(root / "data", films, chunk_us=CHUNK_US, leave_open=name.startswith("growing"))


_made: list[Path] = []


class _Home:
    """A directory that goes with the test process."""

    def __init__(self) -> None:
        self.path = Path(mkdtemp(prefix="gatehouse-footage-"))

    def __del__(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


_home = _Home()


def ranges(recorded: Footage, count: int, seed: int = 1) -> Iterator[tuple[int, int]]:
    """Yield random ranges with footage in them; every third begins or ends in the very microsecond of a frame."""
    rng = random.Random(seed)
    frames = [f.at_us for run in recorded.runs for f in run.frames]
    while count:
        start = rng.randrange(recorded.start_us - 500_000, recorded.end_us - 100_000)
        end = start + rng.choice((200_000, 1_000_000, 3_000_000, 9_000_000))
        if count % 3 == 0:
            start = rng.choice(frames) + rng.choice((-1, 0, 1))
            end = max(rng.choice((end, rng.choice(frames) + rng.choice((-1, 0, 1)))), start + 1)
        if recorded.shown(start, end):
            count -= 1
            yield start, end


def all_frames(data: bytes) -> list[tuple[int, float]]:
    """Return number and time of each frame of every video track, in the order of the tracks."""
    found: list[tuple[int, float]] = []
    track, tracks = 0, 1
    while track < tracks:
        with av.open(BytesIO(data)) as container:
            tracks = len(container.streams.video)
            stream = container.streams.video[track]
            found += [(barcode.read(luma(f)), float((f.pts or 0) * stream.time_base)) for f in container.decode(stream)]
        track += 1
    return found


def check_exact(recorded: Footage, piece: Slice, start_us: int, end_us: int) -> None:
    """Decode a slice with ``gaps=keep``, and compare each frame's number and time with what was recorded."""
    expected = recorded.shown(start_us, end_us)
    got = all_frames(recorded.bytes_of(piece.file))
    assert [number for number, _ in got] == [f.number for f in expected]
    origin = expected[0].at_us
    for (_, seconds), frame in zip(got, expected, strict=True) if len(got) > 1 else ():  # ffmpeg misplaces a lone frame
        # A tick is 11 us, and the file's clock begins with a frame whose own time is rounded.
        assert abs(seconds * 1_000_000 - (frame.at_us - origin)) <= 25
    assert piece.start_us == origin
    assert piece.frames == len(expected)
