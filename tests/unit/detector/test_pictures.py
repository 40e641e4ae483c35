"""Pictures that are none: each is refused with its reason, before memory is spent on it (S2 bad input)."""

from __future__ import annotations

import contextlib

import cv2
import numpy as np
import pytest

from gatehouse_common.errors import GatehouseError, InvalidInput, TooLarge
from gatehouse_detector.reading.images import decode, jpeg_size


def jpeg(width: int, height: int) -> bytes:
    picture = np.random.default_rng(3).integers(0, 255, (height, width, 3), np.uint8)
    return bytes(cv2.imencode(".jpg", picture)[1])


def stating(data: bytes, width: int, height: int) -> bytes:
    """Return a JPEG whose header states another size."""
    at = data.find(b"\xff\xc0")
    return data[: at + 5] + height.to_bytes(2) + width.to_bytes(2) + data[at + 9 :]


def test_a_picture_is_decoded_as_it_is() -> None:
    data = jpeg(160, 90)
    assert jpeg_size(data) == (160, 90)
    assert decode(data).shape == (90, 160, 3)


def test_grey_pictures_get_three_colours() -> None:
    assert decode(bytes(cv2.imencode(".jpg", np.zeros((40, 60), np.uint8))[1])).shape == (40, 60, 3)


@pytest.mark.parametrize("data", [b"", b"\xff", b"no picture at all", b"\x89PNG\r\n\x1a\n" + bytes(100), b"GIF89a" * 9])
def test_what_is_no_jpeg_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput, match="no JPEG"):
        decode(data)


def test_a_picture_of_one_pixel_is_refused() -> None:
    with pytest.raises(InvalidInput, match="1x1"):
        decode(jpeg(1, 1))


def test_a_huge_picture_is_refused_by_its_header() -> None:
    with pytest.raises(TooLarge, match="20000x20000"):
        decode(stating(jpeg(64, 64), 20000, 20000))


def test_a_size_that_only_decoders_would_find_is_not_decoded() -> None:
    """A byte that is no marker: what follows it is skipped here, and decoders take their size from it."""
    data, small = jpeg(320, 240), jpeg(64, 64)
    scan, size = data.find(b"\xff\xda"), small.find(b"\xff\xc0")
    stated = small[size : size + 19]
    comment = b"\xff\xfe" + (2 + len(stated)).to_bytes(2) + stated
    crafted = b"\xff\xd8\xff\x00" + (scan + 4).to_bytes(2) + data[2:scan] + comment + data[scan:]
    assert cv2.imdecode(np.frombuffer(crafted, np.uint8), cv2.IMREAD_COLOR).shape == (240, 320, 3)
    with pytest.raises(InvalidInput, match="no marker"):
        decode(crafted)


def test_a_header_that_lies_about_the_size_is_survived() -> None:
    with contextlib.suppress(InvalidInput):
        assert decode(stating(jpeg(64, 64), 900, 900)).shape == (900, 900, 3)


@pytest.mark.parametrize("kept", [0.02, 0.3, 0.7, 0.99])
def test_a_picture_that_is_cut_short_is_refused(kept: float) -> None:
    data = jpeg(320, 240)
    with pytest.raises(InvalidInput, match="cut short"):
        decode(data[: int(len(data) * kept)])


def test_damaged_pictures_end_in_an_error_of_ours_or_in_pixels() -> None:
    data = jpeg(96, 64)
    rng = np.random.default_rng(11)
    refused = []
    for _ in range(400):
        damaged = bytearray(data)
        for _ in range(int(rng.integers(1, 12))):
            damaged[int(rng.integers(0, min(len(damaged), 700)))] = int(rng.integers(256))
        try:
            picture = decode(bytes(damaged))
        except GatehouseError as error:
            refused.append(error.message)
        else:
            assert picture.ndim == 3
            assert picture.dtype == np.uint8
    assert refused
    assert all(message.startswith("the picture") for message in refused)
