"""Of any kind of footage: a flipped bit is always found, by the file alone, and nothing is found where none was."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatehouse_common.integrity.files import verify_files
from gatehouse_common.testing.film import FilmSpec
from media_kit import FILMS, record

KINDS = FILMS | {
    "jpegs": FilmSpec(codec="mjpeg", frames=60, width=160, height=96),
    "mpeg4": FilmSpec(codec="mpeg4", frames=60, gop=15, width=160, height=96),
    "one-gop": FilmSpec(frames=20, gop=60, width=160, height=96, audio=True),
}


@cache
def _files(name: str, root: Path) -> list[Path]:
    return [root / chunk.key for chunk in record(root, (KINDS[name], 0)).chunks]


@pytest.mark.parametrize("name", KINDS)
def test_healthy_footage_is_never_called_damaged(name: str, tmp_path: Path) -> None:
    """R5: nothing healthy is touched."""
    files = _files(name, tmp_path)
    read: list[int] = []
    report = verify_files(files, None, read.append)
    assert (report.damages, report.chunks, report.unsealed) == ([], len(files), 0)
    assert sum(read) == sum(path.stat().st_size for path in files)


@pytest.mark.parametrize("name", KINDS)
def test_a_flipped_bit_is_always_found_where_it_is(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """R5."""
    path = _files(name, tmp_path_factory.mktemp(name))[-1]
    whole = path.read_bytes()

    @settings(max_examples=120, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(at=st.integers(0, len(whole) - 1), bit=st.integers(0, 7))
    def flipped(at: int, bit: int) -> None:
        changed = bytearray(whole)
        changed[at] ^= 1 << bit
        path.write_bytes(changed)
        found = verify_files([path], None, lambda _bytes: None).damages
        assert any(d.start is not None and d.end is not None and d.start <= at < d.end for d in found)

    flipped()
    path.write_bytes(whole)
    assert verify_files([path], None, lambda _bytes: None).damages == []
