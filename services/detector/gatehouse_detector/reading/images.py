"""Pictures as cameras and people send them: decoded if they are what they say, and of a size that can be looked at."""

from __future__ import annotations

import cv2
import numpy as np

from gatehouse_common.errors import InvalidInput, TooLarge

from .port import MOST_PIXELS, Image

LEAST_SIDE = 16
"""Of a picture in which a plate could be read."""

_STANDALONE = {0x01, *range(0xD0, 0xD9)}
_NO_FRAME = {0xC4, 0xC8, 0xCC}


def decode(data: bytes) -> Image:
    """Return the pixels of a JPEG.

    The size is read from its header, before anything is decoded: a kilobyte can ask for gigabytes.

    Raises:
        InvalidInput: it is no JPEG, is cut short, or is too small to hold a plate.
        TooLarge: it has more pixels than are decoded.
    """
    width, height = jpeg_size(data)
    if min(width, height) < LEAST_SIDE:
        raise InvalidInput(f"the picture is {width}x{height}: there is no plate in less than {LEAST_SIDE} pixels.")
    if width * height > MOST_PIXELS:
        raise TooLarge(f"the picture is {width}x{height}: more than {MOST_PIXELS} pixels are not decoded.")
    if data.rfind(b"\xff\xd9") < 0:
        raise InvalidInput("the picture is cut short: its end is missing.")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise InvalidInput(f"the picture cannot be decoded: {' '.join(str(error).split())[:200]}") from error
    if image is None:
        raise InvalidInput("the picture is damaged: it cannot be decoded.")
    return np.asarray(image, np.uint8)


def jpeg_size(data: bytes) -> tuple[int, int]:
    """Return width and height that the header of a JPEG states (ITU-T T.81 B.2.2).

    Raises:
        InvalidInput: it is no JPEG, or ends before the header does.
    """
    if data[:2] != b"\xff\xd8":
        raise InvalidInput("the picture is no JPEG.")
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            raise InvalidInput("the picture is damaged: its header has no marker where one belongs.")
        marker = data[at + 1]
        if marker == 0x00:  # no marker: decoders look for the next one, and would find another size than is found here
            raise InvalidInput("the picture is damaged: its header has no marker where one belongs.")
        if marker == 0xFF:
            at += 1
        elif marker in _STANDALONE:
            at += 2
        elif 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME:
            if at + 9 > len(data):
                break
            return int.from_bytes(data[at + 7 : at + 9]), int.from_bytes(data[at + 5 : at + 7])
        else:
            at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4]))
    raise InvalidInput("the picture is cut short: it ends in its header.")
