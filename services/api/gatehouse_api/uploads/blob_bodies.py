"""The body of a request that is read as a whole, in JSON or in a form: a blob, of which little is copied."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from io import RawIOBase
from typing import Any, Final, cast

import pybase64
from flask import request
from pydantic_core import from_json
from werkzeug.exceptions import ClientDisconnected

from gatehouse_common.errors import InvalidInput

from .body_buffers import BodyBuffers
from .form_parts import read_parts

_FORM: Final = "multipart/form-data"
_BUFFERS: Final = BodyBuffers()


@contextmanager
def read_told(file: str) -> Iterator[dict[str, Any]]:
    """Yield what a request tells, in JSON or in a form.

    A form's file of the name ``file`` is a view of its bytes, which ends with the block.

    Raises:
        InvalidInput: neither can be read.
        TooLarge: a form has too many parts.
        ClientDisconnected: the request broke off.
    """
    if request.mimetype == "application/x-www-form-urlencoded":
        yield dict(request.form.items())
        return
    with _body() as body:
        if request.mimetype != _FORM:
            yield _object(body)
            return
        told = _told_in_form(body, file)
        try:
            yield told
        finally:
            data = told.get(file)
            if isinstance(data, memoryview):
                data.release()


def from_base64(text: str) -> bytes:
    """Return what a text in Base64 stands for, which has no other characters in it (RFC 4648 section 3.3).

    Raises:
        ValueError: it is none.
    """
    return pybase64.b64decode(text, validate=True)


@contextmanager
def _body() -> Iterator[bytes | bytearray]:
    """Yield the body, read into one buffer as it comes; how large it may be has been looked at before."""
    size = request.content_length
    if size is None:
        yield request.get_data()
        return
    with _BUFFERS.lend(size) as found:
        stream, at = cast("RawIOBase", request.stream), 0
        with memoryview(found) as view:
            while at < size:
                count = stream.readinto(view[at:])
                if not count:
                    raise ClientDisconnected
                at += count
        yield found


def _object(body: bytes | bytearray) -> dict[str, Any]:
    found = _json(body)
    if not isinstance(found, dict):
        raise InvalidInput("the body has to be a JSON object, or a form.")
    return found


def _json(body: bytes | bytearray) -> object:
    """Return what a body in JSON says, None if it is none.

    What the fast reader refuses, such as half of a surrogate pair, the standard library reads as far as there is any
    sense in it, so that what is wrong can be told by the name of its field.

    Raises:
        InvalidInput: it is nested too deeply.
    """
    try:
        return cast("object", from_json(body, cache_strings="none"))
    except ValueError:
        try:
            return cast("object", json.loads(body))
        except ValueError:
            return None
        except RecursionError as error:
            raise InvalidInput("the body is nested too deeply.") from error


def _told_in_form(body: bytes | bytearray, file: str) -> dict[str, Any]:
    boundary = request.mimetype_params.get("boundary", "").encode("utf-8", "surrogateescape")
    if not boundary:
        raise InvalidInput("the form cannot be read: its boundary is not told.", "form")
    told: dict[str, Any] = {}
    for part in read_parts(body, boundary):
        if part.filename is None:
            told.setdefault(part.name, str(part.data, "utf-8", "replace"))
        elif part.name == file:
            told[file] = part.data
    return told
