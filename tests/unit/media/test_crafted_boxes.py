"""Boxes that somebody has made up, or that a flipped bit has changed: told as damage, at no cost, without a crash."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from gatehouse_common.errors import DataLoss
from gatehouse_common.ids import new_id
from gatehouse_common.media.boxes import U32, box
from gatehouse_common.media.chunk_file import FileReader
from gatehouse_common.media.clip_box import ClipInfo, build_clip_box, read_clip_box
from gatehouse_common.media.film_facts import read_facts
from gatehouse_common.media.index_blob import decode_index
from gatehouse_common.media.run_box import FOOTER_BYTES, RunInfo, build_run_box, parse_run_box
from gatehouse_common.media.slicing import slice_footage
from gatehouse_common.media.stored import index_at_end
from gatehouse_common.testing.film import FilmSpec
from media_kit import START_US, record

NESTED = "[" * 100_000 + "]" * 100_000
HEADER: dict[str, Any] = {
    "chunk": "c",
    "run": "r",
    "origin_us": START_US,
    "indexed_bytes": 0,
    "init_bytes": 0,
    "parts": 0,
    "tracks": [],
}


class Bytes:
    """A file in memory that counts what is read of it."""

    def __init__(self, data: bytes, size: int | None = None) -> None:
        self._data, self._size = data, len(data) if size is None else size
        self.most = 0

    def size(self) -> int:
        return self._size

    def pread(self, offset: int, length: int) -> bytes:
        self.most = max(self.most, length)
        gone = self._size - len(self._data)
        return self._data[max(0, offset - gone) : max(0, offset - gone + length)]


@pytest.mark.parametrize(
    "text",
    [
        NESTED,
        '"text"',
        "[]",
        "null",
        '{"interruptions": 7}',
        '{"interruptions": [], "camera": "c", "run": "r", "chunk": "x", "origin_us": 1e400}',
        '{"interruptions": [], "camera": "c", "run": "r", "chunk": "x", "origin_us": 1e300}',
        '{"interruptions": [], "camera": "c", "run": "r", "chunk": "x", "origin_us": 9e17}',
        '{"interruptions": [], "camera": "c", "run": "r", "chunk": "x", "origin_us": 1, "previous": 7}',
    ],
)
def test_a_run_box_that_says_what_cannot_be_is_damage(text: str) -> None:
    """R7: one such file must not end the check of all others, each night."""
    payload = build_run_box(RunInfo("c", "r", "x", 1))[8:24]
    with pytest.raises(DataLoss):
        parse_run_box(payload + text.encode())


def index_of(header: str) -> bytes:
    return struct.pack(">HI", 1, len(header)) + zlib.compress(header.encode())


@pytest.mark.parametrize(
    "header",
    [
        NESTED,
        "[]",
        json.dumps(HEADER | {"tracks": ["x"]}),
        json.dumps(HEADER | {"tracks": 7}),
        json.dumps(HEADER | {"parts": -1}),
        json.dumps(HEADER).replace(str(START_US), "1e400"),
        json.dumps(HEADER | {"origin_us": 1 << 70}),
    ],
)
def test_a_sample_index_that_says_what_cannot_be_is_damage(header: str) -> None:
    """R7."""
    with pytest.raises(DataLoss):
        decode_index(index_of(header), "x")
    assert decode_index(index_of(json.dumps(HEADER)), "x").run_id == "r"


CLIP = ClipInfo(new_id(), "cam", (new_id(),), 5, 9, 4, 10, 6, 7, None, 11)


@pytest.mark.parametrize(
    ("was", "said"),
    [
        ('"cam"', '"../../etc"'),
        ('"cam"', NESTED),
        ('"start_us":5', '"start_us":1e400'),
        ('"end_us":9', '"end_us":900000000000000000'),
        ('"created_us":11', '"created_us":"now"'),
    ],
)
def test_a_clip_box_that_says_what_cannot_be_is_damage(was: str, said: str) -> None:
    """R7: its words become a row of the index."""
    payload = build_clip_box(CLIP)[8:]
    assert was.encode() in payload
    with pytest.raises(DataLoss):
        read_clip_box(Bytes(box(b"uuid", payload.replace(was.encode(), said.encode(), 1))))


def test_the_last_bytes_of_a_file_cannot_make_gigabytes_be_read() -> None:
    """They say how long the index before them is, and may be anybody's."""
    for length in (0, 11, 35, 1 << 20, (64 << 20) + 1, 0xFFFFFFFF):
        reader = Bytes(bytes(1000) + U32.pack(length) + b"GHIX/1\0\0", size=8 << 30)
        assert index_at_end(reader) is None
        assert reader.most <= 24, "no more than where such a box would begin"
    assert FOOTER_BYTES == 12


@pytest.mark.parametrize("table", [b"stts", b"ctts"])
def test_a_flipped_bit_in_a_clips_tables_takes_no_memory(table: bytes, tmp_path: Path) -> None:
    """R7: a count of two billion samples is damage; sixteen gigabytes of memory would end the recorder."""
    camera = record(tmp_path, (FilmSpec(frames=60, gop=15, width=160, height=96, bframes=2), 0))
    cut = slice_footage(camera.chunks, START_US, START_US + 1_500_000)
    film = tmp_path / "clip.mp4"
    film.write_bytes(
        b"".join(piece if isinstance(piece, bytes) else read(tmp_path, piece) for piece in cut.file.pieces)
    )
    reader = FileReader(film)
    assert read_facts(reader).frames == cut.frames
    reader.close()
    data = film.read_bytes()
    at = data.index(table) + 12
    for bit in (0x80, 0x20, 0x01):
        changed = bytearray(data)
        changed[at] ^= bit
        with pytest.raises(DataLoss, match="ValueError"):
            read_facts(Bytes(bytes(changed)))


def read(root: Path, piece: Any) -> bytes:
    with (root / piece.key).open("rb") as file:
        file.seek(piece.offset)
        return file.read(piece.length)
