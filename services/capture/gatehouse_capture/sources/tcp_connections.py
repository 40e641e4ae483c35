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
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

_DESCRIPTORS = Path("/proc/self/fd")
_RECEIVED = struct.Struct("@Q")
_RECEIVED_AT = 128
"""Offset of ``tcpi_bytes_received`` in ``struct tcp_info`` (linux/tcp.h, since 4.1)."""


def addresses(host: str) -> frozenset[str]:
    """Return the addresses that a host has by its name, none if nobody knows it; may take as long as the resolver."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return frozenset()
    return frozenset(str(address[0]) for *_, address in found)


def received(hosts: Collection[str], port: int) -> dict[int, int]:
    """Return how many bytes each TCP connection of this process to a camera's port got, by its inode.

    Where there is none to the camera's addresses, it has sent us on to others (RFC 2326 section 10.10): those of all
    hosts are returned then.

    Args:
        hosts: the camera's addresses.
        port: its port.
    """
    theirs: dict[int, int] = {}
    others: dict[int, int] = {}
    for one, host in _connections(port):
        if (count := _count(one)) is not None:
            (theirs if host in hosts else others)[os.fstat(one.fileno()).st_ino] = count
    return theirs or others


def cut_slowest(hosts: Collection[str], port: int, before: dict[int, int], most_bytes: int) -> bool:
    """Shut down the connection to a camera's port that got least since ``before``; return whether there was one.

    Args:
        hosts: the camera's addresses; connections to others are left alone while there is one to them.
        port: its port.
        before: what :func:`received` told some time ago; connections that were not there then are left alone.
        most_bytes: a connection that got more than this is left alone.
    """
    slowest: tuple[int, int] | None = None
    for inode, count in received(hosts, port).items():
        grown = count - before.get(inode, -most_bytes - 1)
        if grown <= most_bytes and (slowest is None or grown < slowest[0]):
            slowest = grown, inode
    if slowest is None:
        return False
    for one, _ in _connections(port):
        if os.fstat(one.fileno()).st_ino == slowest[1]:
            with suppress(OSError):  # the camera may have closed it by now
                one.shutdown(socket.SHUT_RDWR)
    return True


def _connections(port: int) -> Iterator[tuple[socket.socket, str]]:
    """Yield each connection to ``port``, by a descriptor of its own that is closed afterwards, and to which address."""
    for entry in _DESCRIPTORS.iterdir() if _DESCRIPTORS.is_dir() else ():
        with suppress(OSError):  # closed meanwhile, or not connected
            if not stat.S_ISSOCK(os.fstat(int(entry.name)).st_mode):
                continue
            with socket.socket(fileno=os.dup(int(entry.name))) as one:
                if one.family in {socket.AF_INET, socket.AF_INET6} and (peer := one.getpeername())[1] == port:
                    yield one, peer[0]


def _count(one: socket.socket) -> int | None:
    with suppress(OSError, AttributeError):
        info = one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        if len(info) >= _RECEIVED_AT + _RECEIVED.size:
            return int(_RECEIVED.unpack_from(info, _RECEIVED_AT)[0])
    return None
