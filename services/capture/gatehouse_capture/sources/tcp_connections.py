"""A way to end a read of libavformat's from another thread: the connection over which least comes is shut down.

libavformat's own ways out are an interrupt callback, which PyAV asks with the GIL held before each read of each RTP
packet, and the time limit of a read, which a camera that sends reports and no picture never exceeds. Nor does it show
its socket, and several cameras may be behind one address. A connection that carries pictures can be told from one that
does not by the bytes it receives (Linux, tcp(7) TCP_INFO; elsewhere nothing is done).
"""

from __future__ import annotations

import os
import socket
import stat
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_DESCRIPTORS = Path("/proc/self/fd")
_RECEIVED = struct.Struct("@Q")
_RECEIVED_AT = 128
"""Offset of ``tcpi_bytes_received`` in ``struct tcp_info`` (linux/tcp.h, since 4.1)."""


def received(port: int) -> dict[int, int]:
    """Return how many bytes each TCP connection of this process to ``port`` of any host got, by its inode."""
    return {os.fstat(one.fileno()).st_ino: count for one in _connections(port) if (count := _count(one)) is not None}


def cut_slowest(port: int, before: dict[int, int], most_bytes: int) -> bool:
    """Shut down the connection to ``port`` that got least since ``before``; return whether there was one.

    Args:
        port: the port of the other side.
        before: what :func:`received` told some time ago; connections that were not there then are left alone.
        most_bytes: a connection that got more than this is left alone.
    """
    slowest: tuple[int, int] | None = None
    for inode, count in received(port).items():
        grown = count - before.get(inode, -most_bytes - 1)
        if grown <= most_bytes and (slowest is None or grown < slowest[0]):
            slowest = grown, inode
    if slowest is None:
        return False
    for one in _connections(port):
        if os.fstat(one.fileno()).st_ino == slowest[1]:
            with suppress(OSError):  # the camera may have closed it by now
                one.shutdown(socket.SHUT_RDWR)
    return True


def _connections(port: int) -> Iterator[socket.socket]:
    """Yield each connection to ``port`` by a descriptor of its own, which is closed afterwards."""
    for entry in _DESCRIPTORS.iterdir() if _DESCRIPTORS.is_dir() else ():
        with suppress(OSError):  # closed meanwhile, or not connected
            if not stat.S_ISSOCK(os.fstat(int(entry.name)).st_mode):
                continue
            with socket.socket(fileno=os.dup(int(entry.name))) as one:
                if one.family in {socket.AF_INET, socket.AF_INET6} and one.getpeername()[1] == port:
                    yield one


def _count(one: socket.socket) -> int | None:
    with suppress(OSError, AttributeError):
        info = one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        if len(info) >= _RECEIVED_AT + _RECEIVED.size:
            return int(_RECEIVED.unpack_from(info, _RECEIVED_AT)[0])
    return None
