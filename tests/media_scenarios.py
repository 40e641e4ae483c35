"""Recorded scenarios, made once for all tests of a process, and the proof that a slice of one is exact."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from gatehouse_common.media.slicing import Slice
from gatehouse_common.testing.footage import Footage
from gatehouse_common.testing.scenarios import make_footage, shown_frames


class _Home:
    """A directory that goes with the test process."""

    def __init__(self) -> None:
        self.path = Path(mkdtemp(prefix="gatehouse-footage-"))

    def __del__(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


_home = _Home()


@cache
def footage(name: str) -> Footage:
    """Return the footage of a scenario."""
    root = _home.path / name.replace(" ", "-")
    root.mkdir()
    return make_footage(name, root)


def check_exact(recorded: Footage, piece: Slice, start_us: int, end_us: int) -> None:
    """Decode a slice with ``gaps=keep``, and compare each frame's number and time with what was recorded."""
    expected = recorded.shown(start_us, end_us)
    got = shown_frames(recorded.bytes_of(piece.file))
    assert [number for number, _ in got] == [f.number for f in expected]
    origin = expected[0].at_us
    for (_, seconds), frame in zip(got, expected, strict=True) if len(got) > 1 else ():  # ffmpeg misplaces a lone frame
        # A tick is 11 us, and the file's clock begins with a frame whose own time is rounded.
        assert abs(seconds * 1_000_000 - (frame.at_us - origin)) <= 25
    assert piece.start_us == origin
    assert piece.frames == len(expected)
