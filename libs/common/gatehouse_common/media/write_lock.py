"""Who writes a chunk file holds a lock on it: others see that it is being written, whatever its name and times say.

It is an ``flock`` of the open file: it works between processes and within one, ends with the process however that
ends, and costs two calls a chunk. The data directory is held by a lock of the same kind, so where there are chunk files
of a service there are locks.
"""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path

from gatehouse_common.errors import Conflict, Unavailable, from_os_error

_HELD = frozenset({errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES})


def hold(fd: int) -> None:
    """Mark an open file as being written, until it is closed; on a file system without locks nothing is marked.

    Whoever looks whether it is written holds it for that moment, which is waited for.
    """
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
    except OSError:  # a recorder as a library may write anywhere, and footage is worth more than the mark
        return


def close(fd: int) -> None:
    """Close an open file, which nobody writes any more.

    The lock is of the file as it was opened, which a child of the process has too until it is another program: it would
    hold it for as long.
    """
    try:
        with suppress(OSError):  # on a file system without locks there is none
            fcntl.flock(fd, fcntl.LOCK_UN)
    finally:
        os.close(fd)


def hold_alone(fd: int, key: str) -> None:
    """Mark an open file as being written, unless somebody else writes it.

    Raises:
        Unavailable: somebody does.
    """
    if not _taken(fd, fcntl.LOCK_EX):
        raise Unavailable(f"{key} is being written")


def is_written(path: Path) -> bool:
    """Return whether somebody is writing a chunk file now. A file that nobody writes is never begun again.

    Raises:
        NotFound: it is gone.
        GatehouseError: it cannot be opened.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise from_os_error(error, f"looking whether {path.name} is written") from error
    try:
        return not _taken(fd, fcntl.LOCK_SH)
    finally:
        os.close(fd)


def expect_unwritten(path: Path, key: str) -> None:
    """Return if nobody is writing a chunk file now.

    Raises:
        Conflict: somebody is: what it holds by now is not all that it will.
        NotFound: it is gone.
        GatehouseError: it cannot be opened.
    """
    if is_written(path):
        raise Conflict(f"{key} is being written")


def _taken(fd: int, kind: int) -> bool:
    """Take a lock if nobody else has it; on a file system without locks nobody has."""
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _HELD
    return True
