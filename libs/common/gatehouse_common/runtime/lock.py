"""One process per data directory."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from gatehouse_common.errors import Conflict, from_os_error


class DataLock:
    """Holds the data directory for this process; a killed holder's lock is gone with it.

    Raises:
        Conflict: another process holds it; the sentence names it.
        GatehouseError: the directory cannot be made or written.
    """

    def __init__(self, data_dir: Path) -> None:
        path = data_dir / "gatehouse.lock"
        try:
            data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise from_os_error(error, f"opening the data directory {data_dir}") from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._fd, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._fd)
            raise Conflict(
                f"the data directory {data_dir} is in use by process {holder}: stop it, or choose another with --data."
            ) from error
        except OSError as error:  # e.g. a network file system without locks
            os.close(self._fd)
            raise from_os_error(error, f"locking {path}") from error
        try:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            os.close(self._fd)
            raise from_os_error(error, f"writing {path}") from error

    def release(self) -> None:
        """Give the directory free."""
        os.close(self._fd)
