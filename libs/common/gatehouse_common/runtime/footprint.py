"""What the process holds of memory, and what it costs to keep tidy, while it records for weeks."""

from __future__ import annotations

import ctypes
import gc
import platform

_M_MMAP_THRESHOLD = -3
_MMAP_BYTES = 256 << 10


def keep_small() -> None:
    """Settle the allocator and the garbage collector; called once, when everything is imported.

    glibc raises the size from which blocks are given back at once to that of the largest block ever freed (mallopt(3),
    M_MMAP_THRESHOLD): keyframes of many cameras then stay spread over the arenas of many threads, which doubled the
    memory of a process that records 32 cameras. Set by hand it stays where it is. Elsewhere nothing is done.

    Modules and what they made are not looked through again at every full collection (gc.freeze).
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _MMAP_BYTES)
    gc.collect()
    gc.freeze()
