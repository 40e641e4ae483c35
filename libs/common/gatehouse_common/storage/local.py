"""Objects as files below a directory, the key being the path."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from gatehouse_common.errors import Conflict, DataLoss, NotFound, from_os_error

from . import keys
from .port import Capacity, ObjectInfo

PIECE_BYTES = 1 << 20


class LocalStore:
    """A store in a directory.

    A file is published by a second name for the same bytes (a hard link), which fails if the name is taken;
    where links are impossible it is copied. File and directory are synced before ``put_*`` returns.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def put_file(self, path: Path, key: str) -> ObjectInfo:
        """Make the finished file at ``path`` an object; the file stays where it is."""
        target = self._path(key)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _sync(path)
            try:
                os.link(path, target)
            except FileExistsError as error:
                raise Conflict(f"object {key} is already there") from error
            except OSError:
                self._copy(path, target, key)
            _sync(target.parent)
        except OSError as error:
            raise from_os_error(error, f"storing {key}") from error
        return self.stat(key)

    def put_bytes(self, key: str, data: bytes, *, overwrite: bool = False) -> ObjectInfo:
        """Make ``data`` an object."""
        target = self._path(key)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=".put-", dir=target.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).chmod(0o644)
                self._publish(Path(name), target, key, overwrite=overwrite)
            finally:
                Path(name).unlink(missing_ok=True)
            _sync(target.parent)
        except OSError as error:
            raise from_os_error(error, f"storing {key}") from error
        return self.stat(key)

    def open_range(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield a range in pieces of at most 1 MiB."""
        path = self._path(key)
        try:
            fd = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise from_os_error(error, f"reading {key}") from error
        return _pieces(fd, key, offset, length)

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return a range in one piece."""
        return b"".join(self.open_range(key, offset, length))

    def stat(self, key: str) -> ObjectInfo:
        """Return what is known of an object."""
        try:
            found = self._path(key).stat()
        except OSError as error:
            raise from_os_error(error, f"looking up {key}") from error
        return ObjectInfo(key, found.st_size, found.st_mtime_ns // 1000)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects whose keys begin with ``prefix``, sorted by key."""
        folder = self.root / prefix.rpartition("/")[0]
        try:
            found = sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith(".put-"))
        except OSError as error:
            raise from_os_error(error, f"listing {prefix}") from error
        for path in found:
            key = path.relative_to(self.root).as_posix()
            if key.startswith(prefix):
                try:
                    yield self.stat(key)
                except NotFound:  # deleted while we were listing
                    continue

    def delete(self, key: str) -> None:
        """Delete an object and the folders that it leaves empty."""
        path = self._path(key)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise from_os_error(error, f"deleting {key}") from error
        for folder in path.parents:
            if self.root in (folder, folder.parent):
                break
            try:
                folder.rmdir()
            except OSError:  # not empty, or already gone
                break

    def local_path(self, key: str) -> Path | None:
        """Return the file that holds the object."""
        return self._path(key)

    def capacity(self) -> Capacity:
        """Return the room of the file system below the root."""
        try:
            found = os.statvfs(self.root)
        except OSError as error:
            raise from_os_error(error, f"looking at {self.root}") from error
        inodes = found.f_favail if found.f_files else None
        return Capacity(found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize, inodes)

    def probe(self) -> None:
        """Write, read back and delete a small object."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise from_os_error(error, f"making {self.root}") from error
        key = f".probe-{os.getpid()}"
        data = os.urandom(4096)
        self.put_bytes(key, data, overwrite=True)
        found = self.read(key)
        self.delete(key)
        if found != data:
            raise DataLoss(f"{self.root} does not give back what was written to it")

    def _path(self, key: str) -> Path:
        return self.root / keys.validate(key)

    def _copy(self, path: Path, target: Path, key: str) -> None:
        handle, name = tempfile.mkstemp(prefix=".put-", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file, path.open("rb") as source:
                shutil.copyfileobj(source, file, PIECE_BYTES)
                file.flush()
                os.fsync(file.fileno())
            self._publish(Path(name), target, key, overwrite=False)
        finally:
            Path(name).unlink(missing_ok=True)

    @staticmethod
    def _publish(path: Path, target: Path, key: str, *, overwrite: bool) -> None:
        if overwrite:
            path.replace(target)
            return
        try:
            os.link(path, target)
        except FileExistsError as error:
            raise Conflict(f"object {key} is already there") from error
        except OSError as error:
            if target.exists():
                raise Conflict(f"object {key} is already there") from error
            path.rename(target)


def _pieces(fd: int, key: str, offset: int, length: int | None) -> Iterator[bytes]:
    left = length
    try:
        while left is None or left > 0:
            piece = os.pread(fd, PIECE_BYTES if left is None else min(left, PIECE_BYTES), offset)
            if not piece:
                if left is None:
                    return
                raise DataLoss(f"{key} ends {left} bytes before the end of the range")
            offset += len(piece)
            left = None if left is None else left - len(piece)
            yield piece
    except OSError as error:
        raise from_os_error(error, f"reading {key}") from error
    finally:
        os.close(fd)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
