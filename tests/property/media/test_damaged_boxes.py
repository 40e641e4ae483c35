"""Whatever is damaged in a file's boxes is told as damage: a scan ends where it is, or raises ``DataLoss``."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatehouse_common.errors import DataLoss
from gatehouse_common.media.gops import seal_scanned
from gatehouse_common.media.index_blob import encode_index
from gatehouse_common.media.scan import ChunkScanner
from gatehouse_common.testing.film import FilmSpec
from media_kit import record

SMALL = {
    "h264": FilmSpec(frames=8, gop=4, width=160, height=96, audio=True),
    "hevc": FilmSpec(codec="hevc", frames=8, gop=4, width=160, height=96),
    "mpeg4": FilmSpec(codec="mpeg4", frames=8, gop=4, width=160, height=96),
}


class Bytes:
    """A file in memory."""

    def __init__(self, data: bytes | bytearray) -> None:
        self._data = bytes(data)

    def size(self) -> int:
        return len(self._data)

    def pread(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]


@pytest.mark.parametrize("name", SMALL)
def test_a_flipped_bit_in_the_boxes_is_damage_and_no_crash(name: str, tmp_path: Path) -> None:
    """R7: recovery, checks and verification read what a bad disk gives back."""
    path = tmp_path / record(tmp_path, (SMALL[name], 0)).chunks[0].key
    whole = path.read_bytes()
    boxes = whole.index(b"mdat") + 4
    read = 0
    for at in range(boxes):
        for bit in (0x80, 0x10, 0x01):
            changed = bytearray(whole)
            changed[at] ^= bit
            reader = Bytes(changed)
            scanner = ChunkScanner(reader, "x")
            try:
                scanner.update()
                media = scanner.media()
                assert media.end_us is not None
                read += bool(encode_index(media, seal_scanned(reader, scanner)))
            except DataLoss:
                continue
    assert 0 < read < 3 * boxes
