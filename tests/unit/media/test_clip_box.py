"""What a clip says of itself."""

from __future__ import annotations

import pytest

from gatehouse_common.errors import DataLoss
from gatehouse_common.ids import new_id
from gatehouse_common.media.boxes import box
from gatehouse_common.media.clip_box import ClipInfo, build_clip_box, read_clip_box
from gatehouse_common.media.film_facts import read_facts


class Bytes:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def size(self) -> int:
        return len(self._data)

    def pread(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]


INFO = ClipInfo(new_id(), "cam", (new_id(), new_id()), 5, 9, 4, 10, 6, 7, None, 11)
FILM = box(b"ftyp", b"isom") + box(b"moov", bytes(40)) + box(b"mdat", bytes(1000))


def test_what_is_written_is_read() -> None:
    """R5"""
    assert read_clip_box(Bytes(FILM + build_clip_box(INFO))) == INFO
    assert read_clip_box(Bytes(FILM)) is None
    assert read_clip_box(Bytes(b"")) is None


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_damage_is_told_or_nothing_is_said(cut: int) -> None:
    """R7: cut off, or with other bytes in it."""
    whole = FILM + build_clip_box(INFO)
    assert read_clip_box(Bytes(whole[:-cut])) is None
    broken = bytearray(whole)
    broken[-cut] = 0xFF
    assert said(bytes(broken)) != INFO


def said(data: bytes) -> ClipInfo | str | None:
    try:
        return read_clip_box(Bytes(data))
    except DataLoss as error:
        return error.message


@pytest.mark.parametrize("data", [b"", b"\0\0\0\7moov", FILM, box(b"mdat", bytes(99)), FILM[:30]])
def test_what_is_no_film_has_no_facts(data: bytes) -> None:
    with pytest.raises(DataLoss):
        read_facts(Bytes(data))
