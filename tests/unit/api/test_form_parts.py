"""Forms that are in memory as a whole are read to the byte, and what is none is refused (S4-2, S4-18)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_api.uploads.form_parts import MOST_PARTS, read_parts
from gatehouse_common.errors import InvalidInput, TooLarge

HEAD = b'Content-Disposition: form-data; name="a"'
_SEEDS = st.sampled_from([b"\r\n", b"--", b"b", b"\r\n--b", b"\r\n--bc\r\n", b"--b--", b"\0", b"x", b"\n", b" "])


def _part(data: bytes, head: bytes = HEAD) -> bytes:
    return b"--b\r\n" + head + b"\r\n\r\n" + data + b"\r\n"


def _ends_a_part(data: bytes) -> bool:
    """Whether bytes hold a line that is a delimiter, which a client has to choose so that they do not."""
    return any(line.startswith(b"--b--") or line.rstrip(b" \t") == b"--b" for line in (b"\r\n" + data).split(b"\r\n"))


@given(st.lists(st.lists(_SEEDS, max_size=8).map(b"".join).filter(lambda data: not _ends_a_part(data)), max_size=5))
def test_parts_come_back_as_they_were_put_in(parts: list[bytes]) -> None:
    """S4-2: also where their bytes begin like a delimiter, or have none at all."""
    body = b"".join(map(_part, parts)) + b"--b--\r\n"
    assert [bytes(part.data) for part in read_parts(bytearray(body), b"b")] == parts


def test_names_of_fields_and_files() -> None:
    """S4-2: what browsers, curl and requests send: a preamble, more headers, padding, names without quotes."""
    head = b'content-disposition:form-data; name="f"; filename="a; b.webm"\r\nContent-Type: video/webm'
    body = b"before\r\n" + _part(b"1", head) + b"--b  \r\nContent-Disposition: form-data; name=a\r\n\r\n2\r\n--b--after"
    found = [(part.name, part.filename, bytes(part.data)) for part in read_parts(body, b"b")]
    assert found == [("f", "a; b.webm", b"1"), ("a", None, b"2")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x" * 5000,
        b"--b",
        b"--b\r\n",
        b"--b\r\n\r\nx\r\n--b--",
        _part(b"x")[:-2],
        _part(b"x"),
        _part(b"x", b"X: y") + b"--b--",
        b"--b\r\nX: " + b"y" * (20 << 10) + b"\r\n\r\n\r\n--b--",
    ],
)
def test_what_is_torn_is_refused(body: bytes) -> None:
    """S4-18: half a form is none."""
    with pytest.raises(InvalidInput):
        list(read_parts(body, b"b"))


def test_a_form_of_many_parts_is_refused() -> None:
    """S4-18: as many as are allowed, and no more."""
    assert len(list(read_parts(_part(b"") * MOST_PARTS + b"--b--", b"b"))) == MOST_PARTS
    with pytest.raises(TooLarge):
        list(read_parts(_part(b"") * (MOST_PARTS + 1) + b"--b--", b"b"))
