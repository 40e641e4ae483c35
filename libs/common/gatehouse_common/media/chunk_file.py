"""The open chunk: one file, one writer, valid after every write."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gatehouse_common.clock import SECOND, Clock
from gatehouse_common.errors import GatehouseError, from_os_error

from . import write_lock
from .boxes import Buffer
from .gops import chained_to, gop_table, seal_scanned
from .index_blob import encode_index
from .run_box import RunInfo, build_index_box, build_run_box
from .scan import ChunkScanner
from .seal import Sealer

_IOV_MAX = 1000


@dataclass(frozen=True, slots=True)
class FsyncPolicy:
    """When the open chunk is forced to the disk: after every part, every so often, or when it is closed.

    Attributes:
        every_us: 0 after every part; None only at the end of the chunk; else at most this much is at stake.
    """

    every_us: int | None = 2 * SECOND


class FileReader:
    """Positioned reads of a local file.

    Raises:
        GatehouseError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._name = path.name
        try:
            self._file = path.open("rb", buffering=0)
        except OSError as error:
            raise from_os_error(error, f"reading {path.name}") from error

    def size(self) -> int:
        """Return how many bytes there are now.

        Raises:
            GatehouseError: the medium does not say.
        """
        try:
            return os.fstat(self._file.fileno()).st_size
        except OSError as error:
            raise from_os_error(error, f"reading {self._name}") from error

    def pread(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``; fewer only where the file ends.

        Raises:
            DataLoss: the medium cannot read them any more.
            GatehouseError: another error of the file system.
        """
        fd = self._file.fileno()
        try:
            data = os.pread(fd, length, offset)
            # In front of a page that cannot be read the system stops short, and says why when it is asked again.
            while len(data) < length and (more := os.pread(fd, length - len(data), offset + len(data))):
                data += more
        except OSError as error:
            raise from_os_error(error, f"reading {self._name}") from error
        return data

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class ChunkFile:
    """Writes one chunk file in the spool, and holds a lock on it for as long.

    Args:
        path: where; folders are made.
        init: the run's init segment.
        info: what the run box says.
        fsync: when to force it to the disk.
        clock: for the fsync policy.

    Raises:
        ResourceExhausted: from every method, when there is no room: the file then ends in its last whole part.
        GatehouseError: another error of the file system.
    """

    def __init__(self, path: Path, init: bytes, info: RunInfo, fsync: FsyncPolicy, clock: Clock) -> None:
        self.path = path
        self._fsync = fsync
        self._clock = clock
        self._synced_us = clock.monotonic_us()
        self.size = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise from_os_error(error, f"opening a chunk file of {info.camera}") from error
        write_lock.hold(self._fd)
        head = [init, build_run_box(info)]
        self._sealer = Sealer(chained_to(info), head)
        try:
            self._write(head)
        except GatehouseError:
            os.close(self._fd)
            path.unlink(missing_ok=True)
            raise

    @property
    def last_link(self) -> bytes:
        """The link that the next chunk of the run is chained to."""
        return self._sealer.seal().last

    def append(self, buffers: Sequence[Buffer], *, begins_gop: bool) -> int:
        """Append a whole part by one system call; return the offset it begins at.

        In front of one that begins a GOP stands the digest of the GOP before.
        """
        before = self._sealer.begin_gop() if begins_gop else b""
        at = self.size + len(before)
        self._write([before, *buffers] if before else buffers)
        self._sealer.add(buffers)
        every = self._fsync.every_us
        if every is not None:
            now = self._clock.monotonic_us()
            if now - self._synced_us >= every:
                self._sync()
                self._synced_us = now
        return at

    def close(self, key: str) -> int:
        """Append the sample index, force everything to the disk, close; return the file's size.

        A file that cannot take its index any more is closed without: the index can be made again from it.
        """
        try:
            reader = FileReader(self.path)
            try:
                scanner = ChunkScanner(reader, key)
                scanner.update()
                if scanner.part_count:
                    self._write([self._index_box(reader, scanner)])
            finally:
                reader.close()
            self._sync()
        finally:
            write_lock.close(self._fd)
        return self.size

    def abandon(self) -> None:
        """Close the file as it is."""
        write_lock.close(self._fd)

    def _index_box(self, reader: FileReader, scanner: ChunkScanner) -> bytes:
        media, seal = scanner.media(), self._sealer.seal()
        if len(seal.gops) != len(gop_table(media.parts)):  # somebody else has changed the file: say what is there
            seal = seal_scanned(reader, scanner)
        return build_index_box(encode_index(media, seal))

    def _sync(self) -> None:
        try:
            os.fdatasync(self._fd)
        except OSError as error:
            raise from_os_error(error, f"forcing {self.path.name} to the disk") from error

    def _write(self, buffers: Sequence[Buffer]) -> None:
        wanted = sum(len(b) for b in buffers)
        try:
            for i in range(0, len(buffers), _IOV_MAX):
                some = buffers[i : i + _IOV_MAX]
                written = os.writev(self._fd, some)
                # A short write is how a nearly full disk begins to say so; the rest tells its reason.
                rest = b"".join(bytes(b) for b in some)[written:] if written < sum(map(len, some)) else b""
                while rest:
                    rest = rest[os.write(self._fd, rest) :]
        except OSError as error:
            self._cut_back()
            raise from_os_error(error, f"writing {self.path.name}") from error
        self.size += wanted

    def _cut_back(self) -> None:
        """Take back a write that failed, if the file system still lets us; adoption finds its torn end otherwise."""
        with suppress(OSError):
            os.ftruncate(self._fd, self.size)
            os.lseek(self._fd, self.size, os.SEEK_SET)
