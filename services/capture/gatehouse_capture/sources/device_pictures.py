"""Pictures of a video device as frames: JPEGs decoded, raw ones laid out as the encoder takes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import av
import numpy as np

from gatehouse_common.errors import SourceUnavailable

from .device_modes import JPEG_FORMATS, RAW_FORMATS, Mode
from .jpeg import JpegDecoder, JpegSizes

_PLANAR_CHROMA = {"nv12": (1, 1), "yuv420p": (2, 2)}
"""Of formats with more than one plane: by what the stride of chroma is divided, and how many such planes there are."""
_FIRST_PICTURE_S = 10.0


@dataclass(slots=True)
class Picture:
    """One picture.

    Attributes:
        frame: decoded; None if it is a JPEG that is stored as it is.
        taken_us: monotonic time in microseconds.
        jpeg: as the device made it, if it was a JPEG.
    """

    frame: av.VideoFrame | None
    taken_us: int
    jpeg: bytes | None


class Reads(Protocol):
    """What is asked of a device."""

    def read(self, timeout_s: float) -> tuple[bytes, int] | None:
        """Return a picture's bytes and time, None if interrupted."""
        ...


class PictureReader:
    """Reads a started device.

    Args:
        device: the device.
        mode: what it was set to.
        idle_s: no picture for so long is a failure, in seconds.
        decode: whether JPEGs are decoded; the first one always is, to see that there is something to see.
    """

    def __init__(self, device: Reads, mode: Mode, idle_s: float, *, decode: bool = True) -> None:
        self._device, self._mode, self._idle_s = device, mode, idle_s
        self._jpegs = JpegDecoder() if mode.format in JPEG_FORMATS else None
        self._sizes = None if decode else JpegSizes()
        self._first: Picture | None = None
        self._seen = False

    def read_first(self) -> None:
        """Wait for the first picture: a device that takes all settings and then gives nothing does not work.

        Raises:
            SourceUnavailable: none came; cameras need seconds to begin, so the idle time is not asked of it.
        """
        self._first = self._next(max(self._idle_s, _FIRST_PICTURE_S))
        self._seen = True

    def pictures(self) -> Iterator[Picture]:
        """Yield pictures until interrupted; damaged ones are left out.

        Raises:
            SourceUnavailable: none came for the idle time, or the device is gone.
        """
        first, self._first = self._first, None
        picture = first or self._next(self._idle_s)
        while picture is not None:
            yield picture
            picture = self._next(self._idle_s)

    def _next(self, timeout_s: float) -> Picture | None:
        damaged = 0
        while True:
            read = self._device.read(timeout_s)
            if read is None:
                return None
            data, taken_us = read
            picture = self._picture(data, taken_us)
            if picture is not None:
                return picture
            damaged += 1
            if damaged > max(10, self._mode.fps * self._idle_s):
                raise SourceUnavailable("the device sends no whole picture")

    def _picture(self, data: bytes, taken_us: int) -> Picture | None:
        """Return what was read as a picture, None if it is damaged."""
        if self._jpegs is None:
            frame = raw_frame(data, self._mode)
            return None if frame is None else Picture(frame, taken_us, None)
        jpeg = data.rstrip(b"\0")
        if self._sizes is not None and self._seen:
            return Picture(None, taken_us, jpeg) if self._sizes.is_whole(jpeg) else None
        frame = self._jpegs.decode(jpeg)
        return None if frame is None else Picture(frame, taken_us, jpeg)


def raw_frame(data: bytes, mode: Mode) -> av.VideoFrame | None:
    """Return the frame that raw bytes are, None if some are missing."""
    pixels = RAW_FORMATS[mode.format]
    frame = av.VideoFrame(mode.width, mode.height, pixels)
    divide, more = _PLANAR_CHROMA.get(pixels, (1, 0))
    at = 0
    for number, plane in enumerate(frame.planes):
        if number > more:
            break
        stride = (mode.stride or plane.width) // (divide if number else 1)
        size = stride * plane.height
        rows = np.frombuffer(data[at : at + size], np.uint8)
        if len(rows) < size:
            return None
        wide = np.zeros((plane.height, plane.line_size), np.uint8)
        width = min(stride, plane.line_size)
        wide[:, :width] = rows.reshape(plane.height, stride)[:, :width]
        plane.update(wide.tobytes())
        at += size
    return frame
