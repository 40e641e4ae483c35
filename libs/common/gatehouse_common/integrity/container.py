"""The zip file of an export: entries one after the other, not compressed, each byte of it determined.

Because no byte is left to chance, whoever knows the entries knows the whole file, and a flipped bit between them is
found as one inside is. Format: PKWARE's APPNOTE 6.3.10; entries or offsets of 4 GiB and more take the Zip64 fields.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from gatehouse_common.errors import DataLoss
from gatehouse_common.timefmt import to_datetime

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")
_END = struct.Struct("<4s4H2IH")
_FULL = 0xFFFFFFFF
_PLAIN, _ZIP64 = 20, 45
_BY_UNIX = 3 << 8
_READABLE = 0o100644 << 16


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in the container: its name (ASCII), its size in bytes and its CRC-32."""

    name: str
    size: int
    crc: int


def local_header(entry: Entry, made_us: int) -> bytes:
    """Return what stands in front of an entry's bytes; its length does not depend on size or CRC below 4 GiB."""
    name = entry.name.encode("ascii")
    large = entry.size >= _FULL
    extra = struct.pack("<2H2Q", 1, 16, entry.size, entry.size) if large else b""
    size = _FULL if large else entry.size
    version = _ZIP64 if large else _PLAIN
    fixed = _LOCAL.pack(b"PK\3\4", version, 0, 0, *_dos(made_us), entry.crc, size, size, len(name), len(extra))
    return fixed + name + extra


def directory(entries: Sequence[Entry], made_us: int) -> bytes:
    """Return what stands behind the entries: the central directory and its end."""
    at, records = 0, b""
    for entry in entries:
        records += _record(entry, at, made_us)
        at += len(local_header(entry, made_us)) + entry.size
    count, size = len(entries), len(records)
    tail = b""
    if at >= _FULL:
        tail = _END64.pack(b"PK\6\6", 44, _BY_UNIX | _ZIP64, _ZIP64, 0, 0, count, count, size, at)
        tail += _LOCATOR.pack(b"PK\6\7", 0, at + size, 1)
    return records + tail + _END.pack(b"PK\5\6", 0, 0, count, count, size, min(at, _FULL), 0)


def _record(entry: Entry, at: int, made_us: int) -> bytes:
    name = entry.name.encode("ascii")
    size, offset = min(entry.size, _FULL), min(at, _FULL)
    extra = struct.pack("<2Q", entry.size, entry.size) if size == _FULL else b""
    extra += struct.pack("<Q", at) if offset == _FULL else b""
    if extra:
        extra = struct.pack("<2H", 1, len(extra)) + extra
    version = _ZIP64 if extra else _PLAIN
    fields = b"PK\1\2", _BY_UNIX | version, version, 0, 0, *_dos(made_us), entry.crc, size, size
    return _CENTRAL.pack(*fields, len(name), len(extra), 0, 0, 0, _READABLE, offset) + name + extra


def read_entries(front: bytes, at: int = 0) -> tuple[str, int, int]:
    """Return name, offset of the bytes, and size of the entry whose local header begins at ``at``.

    Raises:
        DataLoss: there is none.
    """
    try:
        fixed = _LOCAL.unpack_from(front, at)
        name_at = at + _LOCAL.size
        name = front[name_at : name_at + fixed[9]].decode("ascii")
        size = fixed[7]
        if size == _FULL:
            kind, _, size, _ = struct.unpack_from("<2H2Q", front, name_at + fixed[9])
            if kind != 1:
                raise DataLoss("an entry of the export does not say how long it is")
    except (struct.error, UnicodeDecodeError) as error:
        raise DataLoss("it is no zip file, or cut off") from error
    if fixed[0] != b"PK\3\4":
        raise DataLoss("it is no zip file, or damaged at its beginning")
    return name, name_at + fixed[9] + fixed[10], size


def frame(entries: Sequence[Entry], made_us: int) -> Iterator[tuple[int, bytes]]:
    """Yield every byte of the file that is not of an entry: ``(offset, bytes)``, by offset."""
    at = 0
    for entry in entries:
        header = local_header(entry, made_us)
        yield at, header
        at += len(header) + entry.size
    yield at, directory(entries, made_us)


def _dos(made_us: int) -> tuple[int, int]:
    """Return time and date of MS-DOS, in UTC, to two seconds: the only form that every reader of zip files knows."""
    moment: datetime = to_datetime(made_us)
    year = min(max(moment.year, 1980), 2107)
    time = moment.hour << 11 | moment.minute << 5 | moment.second // 2
    return time, (year - 1980) << 9 | moment.month << 5 | moment.day
