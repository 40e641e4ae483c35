"""Whatever is damaged in a file's boxes is told as damage: a scan ends where it is, or raises ``DataLoss``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gatehouse_common.errors import DataLoss
from gatehouse_common.media.adopt import adopt
from gatehouse_common.media.boxes import iter_boxes
from gatehouse_common.media.gops import gop_table, seal_scanned
from gatehouse_common.media.index_blob import encode_index
from gatehouse_common.media.salvage import cut_off, find_damage, split_off
from gatehouse_common.media.samples import ChunkMedia
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


OPEN = {
    "h264": FilmSpec(frames=150, gop=15, width=160, height=96),
    "sound": FilmSpec(frames=90, gop=30, width=160, height=96, audio=True),
    "jpegs": FilmSpec(codec="mjpeg", frames=30, width=160, height=96),
}
_CONTAINERS = {b"moof", b"traf"}


def types_of(data: bytes, start: int, end: int) -> Iterator[int]:
    """Where the types of boxes begin, those of boxes in boxes too."""
    for box in iter_boxes(data, start, end):
        yield box.start + 4
        if box.kind in _CONTAINERS:
            yield from types_of(data, box.payload, box.end)


def recovered(path: Path) -> list[ChunkMedia]:
    """What recovery keeps of an open file, as ``recovery.py`` does: damage is cut out, what is behind is a file."""
    kept: list[ChunkMedia] = []
    waiting: Path | None = path
    while waiting is not None:
        one, waiting = waiting, None
        damage = find_damage(one, "x")
        if damage is not None:
            if damage.end < damage.size:
                behind = split_off(one, "x", damage, lambda at: f"{at}.behind.mp4", path.parent)
                waiting = path.parent / behind.key
            cut_off(one, damage)
        try:
            kept.append(adopt(one, "x").media)
        except DataLoss:
            assert kept, "what stands before the damage is no damage"
    return kept


@pytest.mark.parametrize("name", OPEN)
def test_a_flipped_bit_of_a_box_type_costs_a_file_in_the_spool_its_gop_alone(name: str, tmp_path: Path) -> None:
    """S2-43: ``moof`` is one bit from ``moov``; what was recorded before and behind such a bit outlives the restart."""
    camera = record(tmp_path, (OPEN[name], 0), chunk_us=60_000_000, leave_open=True)
    path = tmp_path / camera.chunks[0].key
    whole, media = path.read_bytes(), camera.chunks[0]
    gops, first = gop_table(media.parts), int(media.parts.off[0])
    path.unlink()
    flips = [
        (at + byte, 1 << bit) for at in types_of(whole, first, len(whole)) for byte in range(4) for bit in range(8)
    ]
    headers = [(at, bit) for at, bit in flips if whole[at - 3 : at + 1] == b"moof" and bit == 0x10]
    home = tmp_path / "home"
    home.mkdir()
    for at, bit in flips[:: max(1, len(flips) // 700)] + headers:
        hit = int(np.searchsorted(gops.end, at, "right"))
        if hit == 0:
            continue
        changed = bytearray(whole)
        changed[at] ^= bit
        (home / "open.mp4").write_bytes(changed)
        kept = recovered(home / "open.mp4")
        before = int(gops.end[hit - 1])
        assert kept[0].indexed_bytes >= before, f"bit {bit:#x} of byte {at}"
        assert (home / "open.mp4").read_bytes()[:before] == whole[:before]
        frames = sum(len(one.video) for one in kept)
        assert frames >= len(media.video) - int(((media.video.off >= before) & (media.video.off < gops.end[hit])).sum())
        for file in home.iterdir():
            file.unlink()
