"""Chunk files as somebody would make them who can write to the disk, and not to the index."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace

from gatehouse_common.media.boxes import box
from gatehouse_common.media.gops import gop_table, seal_scanned
from gatehouse_common.media.index_blob import encode_index
from gatehouse_common.media.run_box import RUN_TYPE, build_digest_box, build_index_box, build_run_box
from gatehouse_common.media.scan import ChunkScanner
from gatehouse_common.media.seal import make_seal

Change = Callable[[list[bytes]], Sequence[bytes]]


class InMemory:
    """Bytes as a file that is scanned."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def size(self) -> int:
        return len(self._data)

    def pread(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]


def scanned(data: bytes) -> ChunkScanner:
    scanner = ChunkScanner(InMemory(data), "forged")
    scanner.update()
    return scanner


def gops_of(data: bytes) -> list[bytes]:
    """The bytes of each GOP of a chunk file."""
    table = gop_table(scanned(data).media().parts)
    return [data[int(off) : int(end)] for off, end in zip(table.off, table.end, strict=True)]


def another_film(data: bytes, change: Change, *, late: int = 0) -> bytes:
    """Another film with the beginning of a chunk file: digests, chain and index are right, each for itself."""
    begins = int(scanned(data).media().parts.off[0])
    body = data[:begins]
    gops = list(change(gops_of(data)))
    for n, gop in enumerate(gops):
        body += (build_digest_box(_digest(gops[n - 1])) if n else b"") + gop
    found = scanned(body)
    made = seal_scanned(InMemory(body), found)
    seal = make_seal(made.previous, made.head, made.gops, late)
    return body + build_index_box(encode_index(found.media(), seal))


def begun_anew(data: bytes, chunk: str | None = None) -> bytes:
    """The same film as the first of a chain, which it is not; under another id, if one is named."""
    found = scanned(data)
    info = found.info
    assert info is not None
    begins = int(found.media().parts.off[0])
    head = found.init + build_run_box(replace(info, previous=b"", chunk=chunk or info.chunk))
    return another_film(head + data[begins:], lambda gops: gops)


def of_before_digests(data: bytes) -> bytes:
    """The same footage as a version without digests recorded it: no link, none between GOPs, none in the index."""
    found = scanned(data)
    info = found.info
    assert info is not None
    since = [{"cause": cause, "since_us": at} for cause, at in info.interruptions]
    fields = {"camera": info.camera, "run": info.run, "chunk": info.chunk, "origin_us": info.origin_us}
    run_box = box(b"uuid", RUN_TYPE, json.dumps({**fields, "interruptions": since}).encode())
    body = found.init + run_box + b"".join(gops_of(data))
    return body + build_index_box(encode_index(scanned(body).media()))


def without_digests_in_index(data: bytes) -> bytes:
    """The same file with an index as of before there were digests; its chain and those between GOPs stay."""
    media = scanned(data).media()
    return data[: media.indexed_bytes] + build_index_box(encode_index(media))


def altered(gop: bytes) -> bytes:
    """A GOP in which one picture is another; its boxes are the same."""
    at = len(gop) - 20
    return gop[:at] + bytes([gop[at] ^ 0x55]) + gop[at + 1 :]


def _digest(gop: bytes) -> bytes:
    return hashlib.sha256(gop).digest()
