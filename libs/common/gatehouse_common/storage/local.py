"""Objects as files below a directory, the key being the path."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from gatehouse_common.errors import (
    Conflict,
    DataLoss,
    GatehouseError,
    InvalidInput,
    NotFound,
    ResourceExhausted,
    from_os_error,
)
from gatehouse_common.ids import new_id

from . import keys
from .folders import in_folder, remove_empty, sync, sync_all
from .foreign import ForeignNames
from .local_draft import LocalDraft
from .port import Capacity, ObjectInfo
from .source import FileSource, Source

PIECE_BYTES = 1 << 20
_TEMPORARY = ".put-"
_COPIED_BYTES = 8 << 20


class LocalStore:
    """A store in a directory.

    A file is published by a second name for the same bytes (a hard link), which fails if the name is taken;
    where links are impossible it is copied under a temporary name first. File and directory are synced before
    ``put_*`` returns. A key that passes through a symbolic link is refused: the bytes would be somewhere else.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._foreign = ForeignNames()

    def put_file(self, path: Path, key: str, *, move: bool = False) -> ObjectInfo:
        """Make the finished file at ``path`` an object.

        Publishing the same file under the same key again is no conflict: a crash may have come after the link.
        """
        target = self._path(key)
        with _translated(f"storing {key}"):
            sync(path)
            try:
                in_folder(self.root, target.parent, lambda: os.link(path, target))
            except FileExistsError as error:
                if not target.samefile(path):
                    raise Conflict(f"object {key} is already there") from error
            except OSError:
                self._copy(path, target, key)
            sync(target.parent)
            if move:
                path.unlink()
        return self.stat(key)

    def put(self, source: Source, key: str) -> ObjectInfo:
        """Make a finished file an object: one of this machine by a second name, another by a copy of its bytes."""
        if isinstance(source, FileSource):
            return self.put_file(source.path, key)
        target = self._path(key)
        with _translated(f"storing {key}"):
            handle, name = self._temporary(target.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    _copy_all(source, file)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).chmod(0o644)
                self._publish(Path(name), target, key, overwrite=False)
            finally:
                Path(name).unlink(missing_ok=True)
            sync(target.parent)
        return self.stat(key)

    def put_bytes(
        self, key: str, data: bytes | memoryview, *, overwrite: bool = False, settled: bool = True
    ) -> ObjectInfo:
        """Make ``data`` an object; its bytes are durable before it has its name."""
        target = self._path(key)
        with _translated(f"storing {key}"):
            handle, name = self._temporary(target.parent)
            try:
                made = _write_durably(handle, data)
                self._publish(Path(name), target, key, overwrite=overwrite)
            finally:
                Path(name).unlink(missing_ok=True)
            if settled:
                sync(target.parent)
        return ObjectInfo(key, made.st_size, made.st_mtime_ns // 1000)

    def settle(self, stored: Sequence[str]) -> list[GatehouseError | None]:
        """Make the names of objects durable: one sync for all that are in the same folder."""
        told = sync_all([(self.root / keys.validate(key)).parent for key in stored])
        return [
            None if error is None else from_os_error(error, f"storing {key}")
            for key, error in zip(stored, told, strict=True)
        ]

    def grow(self, key: str) -> None:
        """Return None: a file is published by a second name, or copied when it is whole."""
        keys.validate(key)

    def draft(self, key: str) -> LocalDraft:
        """Return an empty file in the folder of ``key``."""
        target = self._path(key)
        with _translated(f"storing {key}"):
            handle, name = self._temporary(target.parent)
        return LocalDraft(handle, Path(name), self._publish_draft)

    def open_range(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield a range in pieces of at most 1 MiB."""
        if offset < 0 or (length is not None and length < 0):
            raise InvalidInput(f"range {offset}+{length} of {key} is not valid: both must be 0 or more")
        path = self._path(key)
        with _translated(f"reading {key}"):
            fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        pieces = _pieces(fd, key, offset, length)
        next(pieces)  # it now owns the descriptor: a generator that never ran closes nothing when dropped
        return pieces

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return a range in one piece."""
        return b"".join(self.open_range(key, offset, length))

    def stat(self, key: str) -> ObjectInfo:
        """Return what is known of an object."""
        path = self._path(key)
        with _translated(f"looking up {key}"):
            found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise NotFound(f"looking up {key}: it is no object")
        return ObjectInfo(key, found.st_size, found.st_mtime_ns // 1000)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects whose keys begin with ``prefix``, sorted by key."""
        folder = prefix.rpartition("/")[0]
        if folder:
            keys.validate(folder)
        with _translated(f"listing {prefix}"):
            found = sorted(
                path.relative_to(self.root).as_posix()
                for path in (self.root / folder).rglob("*")
                if path.is_file() and not path.is_symlink() and not path.name.startswith(_TEMPORARY)
            )
        for key in found:
            if not key.startswith(prefix) or self._foreign.has(key):
                continue
            try:
                yield self.stat(key)
            except NotFound:  # deleted while we were listing
                continue

    def delete(self, key: str) -> None:
        """Delete an object and the folders that it leaves empty."""
        remove_empty(self.root, {self._unlink(key)})

    def delete_many(self, keys: Sequence[str]) -> dict[str, str]:
        """Delete objects and the folders that they leave empty."""
        with _translated(f"deleting from {self.root}"):
            self.root.stat()
        refused: dict[str, str] = {}
        folders: set[Path] = set()
        for key in keys:
            try:
                folders.add(self._unlink(key))
            except GatehouseError as error:
                refused[key] = error.message
        remove_empty(self.root, folders)
        return refused

    def _unlink(self, key: str) -> Path:
        """Delete an object; return its folder."""
        path = self._path(key)
        with _translated(f"deleting {key}"):
            try:
                path.unlink(missing_ok=True)
            except NotADirectoryError:  # a part of the key is an object: so this key is none
                return self.root
        return path.parent

    def tidy(self, before_us: int) -> int:
        """Delete temporary files that a crash has left."""
        gone = 0
        with _translated(f"tidying {self.root}"):
            for path in self.root.rglob(f"{_TEMPORARY}*"):
                try:
                    if path.is_file() and path.lstat().st_mtime_ns // 1000 < before_us:
                        path.unlink()
                        gone += 1
                except FileNotFoundError:  # its writer is done with it
                    continue
        return gone

    def local_path(self, key: str) -> Path | None:
        """Return the file that holds the object."""
        return self._path(key)

    def redirect_url(self, key: str) -> None:
        """Return None: files have no URL of their own."""
        keys.validate(key)

    def capacity(self) -> Capacity:
        """Return the room of the file system below the root."""
        with _translated(f"looking at {self.root}"):
            found = os.statvfs(self.root)
        inodes = found.f_favail if found.f_files else None
        return Capacity(found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize, inodes)

    def probe(self) -> None:
        """Write, read back and delete a small object."""
        with _translated(f"making {self.root}"):
            self.root.mkdir(parents=True, exist_ok=True)
        key = f"{_TEMPORARY}probe-{new_id()}"  # of this call alone: health checks overlap
        data = os.urandom(4096)
        try:
            self.put_bytes(key, data, overwrite=True)
        except ResourceExhausted as error:
            room = self.capacity()
            what = "no file can be made, its inodes are used up" if room.free_inodes == 0 else "it is full"
            raise ResourceExhausted(
                f"{self.root}: {what} ({room.free} of {room.total} bytes free): {error.message}"
            ) from error
        try:
            found = self.read(key)
        finally:
            self.delete(key)
        if found != data:
            raise DataLoss(f"{self.root} does not give back what was written to it")

    def close(self) -> None:
        """Nothing is held open between calls."""

    def _publish_draft(self, path: Path, key: str) -> ObjectInfo:
        target = self._path(key)
        with _translated(f"storing {key}"):
            path.chmod(0o644)
            in_folder(self.root, target.parent, lambda: self._publish(path, target, key, overwrite=False))
            path.unlink(missing_ok=True)
            sync(target.parent)
        return self.stat(key)

    def _path(self, key: str) -> Path:
        below = path = f"{self.root}/{keys.validate(key)}"
        for _ in range(key.count("/") + 1):
            if os.path.islink(below):  # noqa: PTH114 - of each key that is written: a path of each is made for nothing
                raise InvalidInput(f"object key {key[:80]!r} passes through a symbolic link")
            below = below.rpartition("/")[0]
        return Path(path)

    def _temporary(self, folder: Path) -> tuple[int, str]:
        """Make a file that is no object yet; return its descriptor, and its path."""
        return in_folder(self.root, folder, lambda: tempfile.mkstemp(prefix=_TEMPORARY, dir=folder))

    def _copy(self, path: Path, target: Path, key: str) -> None:
        handle, name = self._temporary(target.parent)
        try:
            with os.fdopen(handle, "wb") as file, path.open("rb") as source:
                shutil.copyfileobj(source, file, PIECE_BYTES)
                file.flush()
                os.fsync(file.fileno())
            shutil.copystat(path, name)
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
            # A file system without links; its one writer is this process, so looking first is enough.
            if target.exists():
                raise Conflict(f"object {key} is already there") from error
            path.rename(target)


def _write_durably(handle: int, data: bytes | memoryview) -> os.stat_result:
    """Write all of a file that others may read, and close it; return what it is then.

    By the descriptor alone: what a file object asks of it before are three calls more, and threads that come back from
    a call wait for one another.
    """
    try:
        with memoryview(data) as left:
            at = 0
            while at < len(left):
                at += os.write(handle, left[at:])
        os.fchmod(handle, 0o644)
        os.fsync(handle)
        return os.fstat(handle)
    finally:
        os.close(handle)


def _pieces(fd: int, key: str, offset: int, length: int | None) -> Iterator[bytes]:
    left = length
    with _translated(f"reading {key}"):
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise NotFound(f"reading {key}: it is no object")
            yield b""
            while left is None or left > 0:
                piece = os.pread(fd, PIECE_BYTES if left is None else min(left, PIECE_BYTES), offset)
                if not piece:
                    if left is None:
                        return
                    raise DataLoss(f"{key} ends {left} bytes before the end of the range")
                offset += len(piece)
                left = None if left is None else left - len(piece)
                yield piece
        finally:
            os.close(fd)


def _copy_all(source: Source, file: IO[bytes]) -> None:
    size, at = source.size(), 0
    while at < size:
        piece = source.pread(at, min(_COPIED_BYTES, size - at))
        if not piece:
            raise DataLoss(f"{source.key} ends at {at}, before {size}")
        at += file.write(piece)


@contextmanager
def _translated(doing: str) -> Iterator[None]:
    try:
        yield
    except NotADirectoryError as error:
        raise NotFound(f"{doing}: there is no such object") from error
    except OSError as error:
        raise from_os_error(error, doing) from error
