"""Pictures that clients send: taken apart before anything else looks at them, and handed on as JPEG."""

from __future__ import annotations

import io
import struct

import av
import av.error
import simplejpeg

from gatehouse_common.errors import InvalidInput, TooLarge

from .pictures import encode_jpeg

MOST_BYTES = 16 << 20
MOST_SIDE = 8192
MOST_PIXELS = 40_000_000
_PNG = b"\x89PNG\r\n\x1a\n"
_IHDR = struct.Struct(">II")
_QUALITY = 95


def as_jpeg(data: bytes) -> bytes:
    """Return a JPEG or PNG file as a JPEG; a JPEG as it is.

    Raises:
        InvalidInput: it is neither, or damaged, or empty.
        TooLarge: more bytes or pixels than anybody's camera makes.
    """
    if not data:
        raise InvalidInput("Empty file uploaded")
    if len(data) > MOST_BYTES:
        raise TooLarge(f"the picture has {len(data) >> 20} MB; at most {MOST_BYTES >> 20} MB are looked at")
    if data.startswith(_PNG):
        return _from_png(data)
    try:
        height, width, _, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError as error:
        raise InvalidInput("this is no JPEG or PNG picture") from error
    _check_size(width, height)
    try:
        simplejpeg.decode_jpeg(data, "GRAY", min_height=16, min_width=16, strict=False)
    except ValueError as error:
        raise InvalidInput(f"the JPEG is damaged: {error}") from error
    return data


def _from_png(data: bytes) -> bytes:
    if data[12:16] != b"IHDR" or len(data) < 33:
        raise InvalidInput("the PNG is damaged: it has no header")
    _check_size(*_IHDR.unpack_from(data, 16))
    try:
        with av.open(io.BytesIO(data), "r", format="png_pipe") as container:
            for frame in container.decode(video=0):
                width = max(16, frame.width // 2 * 2)
                return encode_jpeg(frame, width, _QUALITY)[0]
    except (av.error.FFmpegError, ValueError, EOFError) as error:
        raise InvalidInput(f"the PNG is damaged: {error}") from error
    raise InvalidInput("the PNG is damaged: there is no picture in it")


def _check_size(width: int, height: int) -> None:
    if width < 16 or height < 16:
        raise InvalidInput(f"a picture of {width} x {height} pixels shows nothing; 16 x 16 is the least")
    if width > MOST_SIDE or height > MOST_SIDE or width * height > MOST_PIXELS:
        raise TooLarge(f"a picture of {width} x {height} pixels is larger than {MOST_SIDE} or 40 megapixels")
