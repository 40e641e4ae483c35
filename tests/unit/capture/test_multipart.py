"""Streams of JPEGs in parts, as cameras send them and not as the RFC has them."""

from __future__ import annotations

import pytest
import simplejpeg
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_capture.sources.jpeg import JpegDecoder, with_tables
from gatehouse_capture.sources.multipart import PictureParts
from gatehouse_common.errors import SourceUnavailable
from gatehouse_common.testing import barcode
from gatehouse_common.testing.film import luma
from mjpeg_camera import part, picture, without_tables

JPEGS = [picture(n, (160, 96)) for n in range(4)]


def received(stream: bytes, boundary: str, *sizes: int) -> list[bytes]:
    """Feed a stream in pieces of these sizes, over and over; return the pictures, and the last one."""
    parts = PictureParts(boundary)
    found, at, turn = [], 0, 0
    while at < len(stream):
        size = sizes[turn % len(sizes)] if sizes else len(stream)
        found += [jpeg for jpeg, _ in parts.feed(stream[at : at + size], 0)]
        at, turn = at + size, turn + 1
    rest = parts.rest()
    return found + ([] if rest is None else [rest[0]])


@given(
    length=st.sampled_from(["yes", "no", "short", "long"]),
    named=st.sampled_from(["frame", '"frame"', "--frame", ""]),
    delimiter=st.sampled_from(["--frame", "----frame"]),
    sizes=st.lists(st.integers(1, 3000), min_size=1, max_size=5),
    preamble=st.sampled_from([b"", b"\r\n", b"hello\r\n"]),
)
def test_every_picture_is_found_whatever_the_pieces(
    length: str, named: str, delimiter: str, sizes: list[int], preamble: bytes
) -> None:
    stream = preamble + b"".join(part(jpeg, delimiter, length) for jpeg in JPEGS)
    if length == "long" and delimiter == "----frame":
        stream += b"\r\n" * 40  # the last length reaches beyond the end
    assert received(stream, named, *sizes) == JPEGS


def test_what_is_no_whole_jpeg_is_left_out() -> None:
    bodies = [JPEGS[0], b"not now", JPEGS[1][:-50], b"", JPEGS[2]]
    stream = b"".join(part(body, "--b", "no") for body in bodies)
    assert received(stream, "b", 100) == [JPEGS[0], JPEGS[2]]
    assert received(stream[:-300], "b", 100) == [JPEGS[0]]


def test_lines_may_end_without_a_carriage_return_and_parts_have_no_head() -> None:
    bare = b"".join(b"--b\n\n" + jpeg + b"\n" for jpeg in JPEGS)
    assert received(bare, "b", 1) == JPEGS


def test_a_picture_is_of_the_time_at_which_it_began_to_come() -> None:
    parts = PictureParts("b")
    head, body = part(JPEGS[0], "--b", "yes").split(b"\r\n\r\n", 1)
    assert list(parts.feed(head + b"\r\n\r\n", 100)) == []  # the head of the next part may be sent long before it
    assert list(parts.feed(body[:700], 200)) == []
    assert list(parts.feed(body[700:], 300)) == [(JPEGS[0], 200)]


@pytest.mark.parametrize("stream", [b"<html>" * 300_000, b"--b\r\n" + b"X: y\r\n" * 5000])
def test_an_endless_answer_that_is_none_ends(stream: bytes) -> None:
    with pytest.raises(SourceUnavailable, match="no MJPEG stream"):
        received(stream, "b", 50_000)


def test_a_picture_larger_than_any_ends() -> None:
    with pytest.raises(SourceUnavailable, match="more than 32 MB"):
        received(b"--b\r\n\r\n" + bytes(33 << 20), "b", 1 << 20)


def test_a_jpeg_without_huffman_tables_is_made_whole() -> None:
    """USB cameras leave the standard ones out; browsers do not show such pictures."""
    whole, bare = JPEGS[3], without_tables(JPEGS[3])
    assert with_tables(whole) is whole
    mended = with_tables(bare)
    assert (simplejpeg.decode_jpeg(mended) == simplejpeg.decode_jpeg(whole)).all()
    for cut in range(0, len(bare), 7):
        with_tables(bare[:cut])  # never fails, whatever is cut off


def test_the_decoder_leaves_out_what_is_damaged_and_tells_another_size() -> None:
    decoder = JpegDecoder()
    frame = decoder.decode(JPEGS[2])
    assert frame is not None
    assert barcode.read(luma(frame)) == 2
    assert decoder.decode(b"\xff\xd8 rubbish \xff\xd9") is None
    assert decoder.decode(without_tables(JPEGS[1])) is not None
    with pytest.raises(SourceUnavailable, match="320x180"):
        decoder.decode(picture(1))
