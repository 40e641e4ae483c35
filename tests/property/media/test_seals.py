"""The digests in a sample index are those of the bytes in the file, however it came to be closed."""

from __future__ import annotations

import hashlib
import random
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from gatehouse_common.errors import DataLoss
from gatehouse_common.media.adopt import adopt
from gatehouse_common.media.chunk_file import FileReader
from gatehouse_common.media.gops import seal_scanned
from gatehouse_common.media.index_blob import decode_index, decode_seal, encode_index
from gatehouse_common.media.run_box import index_of_box
from gatehouse_common.media.salvage import cut_off, find_damage, split_off
from gatehouse_common.media.scan import ChunkScanner
from gatehouse_common.media.seal import Seal, make_seal, unpack_seal
from gatehouse_common.media.stored import load_index
from gatehouse_common.storage import LocalStore
from gatehouse_common.testing.film import FilmSpec
from media_kit import FILMS, record

SMALL = FilmSpec(frames=150, width=160, height=96, gop=15)


def boxes(data: bytes) -> list[tuple[bytes, int, int]]:
    """The boxes of a file, by nothing but ISO/IEC 14496-12: another program's view of it."""
    found, at = [], 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        found.append((kind, at, at + size))
        at += size
    return found


def expected(data: bytes) -> tuple[bytes, list[bytes], bytes]:
    """``(head, digests of the GOPs, index)`` as docs/design/integrity.md says, from the bytes of a file alone."""
    gops: list[list[int]] = []
    head_end, index, last_mdat = 0, b"", 0
    for kind, start, end in boxes(data):
        if kind == b"prft":
            gops.append([start, end])
            head_end = head_end or start
        elif kind in {b"moof", b"mdat"}:
            gops[-1][1] = last_mdat = end
        elif kind == b"uuid" and last_mdat and end == len(data):
            index = data[start:end]
    digests = [hashlib.sha256(data[low:high]).digest() for low, high in [(0, head_end), *gops]]
    return digests[0], digests[1:], index


def seal_in(data: bytes) -> Seal:
    blob = index_of_box(expected(data)[2])
    assert blob is not None
    seal = decode_seal(blob, "x")
    assert seal is not None
    return seal


@pytest.mark.parametrize("name", FILMS)
def test_a_recorder_chains_the_digests_of_all_bytes_over_the_chunks_of_a_run(name: str, tmp_path: Path) -> None:
    """R5: a flipped bit is found by the digest, a missing chunk by the links."""
    camera = record(tmp_path, (FILMS[name], 0), chunk_us=2_000_000)
    assert len(camera.chunks) > 1
    link = hashlib.sha256(b"gatehouse chain 1\0" + camera.chunks[0].run_id.encode()).digest()
    for chunk in camera.chunks:
        data = (tmp_path / chunk.key).read_bytes()
        head, gops, _ = expected(data)
        seal = seal_in(data)
        assert (seal.previous, seal.head, list(seal.gops), seal.late) == (link, head, gops, 0)
        for digest in (head, *gops):
            link = hashlib.sha256(link + digest).digest()
        assert seal.last == link
        assert seal.is_chained
        between = [data[s + 8 : e] for kind, s, e in boxes(data)[3:-1] if kind == b"uuid"]
        assert [b[16:] for b in between] == gops[:-1], "the digest of a GOP stands behind it, for a crash to leave"


def test_a_chunk_torn_at_any_byte_is_sealed_as_what_is_left_of_it(tmp_path: Path) -> None:
    """S2-43: a recovered chunk has the digests of its bytes, and goes on with its run's chain."""
    camera = record(tmp_path, (SMALL, 0), chunk_us=3_000_000, leave_open=True)
    first, chunk = camera.chunks[0], camera.chunks[-1]
    before = seal_in((tmp_path / first.key).read_bytes())
    assert first.key != chunk.key
    whole = (tmp_path / chunk.key).read_bytes()
    starts = [s for kind, s, _ in boxes(whole) if kind == b"uuid"]
    rng = random.Random(3)
    cuts = {*rng.sample(range(len(whole)), 40), *(s + d for s in starts for d in (1, 8, 30, 56, 57)), len(whole)}
    for cut in sorted(cuts):
        torn = tmp_path / "torn.mp4"
        torn.write_bytes(whole[:cut])
        try:
            adopt(torn, "torn.mp4")
        except DataLoss:
            continue
        data = torn.read_bytes()
        head, gops, _ = expected(data)
        seal = seal_in(data)
        assert seal == make_seal(before.last, head, gops, late=1)
        assert find_damage(torn, "torn.mp4") is None
    assert len(gops) > 2


@pytest.mark.parametrize("cut", [0, 1, 20, 55, 56, 64])
def test_a_file_torn_in_a_digest_has_a_torn_end_and_no_damage(cut: int, tmp_path: Path) -> None:
    """S2-43."""
    camera = record(tmp_path, (SMALL, 0), chunk_us=60_000_000, leave_open=True)
    path = tmp_path / camera.chunks[0].key
    data = path.read_bytes()
    at = [s for kind, s, _ in boxes(data) if kind == b"uuid"][2]
    path.write_bytes(data[: at + cut])
    assert find_damage(path, camera.chunks[0].key) is None


def test_what_lies_behind_a_damage_begins_a_chain_of_its_own(tmp_path: Path) -> None:
    """S2-43: what a power cut left of a file is two chunks, and each is held to its own bytes."""
    camera = record(
        tmp_path, (FilmSpec(frames=180, width=160, height=96, gop=15), 0), chunk_us=60_000_000, leave_open=True
    )
    chunk = camera.chunks[0]
    path = tmp_path / chunk.key
    data = bytearray(path.read_bytes())
    middle = int(chunk.parts.off[5])
    data[middle : middle + 300] = bytes(300)
    path.write_bytes(data)
    damage = find_damage(path, chunk.key)
    assert damage is not None
    behind = split_off(path, chunk.key, damage, lambda at: f"{at}.mp4", tmp_path).key
    cut_off(path, damage)
    for key in (chunk.key, behind):
        adopt(tmp_path / key, key)
        found = (tmp_path / key).read_bytes()
        head, gops, _ = expected(found)
        start = hashlib.sha256(b"gatehouse chain 1\0" + chunk.run_id.encode()).digest()
        assert seal_in(found) == make_seal(start, head, gops, late=1)


def test_an_index_that_is_made_anew_from_an_object_has_the_same_seal(tmp_path: Path) -> None:
    camera = record(tmp_path, (SMALL, 0), chunk_us=60_000_000)
    chunk = camera.chunks[0]
    path = tmp_path / chunk.key
    data = path.read_bytes()
    _, gops, box = expected(data)
    path.write_bytes(data[: -len(box)])
    made = load_index(LocalStore(tmp_path), chunk.key)
    assert made.rescanned
    seal = decode_seal(made.blob, chunk.key)
    assert seal is not None
    assert (seal.gops, seal.last, seal.late) == (tuple(gops), seal_in(data).last, 1)


def test_a_file_without_digests_in_it_is_sealed_by_its_bytes(tmp_path: Path) -> None:
    """What was recorded before there were digests gets them when it is adopted."""
    camera = record(tmp_path, (SMALL, 0), chunk_us=60_000_000, leave_open=True)
    data = (tmp_path / camera.chunks[0].key).read_bytes()
    plain = b"".join(data[s:e] for kind, s, e in boxes(data) if kind != b"uuid" or e - s > 60)
    path = tmp_path / "plain.mp4"
    path.write_bytes(plain)
    reader = FileReader(path)
    scanner = ChunkScanner(reader, "plain.mp4")
    scanner.update()
    seal = seal_scanned(reader, scanner)
    reader.close()
    head, gops, _ = expected(plain)
    assert (seal.head, list(seal.gops), seal.late) == (head, gops, len(gops))


def version_1(blob: bytes) -> bytes:
    """The same index as it was before there were seals."""
    head, sealed = struct.unpack_from(">I", blob, 2)[0], struct.unpack_from(">I", blob, 6)[0]
    return struct.pack(">HI", 1, head) + blob[10 + sealed : -32]


def test_an_index_of_before_there_were_seals_is_read(tmp_path: Path) -> None:
    camera = record(tmp_path, (SMALL, 0))
    blob = encode_index(camera.chunks[0], make_seal(b"p" * 32, b"h" * 32, [b"g" * 32]))
    old = version_1(blob)
    assert zlib.decompress(old[6:])
    media = decode_index(old, camera.chunks[0].key)
    assert np.array_equal(media.video.off, camera.chunks[0].video.off)
    assert decode_seal(old, "x") is None
    assert decode_seal(encode_index(camera.chunks[0]), "x") is None


def test_no_flipped_bit_of_an_index_passes_its_checksum(tmp_path: Path) -> None:
    """R5."""
    camera = record(tmp_path, (SMALL, 0))
    seal = make_seal(b"p" * 32, b"h" * 32, [bytes([n]) * 32 for n in range(40)], late=3)
    blob = encode_index(camera.chunks[0], seal)
    assert decode_seal(blob, "x") == seal
    assert unpack_seal(seal.pack()) == seal
    rng = random.Random(4)
    for at in {*range(12), *rng.sample(range(len(blob)), 300), *range(len(blob) - 34, len(blob))}:
        damaged = bytearray(blob)
        damaged[at] ^= 1 << rng.randrange(8)
        if damaged[:2] == b"\0\1":
            continue  # version 1 has no checksum of its own: then the samples cannot be read
        with pytest.raises(DataLoss):
            decode_seal(bytes(damaged), "x")
