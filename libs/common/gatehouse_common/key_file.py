"""Files that hold a key: made once, readable by their owner alone."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EOPNOTSUPP})


def make_key_file(path: Path, key: bytes) -> None:
    """Write a key into a new file; of two processes that do so at once both find the one that was first.

    Raises:
        OSError: it cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, fresh = tempfile.mkstemp(prefix=".key-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)
        except FileExistsError:
            return
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            Path(fresh).rename(path)  # exFAT and some network disks have no links; one process alone has this directory
    finally:
        Path(fresh).unlink(missing_ok=True)
