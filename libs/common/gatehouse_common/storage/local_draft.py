"""A file that is written where it is going to be an object, piece by piece."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gatehouse_common.errors import DataLoss, from_os_error

from .port import ObjectInfo

_PIECE_BYTES = 8 << 20
_NOT_IN_THE_KERNEL = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF}


class LocalDraft:
    """A temporary file of a local store.

    Args:
        handle: its descriptor, owned from now on.
        path: its name.
        publish: makes the file of a name the object of a key.
    """

    def __init__(self, handle: int, path: Path, publish: Callable[[Path, str], ObjectInfo]) -> None:
        self._handle, self._path, self._publish = handle, path, publish

    def write(self, at: int, data: bytes) -> None:
        """Write bytes at an offset."""
        with _translated("writing a clip"):
            view = memoryview(data)
            while view:
                written = os.pwrite(self._handle, view, at)
                view, at = view[written:], at + written

    def copy(self, path: Path, offset: int, length: int, at: int) -> None:
        """Copy a range of a file of this machine to the offset ``at``, in the kernel where it can."""
        with _translated(f"reading {path.name}"):
            source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                while length > 0:
                    copied = self._copy_some(source, offset, length, at)
                    if copied == 0:
                        raise DataLoss(f"{path.name} ends {length} bytes before the end of the range")
                    offset, length, at = offset + copied, length - copied, at + copied
            finally:
                os.close(source)
            if hasattr(os, "posix_fadvise"):  # begins to write it out: so little is left to be waited for in the end
                os.posix_fadvise(self._handle, 0, 0, os.POSIX_FADV_DONTNEED)

    def publish(self, key: str) -> ObjectInfo:
        """Make it an object, durable when this returns."""
        with _translated(f"storing {key}"):
            os.fsync(self._handle)
        info = self._publish(self._path, key)
        self._close()
        return info

    def discard(self) -> None:
        """Delete it, if it has not become an object."""
        self._close()
        with _translated("deleting a draft"):
            self._path.unlink(missing_ok=True)

    def _copy_some(self, source: int, offset: int, length: int, at: int) -> int:
        if hasattr(os, "copy_file_range"):
            try:
                return os.copy_file_range(source, self._handle, length, offset, at)
            except OSError as error:
                if error.errno not in _NOT_IN_THE_KERNEL:
                    raise
        data = os.pread(source, min(length, _PIECE_BYTES), offset)
        self.write(at, data)
        return len(data)

    def _close(self) -> None:
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)


@contextmanager
def _translated(doing: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise from_os_error(error, doing) from error
