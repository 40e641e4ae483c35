"""Transient messages on the wire: the message in a header, its body as the body."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatehouse_common.bus.port import Delivery
from gatehouse_common.errors import InvalidInput
from gatehouse_common.ids import new_id
from gatehouse_common.messages import Message, decode, encode

from .topology import routing_key

_MESSAGE, _BODY, _FROM, _NUMBER = "message", "body", "from", "number"


@dataclass(frozen=True, slots=True)
class Framed:
    """A message ready to be sent."""

    key: str
    headers: dict[str, Any]
    body: bytes


class Framer:
    """Numbers what one publisher sends of each type and camera, so that a reader can count what it missed."""

    def __init__(self) -> None:
        self._id = new_id()
        self._lock = threading.Lock()
        self._numbers: dict[str, int] = {}

    def frame(self, message: Message, body: bytes | memoryview | None) -> Framed:
        """Return a message with its body as it is sent."""
        key = routing_key(message)
        with self._lock:
            number = self._numbers[key] = self._numbers.get(key, 0) + 1
        headers = {_MESSAGE: encode(message), _BODY: body is not None, _FROM: self._id, _NUMBER: number}
        return Framed(key, headers, b"" if body is None else bytes(body))


class Unframer:
    """Reads what publishers sent, and counts the holes in their numbers."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], int] = {}
        self.dropped = 0

    def read(self, key: str, headers: Mapping[str, Any] | None, body: bytes) -> tuple[Delivery, int]:
        """Return what came, and how many are missing before it.

        Raises:
            InvalidInput: it is none of ours.
        """
        fields = headers or {}
        data, sender, number = fields.get(_MESSAGE), fields.get(_FROM), fields.get(_NUMBER)
        if isinstance(data, str):
            data = data.encode()
        if not isinstance(data, bytes) or not isinstance(sender, str) or not isinstance(number, int):
            raise InvalidInput("it has not the headers of a transient message")
        last = self._last.get((sender, key))
        self._last[sender, key] = number
        missing = max(0, number - last - 1) if last is not None else 0
        self.dropped += missing
        return Delivery(decode(data), body if fields.get(_BODY) else None), missing
