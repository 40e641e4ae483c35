"""A camera that needs none: a street with a car that passes, the time, and the frame number burned in.

Frame ``n`` is presented at exactly ``start + n / fps``, so every claim about times can be checked on the picture.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import av
import numpy as np
from numpy.typing import NDArray

from gatehouse_capture.drawing import Street
from gatehouse_capture.encoding import Encoder, make_encoder
from gatehouse_common.camera_url import CameraUrl
from gatehouse_common.clock import Clock, wall_at
from gatehouse_common.errors import InvalidInput
from gatehouse_common.media.samples import VIDEO_TIMESCALE

from .port import Packet, StreamInfo

_LEAST_WIDTH, _LEAST_HEIGHT = 160, 90
_MOST_CARS = 16


class SyntheticSource:
    """``synthetic:?size=1280x720&fps=30&plate=GATE123,BRA2E19&pause=20&start=0&codec=h264``.

    The cars of several plates pass one after the other, with ``pause`` seconds between them.

    Raises:
        InvalidInput: an option is wrong.
    """

    def __init__(self, url: CameraUrl, clock: Clock) -> None:
        self._clock = clock
        self._width, self._height = url.size((1280, 720))
        if self._width < _LEAST_WIDTH or self._height < _LEAST_HEIGHT:
            raise InvalidInput(
                f"camera option size={self._width}x{self._height} is too small for the plate: at least 160x90", "url"
            )
        self._fps = url.number("fps", 30, 1, 240)
        self._number = int(url.number("start", 0, 0, 1_000_000))
        named = url.options.get("plate", "GATE123").upper().split(",")
        self._plates = [plate[:10] for plate in named[:_MOST_CARS]]
        self._pause_s = url.number("pause", 0, 0, 3600)
        self._codec = url.codec()
        self._closed = threading.Event()
        self._encoder: Encoder | None = None

    def open(self) -> StreamInfo:
        """Set the scene."""
        self._street = Street(self._width, self._height, *self._plates, pause_s=self._pause_s)
        self._encoder = make_encoder(self._codec, self._width, self._height, self._fps, "synthetic")
        return replace(self._encoder.info, asked_fps=float(self._fps))

    def packets(self) -> Iterator[Packet]:
        """Yield one picture after the other, each at its time, until closed."""
        if self._encoder is None:
            return
        began_mono = self._clock.monotonic_us()
        began_us = wall_at(self._clock, began_mono)
        n = 0
        while not self._closed.is_set():
            due_us = round(n * 1_000_000 / self._fps)
            late_us = self._clock.monotonic_us() - began_mono - due_us
            if late_us < 0 and self._clock.wait(self._closed, -late_us / 1_000_000):
                return
            luma, cb, cr = self._street.draw(self._number + n, began_us + due_us, n / self._fps)
            frame = _frame(luma, cb, cr)
            # It "arrives" when it was due: a busy machine draws late, but the scene's time is exact.
            yield from self._encoder.encode(frame, round(n * VIDEO_TIMESCALE / self._fps), began_us + due_us)
            n += 1

    def interrupt(self) -> None:
        """Stop drawing."""
        self._closed.set()

    def give_up(self) -> None:
        """Nothing: a picture is drawn when it is due."""

    def close(self) -> None:
        """Stop drawing."""
        self._closed.set()


def _frame(*planes: NDArray[np.uint8]) -> av.VideoFrame:
    height, width = planes[0].shape
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, data in zip(frame.planes, planes, strict=True):
        if plane.line_size == data.shape[1]:
            plane.update(data.tobytes())
            continue
        padded = np.zeros((plane.height, plane.line_size), np.uint8)
        padded[:, : data.shape[1]] = data
        plane.update(padded.tobytes())
    return frame
