"""What a detector and its reading processes say to each other: JSON with bytes behind it, over a pair of sockets.

Nothing that arrives is ever executed, so a picture that turns a reading process into something else gains no more than
that process.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Mapping
from typing import Any

from gatehouse_common.errors import DataLoss, Unavailable

_LENGTHS = struct.Struct(">II")
MOST_BODY = 64 << 20
_MOST_HEADER = 4 << 20
_PIECE = 1 << 20


class Channel:
    """One end. Used by one thread at a time.

    Args:
        connection: one of a pair of stream sockets.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def send(self, header: Mapping[str, Any], body: bytes | memoryview = b"", timeout_s: float | None = None) -> None:
        """Send a message.

        Raises:
            Unavailable: nobody takes it, or not in time.
        """
        told = json.dumps(header).encode()
        try:
            self._connection.settimeout(timeout_s)
            self._connection.sendall(_LENGTHS.pack(len(told), len(body)) + told)
            self._connection.sendall(body)
        except OSError as error:
            raise Unavailable(f"the other end does not take anything: {error}") from error

    def receive(self, timeout_s: float | None = None) -> tuple[dict[str, Any], bytes] | None:
        """Return the next message with its body; None: it did not come in time, and the channel is of no use any more.

        Raises:
            Unavailable: the other end is gone.
            DataLoss: what came is no message.
        """
        try:
            self._connection.settimeout(timeout_s)
            told, size = _LENGTHS.unpack(self._exactly(_LENGTHS.size))
            if told > _MOST_HEADER or size > MOST_BODY:
                raise DataLoss("the other end sent what is no message: it is too long")
            header = json.loads(self._exactly(told))
            body = self._exactly(size)
        except TimeoutError:
            return None
        except OSError as error:
            raise Unavailable(f"the other end is gone: {error}") from error
        except ValueError as error:
            raise DataLoss(f"the other end sent what is no message: {error}") from error
        if not isinstance(header, dict):
            raise DataLoss("the other end sent what is no message: it is no object")
        return header, body

    def close(self) -> None:
        """Close this end."""
        self._connection.close()

    def _exactly(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            piece = self._connection.recv(min(_PIECE, count - len(data)))
            if not piece:
                raise ConnectionResetError("it has closed its end")
            data += piece
        return bytes(data)
