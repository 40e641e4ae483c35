"""The body of a request that is read as a whole, in JSON or in a form: a blob, of which little is copied."""

from __future__ import annotations

import json
from io import BufferedReader, RawIOBase
from typing import Any, Final, cast

import pybase64
from flask import request
from pydantic_core import from_json
from werkzeug.exceptions import ClientDisconnected

from gatehouse_common.errors import InvalidInput

from .form_parts import read_parts

_FORM: Final = "multipart/form-data"
_READ_BYTES: Final = 16 << 10
"""What comes last is read so much at once, and copied; all before it goes where it stays."""


def read_told(file: str) -> dict[str, Any]:
    """Return what a request tells, in JSON or in a form; a form's file of the name ``file`` is a view of its bytes.

    Raises:
        InvalidInput: neither can be read.
        TooLarge: a form has too many parts.
        ClientDisconnected: the request broke off.
    """
    if request.mimetype == "application/x-www-form-urlencoded":
        return dict(request.form.items())
    if request.mimetype == _FORM:
        return _told_in_form(_body(), file)
    found = _json(_body())
    if not isinstance(found, dict):
        raise InvalidInput("the body has to be a JSON object, or a form.")
    return found


def from_base64(text: str) -> bytes:
    """Return what a text in Base64 stands for, which has no other characters in it (RFC 4648 section 3.3).

    Raises:
        ValueError: it is none.
    """
    return pybase64.b64decode(text, validate=True)


def _body() -> bytes:
    """Return the body, read into one buffer as it comes; how large it may be has been looked at before.

    The buffer is that of the bytes that are returned, which nobody fills with zeros before: a mebibyte of those costs a
    third of a millisecond, in which no other thread gets on.
    """
    size = request.content_length
    if size is None:
        return request.get_data()
    found = BufferedReader(cast("RawIOBase", request.stream), _READ_BYTES).read(size)
    if len(found) < size:
        raise ClientDisconnected
    return found


def _json(body: bytes) -> object:
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


def _told_in_form(body: bytes, file: str) -> dict[str, Any]:
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
