"""Damage inside a chunk file that was never closed: what lies behind it becomes a chunk file of its own.

A crash tears the end off, which costs the open part. Losing power can do more: blocks that were never written read
as zeros, with good parts behind them. Those are found again by the ``prft`` box that every GOP begins with.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gatehouse_common.errors import from_os_error
from gatehouse_common.ids import new_id

from .adopt import read_index
from .boxes import U32
from .chunk_file import FileReader
from .run_box import build_run_box
from .samples import VIDEO_TIMESCALE, ChunkMedia
from .scan import ChunkScanner

UNSAFE_S = 30
"""How much at the end of a file is looked at down to its samples: what may not have been forced to the disk."""

_PRFT = b"\0\0\0\x20prft\x01\0\0\0"
_BLOCK = 1 << 20
_PREFIXED = frozenset({"avc1", "hvc1"})


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes ``[start, end)`` of a chunk file are no parts; from ``end`` on, unless it is ``size``, there are GOPs."""

    start: int
    end: int
    size: int


def find_damage(path: Path, key: str) -> Damage | None:
    """Return the first damage of a chunk file that was not closed; None if it has at most a torn end.

    Raises:
        DataLoss: its beginning is damaged: it does not say what it is.
    """
    if read_index(path, key) is not None:
        return None
    reader = FileReader(path)
    try:
        scanner = ChunkScanner(reader, key)
        scanner.update()
        if scanner.info is None or not scanner.init:
            return None
        size, start = reader.size(), scanner.end
        if scanner.part_count:
            start = min(start, _sound_until(reader, scanner.media()))
        end = _next_gop(reader, start + 1, size)
        if end == size and _is_torn(reader, start, size):
            return None
        return Damage(start, end, size)
    finally:
        reader.close()


def split_off(path: Path, key: str, damage: Damage, key_of: Callable[[int], str], root: Path) -> str:
    """Write what lies behind a damage as another chunk of the same run; return its key.

    Args:
        path: the damaged file, which stays as it is.
        key: its key.
        damage: what ``find_damage`` found.
        key_of: gives the key of the new chunk by the wall time it starts at, microseconds UTC.
        root: the directory that keys are relative to.

    Raises:
        GatehouseError: the file system does not take it.
    """
    reader = FileReader(path)
    try:
        scanner = ChunkScanner(reader, key)
        scanner.update()
    finally:
        reader.close()
    if scanner.info is None:
        raise ValueError("a file that does not say what it is cannot be split")
    # What lies between is lost, so its chain begins anew.
    info = replace(scanner.info, chunk=new_id(), origin_us=scanner.origin_us, previous=b"")
    head = scanner.init + build_run_box(info)
    fresh = path.with_suffix(".behind")
    try:
        with fresh.open("wb") as out, path.open("rb") as whole:
            out.write(head)
            whole.seek(damage.end)
            shutil.copyfileobj(whole, out, _BLOCK)
            out.flush()
            os.fsync(out.fileno())
        new_key = key_of(_start_us(fresh, key, scanner.origin_us))
        fresh.rename(root / new_key)
    except OSError as error:
        raise from_os_error(error, f"splitting {key}") from error
    return new_key


def cut_off(path: Path, damage: Damage) -> None:
    """Cut a file off where its damage begins.

    Raises:
        GatehouseError: the file system does not take it.
    """
    try:
        with path.open("r+b") as file:
            file.truncate(damage.start)
            os.fsync(file.fileno())
    except OSError as error:
        raise from_os_error(error, f"cutting {path.name}") from error


def _start_us(path: Path, key: str, otherwise_us: int) -> int:
    reader = FileReader(path)
    try:
        scanner = ChunkScanner(reader, key)
        scanner.update()
        return scanner.media().start_us if scanner.part_count else otherwise_us
    finally:
        reader.close()


def _sound_until(reader: FileReader, media: ChunkMedia) -> int:
    """Return where the first part of the last ``UNSAFE_S`` begins whose samples are not what they should be."""
    video, parts = media.video, media.parts
    if video.format.codec not in _PREFIXED:
        return media.indexed_bytes
    for part in np.flatnonzero(parts.end > parts.end[-1] - UNSAFE_S * VIDEO_TIMESCALE):
        at, length = int(parts.off[part]), int(parts.size[part])
        data = reader.pread(at, length)
        for n in np.flatnonzero((video.off >= at) & (video.off < at + length)):
            first = int(video.off[n]) - at
            if not _is_sample(data, first, first + int(video.size[n])):
                return at
    return media.indexed_bytes


def _is_sample(data: bytes, at: int, end: int) -> bool:
    """Whether length-prefixed NAL units fill ``[at, end)`` exactly."""
    while at + 4 < end:
        length = U32.unpack_from(data, at)[0]
        if length == 0:
            return False
        at += 4 + length
    return at == end


def _next_gop(reader: FileReader, at: int, size: int) -> int:
    """Return where the next whole part with a ``prft`` in front begins at or after ``at``, ``size`` if none does."""
    while at < size:
        block = reader.pread(at, _BLOCK + len(_PRFT))
        found = block.find(_PRFT)
        if found < 0:
            at += _BLOCK
        elif _is_part(reader, at + found + 32, size):
            return at + found
        else:
            at += found + 1
    return size


def _is_part(reader: FileReader, at: int, size: int) -> bool:
    for kind in (b"moof", b"mdat"):
        head = reader.pread(at, 8)
        if len(head) < 8 or head[4:] != kind or U32.unpack_from(head)[0] < 8:
            return False
        at += U32.unpack_from(head)[0]
    return at <= size


def _is_torn(reader: FileReader, start: int, size: int) -> bool:
    """Whether a file's end is what a crash leaves: the beginning of a part, or zeros that were never written."""
    at = start
    for kind in (b"uuid", b"prft", b"moof", b"mdat"):
        head = reader.pread(at, 8)
        if len(head) < 8:
            return True
        if head[4:] == kind:
            at += U32.unpack_from(head)[0]
            if at > size:
                return True
    return not any(any(reader.pread(k, _BLOCK)) for k in range(start, size, _BLOCK))
