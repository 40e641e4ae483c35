"""The parts of a form that is in memory as a whole (multipart/form-data, RFC 7578): nothing of it is copied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from werkzeug.http import parse_options_header

from gatehouse_common.errors import InvalidInput, TooLarge

MOST_PARTS: Final = 20
_MOST_HEAD_BYTES, _MOST_PADDING = 16 << 10, 80


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a form: the name of its field, that of its file, None if it is none, and its bytes in the body."""

    name: str
    filename: str | None
    data: memoryview


def read_parts(body: bytes | bytearray, boundary: bytes) -> Iterator[Part]:
    """Yield the parts of a body.

    Raises:
        InvalidInput: it is torn, or no form.
        TooLarge: it has too many parts.
    """
    view, delimiter = memoryview(body), b"\r\n--" + boundary
    at = len(delimiter) - 2 if body.startswith(delimiter[2:]) else _behind(body, delimiter, 0)[1]
    for _ in range(MOST_PARTS):
        if body.startswith(b"--", at):
            return
        begin = body.find(b"\r\n", at)
        head_end = body.find(b"\r\n\r\n", begin, begin + _MOST_HEAD_BYTES)
        if begin < 0 or head_end < 0:
            raise InvalidInput("the form cannot be read: a part has no head.", "form")
        end, at = _behind(body, delimiter, head_end + 2)
        yield _part(body[begin + 2 : head_end], view[head_end + 4 : end])
    if not body.startswith(b"--", at):
        raise TooLarge(f"the form has more than {MOST_PARTS} parts.")


def _behind(body: bytes | bytearray, delimiter: bytes, at: int) -> tuple[int, int]:
    """Return where the next delimiter begins and where it ends; what only begins like one is a part's data.

    Raises:
        InvalidInput: there is none.
    """
    while (found := body.find(delimiter, at)) >= 0:
        at = found + len(delimiter)
        line_end = body.find(b"\r\n", at, at + _MOST_PADDING)
        if body.startswith(b"--", at) or (line_end >= 0 and not body[at:line_end].strip(b" \t")):
            return found, at
    raise InvalidInput("the form cannot be read: it has no end.", "form")


def _part(head: bytes | bytearray, data: memoryview) -> Part:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-disposition":
            told = parse_options_header(value.decode("utf-8", "replace").strip())[1]
            return Part(told.get("name", ""), told.get("filename"), data)
    raise InvalidInput("the form cannot be read: a part has no name.", "form")
