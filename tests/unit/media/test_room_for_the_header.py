"""Slices whose media begins at a given place, so that a longer one goes on where a shorter one ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatehouse_common.media.slicing import slice_footage
from gatehouse_common.testing.film import frame_numbers
from media_kit import FILMS, START_US, record

SECOND = 1_000_000


def boxes(data: bytes) -> list[tuple[bytes, int]]:
    """The boxes of a file, each with where it begins."""
    found, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        found.append((data[at + 4 : at + 8], at))
        at += int.from_bytes(data[at + 8 : at + 16], "big") if size == 1 else size
    assert at == len(data)
    return found


@pytest.mark.parametrize("kind", FILMS)
@pytest.mark.parametrize("room", [65536, 2048])
def test_the_same_pictures_wherever_the_media_begins(tmp_path: Path, kind: str, room: int) -> None:
    """S2-3: with room for the header, and with too little of it: then the header comes last."""
    recorded = record(tmp_path, (FILMS[kind], 0))
    start, end = START_US + SECOND // 3, START_US + 5 * SECOND
    plain = slice_footage(recorded.chunks, start, end)
    roomy = slice_footage(recorded.chunks, start, end, header_bytes=room)
    data = b"".join(roomy.file.read(recorded.store))
    names = [name for name, _ in boxes(data)]
    fits = len(plain.file.pieces[0]) <= room  # type: ignore[arg-type]
    assert names == ([b"ftyp", b"moov", b"free", b"mdat"] if fits else [b"ftyp", b"free", b"mdat", b"moov"])
    assert (roomy.frames, roomy.start_us, roomy.end_us) == (plain.frames, plain.start_us, plain.end_us)
    wanted = recorded.expected(start, end)
    assert [n for n, _ in frame_numbers(data)] == wanted
    assert [n for n, _ in frame_numbers(b"".join(plain.file.read(recorded.store)))] == wanted


@pytest.mark.parametrize("spare", range(12))
def test_a_room_that_just_fits(tmp_path: Path, spare: int) -> None:
    """A free box has eight bytes at least: with less to fill the header comes last."""
    recorded = record(tmp_path, (FILMS["h264"], 0))
    start, end = START_US, START_US + 2 * SECOND
    plain = slice_footage(recorded.chunks, start, end)
    header = plain.file.pieces[0]
    assert isinstance(header, bytes)
    roomy = slice_footage(recorded.chunks, start, end, header_bytes=len(header) + spare)
    data = b"".join(roomy.file.read(recorded.store))
    assert boxes(data)
    assert [n for n, _ in frame_numbers(data)] == recorded.expected(start, end)


def test_a_longer_slice_has_the_shorter_ones_media_in_its_place(tmp_path: Path) -> None:
    recorded = record(tmp_path, (FILMS["b-frames"], 0))
    short, long = (
        slice_footage(recorded.chunks, START_US + SECOND, START_US + s * SECOND, header_bytes=65536) for s in (3, 6)
    )
    first, second = (b"".join(one.file.read(recorded.store))[65536:] for one in (short, long))
    assert second.startswith(first)
    assert len(second) > len(first)
