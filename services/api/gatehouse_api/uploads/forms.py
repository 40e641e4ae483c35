"""Files in forms (multipart/form-data, RFC 7578), read while they come: little of them is kept in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from gatehouse_common.errors import InvalidInput, TooLarge

from .slices import Body

T = TypeVar("T")

_READ_BYTES: Final = 64 << 10
_MOST_FIELD_BYTES, _MOST_PARTS = 16 << 10, 20
_MOST_KEPT: Final = 1 << 20
"""What stands before the first part, in the head of one, or behind the last is kept until its end."""


class FormFile:
    """The file in a form that is being read: fields before it are known, those after it when it has been read.

    Raises:
        InvalidInput: the request has no form with such a file, or is torn.
        TooLarge: it has too many parts, or a mebibyte where there is no file.
    """

    def __init__(self, name: str) -> None:
        boundary = request.mimetype_params.get("boundary", "").encode("utf-8", "surrogateescape")
        if request.mimetype != "multipart/form-data" or not boundary:
            raise InvalidInput("send the file as multipart/form-data.", name)
        self._stream: Body = request.stream
        self._decoder = MultipartDecoder(boundary, _MOST_KEPT, max_parts=_MOST_PARTS)
        self._has_ended, self._rest = False, b""
        self.fields: dict[str, str] = {}
        found = self._until(lambda event: event if isinstance(event, File) and event.name == name else None)
        if found is None:
            raise InvalidInput(f"there is no file {name!r} in the form.", name)
        self.filename = found.filename or ""
        self.content_type = str(found.headers.get("Content-Type", ""))

    def read(self, size: int = -1, /) -> bytes:
        """Return some bytes of the file, none at its end.

        Raises:
            ClientDisconnected: the connection broke off.
            InvalidInput: the form is torn.
            TooLarge: as when it was begun.
        """
        while not self._rest and not self._has_ended:
            event = self._next()
            if isinstance(event, Data):
                self._has_ended, self._rest = not event.more_data, bytes(event.data)
            else:
                self._has_ended = True
        taken = self._rest if size < 0 else self._rest[:size]
        self._rest = self._rest[len(taken) :]
        return taken

    def finish(self) -> None:
        """Read what comes after the file: fields."""
        self._until(lambda _event: None)

    def _until(self, wanted: Callable[[Event], T | None]) -> T | None:
        """Read on until something is wanted; fields on the way are kept."""
        field, text = "", b""
        while not isinstance(event := self._next(), Epilogue):
            found = wanted(event)
            if found is not None:
                return found
            if isinstance(event, Field | File):
                field, text = (event.name if isinstance(event, Field) else ""), b""
            elif isinstance(event, Data) and field:
                text += event.data
                if len(text) > _MOST_FIELD_BYTES:
                    raise InvalidInput(f"{field[:40]} is too long.", field[:40])
                self.fields[field] = text.decode("utf-8", "replace")
        return None

    def _next(self) -> Event:
        try:
            while isinstance(event := self._decoder.next_event(), NeedData):
                self._decoder.receive_data(self._stream.read(_READ_BYTES) or None)
        except RequestEntityTooLarge as error:
            raise TooLarge(
                f"the form has more than {_MOST_PARTS} parts, or {_MOST_KEPT} bytes that are no file."
            ) from error
        except ValueError as error:
            raise InvalidInput(f"the form cannot be read: {error}.", "form") from error
        return event
