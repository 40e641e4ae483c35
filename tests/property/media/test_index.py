"""The sample index says what the file says, and damage to it is told and not believed."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_common.errors import DataLoss
from gatehouse_common.media.adopt import adopt, read_index
from gatehouse_common.media.index_blob import decode_index, encode_index
from gatehouse_common.media.reorder import Reorderer
from gatehouse_common.media.samples import ChunkMedia
from gatehouse_common.testing.film import FilmSpec, frame_numbers
from gatehouse_common.testing.recording import scan_file
from media_kit import FILMS, record


def same(a: ChunkMedia, b: ChunkMedia) -> bool:
    columns = ("dts", "dur", "cts", "size", "off", "sync")
    return (
        (a.chunk_id, a.run_id, a.origin_us, a.indexed_bytes, a.init_bytes)
        == (b.chunk_id, b.run_id, b.origin_us, b.indexed_bytes, b.init_bytes)
        and all(s.format == t.format for s, t in zip(a.tracks, b.tracks, strict=True))
        and all(
            np.array_equal(getattr(s, c), getattr(t, c))
            for s, t in zip(a.tracks, b.tracks, strict=True)
            for c in columns
        )
        and all(np.array_equal(getattr(a.parts, c), getattr(b.parts, c)) for c in ("off", "size", "dts", "end", "sync"))
    )


@pytest.mark.parametrize("name", FILMS)
def test_the_index_at_the_end_is_what_the_boxes_say(name: str, tmp_path: Path) -> None:
    camera = record(tmp_path, (FILMS[name], 0))
    for scanned in camera.chunks:
        stored = read_index(tmp_path / scanned.key, scanned.key)
        assert stored is not None
        assert same(stored, scanned)
        assert same(decode_index(encode_index(scanned), scanned.key), scanned)


def test_a_damaged_index_is_data_loss_and_never_believed(tmp_path: Path) -> None:
    camera = record(tmp_path, (FilmSpec(frames=60), 0))
    blob = encode_index(camera.chunks[0])
    rng = random.Random(1)
    for _ in range(300):
        damaged = bytearray(blob)
        damaged[rng.randrange(len(blob))] ^= 1 << rng.randrange(8)
        cut = bytes(damaged[: rng.randrange(len(blob))])
        for data in (bytes(damaged), cut):
            try:
                found = decode_index(data, "x")
            except DataLoss:
                continue
            assert isinstance(found, ChunkMedia)  # zlib's checksum lets nothing but unused header bits pass


def test_a_file_torn_at_any_byte_is_adopted_up_to_its_last_whole_part(tmp_path: Path) -> None:
    """S2-43: whatever a crash leaves, what is whole plays, and nothing else is in the index."""
    camera = record(tmp_path, (FilmSpec(frames=75, width=320, height=180, gop=15), 0), leave_open=True)
    key = camera.chunks[0].key
    whole = (tmp_path / key).read_bytes()
    ends = [int(o + s) for o, s in zip(camera.chunks[0].parts.off, camera.chunks[0].parts.size, strict=True)]
    rng = random.Random(2)
    cuts = sorted({*rng.sample(range(len(whole)), 120), *(e + d for e in ends for d in (-1, 0, 1, 8))})
    for cut in (c for c in cuts if c <= len(whole)):
        torn = tmp_path / "torn.mp4"
        tail = rng.choice((b"", b"\0" * 40, rng.randbytes(50)))
        if any(cut < e <= cut + len(tail) for e in ends):
            tail = b""  # it would fill the torn part up to its size
        torn.write_bytes(whole[:cut] + tail)
        expected = max((e for e in ends if e <= cut), default=None)
        if expected is None:
            with pytest.raises(DataLoss):
                adopt(torn, key)
            continue
        adopted = adopt(torn, key)
        assert adopted.media.indexed_bytes == expected
        assert not adopted.was_closed
        again = adopt(torn, key)
        assert again.was_closed
        assert again.size == adopted.size == torn.stat().st_size
    assert len(frame_numbers(torn)) == len(scan_file(tmp_path, "torn.mp4").video)


@given(st.lists(st.integers(0, 10_000), unique=True, max_size=60), st.integers(0, 6))
def test_decode_times_increase_and_no_sample_is_lost(pts: list[int], depth: int) -> None:
    order: Reorderer[int] = Reorderer(depth)
    out = [pair for p in pts for pair in order.push(p, p)]
    out += list(order.flush())
    assert [item for _, item in out] == pts
    assert all(a < b for (a, _), (b, _) in itertools.pairwise(out))


@given(st.permutations(range(40)), st.data())
def test_with_depth_enough_decode_times_are_the_sorted_presentation_times(
    order: list[int], data: st.DataObject
) -> None:
    depth = data.draw(st.integers(40, 50))
    reorderer: Reorderer[int] = Reorderer(depth)
    out = [pair for p in order for pair in reorderer.push(p, p)] + list(reorderer.flush())
    assert [dts for dts, _ in out] == sorted(order)


def test_damage_inside_a_closed_file_costs_itself_and_nothing_is_cut_off(tmp_path: Path) -> None:
    """The parts behind a damaged box are still good: the file keeps them, and its index finds them."""
    camera = record(tmp_path, (FilmSpec(frames=150, width=320, height=180, gop=15), 0))
    chunk = camera.chunks[0]
    path = tmp_path / chunk.key
    data = bytearray(path.read_bytes())
    middle = int(chunk.parts.off[len(chunk.parts) // 2])
    at = data.index(b"moof", middle)
    data[at : at + 4] = b"noof"
    path.write_bytes(data)
    adopted = adopt(path, chunk.key)
    assert adopted.was_closed
    assert path.read_bytes() == bytes(data)
    assert len(adopted.media.video) == len(chunk.video)
