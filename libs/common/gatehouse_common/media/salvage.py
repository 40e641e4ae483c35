"""Damage inside a chunk file that was never closed: what lies behind it becomes a chunk file of its own.

A crash tears the end off, which costs the open part. Losing power can do more: blocks that were never written read
as zeros, with good parts behind them. A disk may not give back some of its sectors at all. What is good behind either
is found again by the ``prft`` box that every GOP begins with.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np

from gatehouse_common.errors import DataLoss, from_os_error
from gatehouse_common.ids import new_id

from .adopt import read_index
from .boxes import U32
from .chunk_file import FileReader
from .gops import gop_table
from .run_box import build_run_box
from .samples import VIDEO_TIMESCALE
from .scan import ChunkScanner
from .unread import PAGE, Patched

UNSAFE_S = 30
"""How much at the end of a file is looked at down to its samples: what may not have been forced to the disk."""

_PRFT = b"\0\0\0\x20prft\x01\0\0\0"
_PRFT_BYTES = 32
_BLOCK = 1 << 20
_PREFIXED = frozenset({"avc1", "hvc1"})


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes ``[start, end)`` of a chunk file are no parts; from ``end`` on, unless it is ``size``, there are GOPs."""

    start: int
    end: int
    size: int


@dataclass(frozen=True, slots=True)
class Behind:
    """What lies behind a damage: the key of the file that it has become, up to the next bytes that cannot be read."""

    key: str
    damage: Damage | None


def find_damage(path: Path, key: str) -> Damage | None:
    """Return the first damage of a chunk file that was not closed; None if it has at most a torn end.

    Raises:
        DataLoss: its beginning is damaged: it does not say what it is.
    """
    if read_index(path, key) is not None:
        return None
    reader = FileReader(path)
    try:
        scanner = ChunkScanner(reader, key, headers_only=True)
        is_read = _is_scanned(scanner)
        if scanner.info is None or not scanner.init:
            return None
        size, start = reader.size(), scanner.end
        if scanner.part_count:
            start = min(start, _sound_until(reader, scanner))
        around = Patched(reader, key)
        end = _next_gop(around, reader, start + 1, size)
        if is_read and end == size and _is_torn(around, start, size) and not around.unread:
            return None
        return Damage(start, end, size)
    finally:
        reader.close()


def _is_scanned(scanner: ChunkScanner) -> bool:
    """Scan a file as far as it can be read; return whether that is all of it.

    Raises:
        DataLoss: not so far that it says what it is.
    """
    try:
        scanner.update()
    except DataLoss:
        if scanner.info is None or not scanner.init:
            raise
        return False
    return True


def split_off(path: Path, key: str, damage: Damage, key_of: Callable[[int], str], root: Path) -> Behind:
    """Write what lies behind a damage, up to the next bytes that cannot be read, as another chunk of the same run.

    It is cut off behind its last whole part there: ``Behind.damage`` says what of the damaged file follows.

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
        scanner = ChunkScanner(reader, key, headers_only=True)
        _is_scanned(scanner)
        if scanner.info is None:
            raise ValueError("a file that does not say what it is cannot be split")
        # What lies between is lost, so its chain begins anew.
        info = replace(scanner.info, chunk=new_id(), origin_us=scanner.origin_us, previous=b"")
        head = scanner.init + build_run_box(info)
        fresh = path.with_suffix(".behind")
        try:
            with fresh.open("wb") as out:
                out.write(head)
                beyond = _copy(reader, out, damage.end, damage.size)
                out.flush()
                found = _scanned(fresh, key)
                further = None
                if beyond < damage.size:
                    whole = found.end_of_parts or len(head)
                    out.truncate(whole)  # what stands between its last part and there is kept with the damage
                    start = damage.end + whole - len(head)
                    end = _next_gop(Patched(reader, key), reader, beyond + 1, damage.size)
                    further = Damage(start, end, damage.size)
                os.fsync(out.fileno())
            new_key = key_of(found.media().start_us if found.part_count else scanner.origin_us)
            fresh.rename(root / new_key)
        except OSError as error:
            raise from_os_error(error, f"splitting {key}") from error
    finally:
        reader.close()
    return Behind(new_key, further)


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


def _scanned(path: Path, key: str) -> ChunkScanner:
    reader = FileReader(path)
    try:
        scanner = ChunkScanner(reader, key, headers_only=True)
        scanner.update()
        return scanner
    finally:
        reader.close()


def _copy(reader: FileReader, out: IO[bytes], at: int, end: int) -> int:
    """Copy bytes up to the first page that cannot be read; return where that is, ``end`` if all can."""
    length = _BLOCK
    while at < end:
        try:
            data = reader.pread(at, min(length, end - at))
        except DataLoss:
            if length <= PAGE:
                return at
            length = PAGE - at % PAGE  # page by page from here on: one of the next cannot be read
            continue
        if not data:
            return at
        at += out.write(data)
        length = _BLOCK if length == _BLOCK else PAGE
    return at


def _sound_until(reader: FileReader, scanner: ChunkScanner) -> int:
    """Return where the first part begins of which not all is as it should be, of those that are looked at.

    In the last ``UNSAFE_S`` that is each sample. What has no digest in the file will be read to get one: so whether it
    can be read is looked at, too.
    """
    media = scanner.media()
    video, parts = media.video, media.parts
    is_late = parts.end > parts.end[-1] - UNSAFE_S * VIDEO_TIMESCALE
    is_wanted = is_late.copy()
    gops = gop_table(parts)
    for off, end, digest in zip(gops.off, gops.end, [*scanner.digests, None], strict=False):
        if digest is None:
            is_wanted |= (parts.off >= off) & (parts.off < end)
    for part in np.flatnonzero(is_wanted):
        at, length = int(parts.off[part]), int(parts.size[part])
        try:
            data = reader.pread(at, length)
        except DataLoss:
            return at
        if video.format.codec not in _PREFIXED or not is_late[part]:
            continue
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


def _next_gop(around: Patched, reader: FileReader, at: int, size: int) -> int:
    """Return where the next whole part with a ``prft`` in front begins at or after ``at``, ``size`` if none does."""
    while at < size:
        block = around.pread(at, _BLOCK + len(_PRFT))
        found = block.find(_PRFT)
        if found < 0:
            at += _BLOCK
        elif _is_part(reader, at + found, size):
            return at + found
        else:
            at += found + 1
    return size


def _is_part(reader: FileReader, start: int, size: int) -> bool:
    """Whether a ``prft`` and all of a part stand somewhere, and can be read."""
    at = start + _PRFT_BYTES
    try:
        for kind in (b"moof", b"mdat"):
            head = reader.pread(at, 8)
            if len(head) < 8 or head[4:] != kind or U32.unpack_from(head)[0] < 8:
                return False
            at += U32.unpack_from(head)[0]
            if at > size:
                return False
        for k in range(start, at, _BLOCK):
            reader.pread(k, min(_BLOCK, at - k))
    except DataLoss:
        return False
    return True


def _is_torn(reader: Patched, start: int, size: int) -> bool:
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
