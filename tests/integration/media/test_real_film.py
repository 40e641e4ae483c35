"""A film from a real camera: recorded and cut, every picture of every cut is bit for bit the film's own."""

from __future__ import annotations

import hashlib
import io
import math
import os
import random
from fractions import Fraction
from pathlib import Path

import av
import pytest

from gatehouse_common.media.slicing import slice_footage
from gatehouse_common.storage import LocalStore
from gatehouse_common.testing.recording import record_film, scan_file

START_US = 1_715_941_380_000_000


def pictures(source: str | io.BytesIO) -> list[tuple[str, Fraction]]:
    """Return a digest of each picture, and its time in seconds since the first."""
    with av.open(source, "r") as container:
        stream = container.streams.video[0]
        found = [
            (hashlib.sha256(b"".join(bytes(p) for p in f.planes)).hexdigest(), f.pts * stream.time_base)
            for f in container.decode(stream)
        ]
    return [(digest, at - found[0][1]) for digest, at in found]


def test_cuts_of_a_real_film_are_its_own_pictures(tmp_path: Path) -> None:
    data = os.environ.get("GATEHOUSE_TEST_DATA")
    if not data:
        pytest.skip("GATEHOUSE_TEST_DATA names no folder with films")
    film = Path(data) / "video" / "car-detection.mp4"
    whole = pictures(str(film))
    heard = record_film(film, tmp_path, start_us=START_US, chunk_us=10_000_000)
    assert len(heard.chunks) >= 3
    chunks = [scan_file(tmp_path, key) for key in heard.chunks]
    store = LocalStore(tmp_path)
    times = [START_US + math.floor(at * 1_000_000 + Fraction(1, 2)) for _, at in whole]
    rng = random.Random(4)
    for _ in range(6):
        start = rng.randrange(START_US, times[-1] - 4_000_000)
        end = start + rng.randrange(500_000, 4_000_000)
        first = max(t for t in times if t <= start)
        wanted = [digest for (digest, _), t in zip(whole, times, strict=True) if first <= t < end]
        piece = slice_footage(chunks, start, end)
        assert [digest for digest, _ in pictures(io.BytesIO(b"".join(piece.file.read(store))))] == wanted
