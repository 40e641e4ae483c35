"""USB cameras by Video4Linux: JPEGs where the device makes them, else raw pictures; encoded once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import structlog

from gatehouse_capture.encoding import Encoder, make_encoder
from gatehouse_common.camera_url import CameraUrl
from gatehouse_common.clock import SECOND, Clock
from gatehouse_common.errors import SourceUnavailable

from .device_errors import DeviceBusy, DeviceMissing
from .device_list import FALLBACKS, list_devices
from .device_modes import choose_formats
from .device_pictures import PictureReader
from .port import Packet, StreamInfo
from .times import PictureClock
from .v4l2 import VideoDevice

log = structlog.get_logger(__name__)

_LOOK_BACK_US = 2 * SECOND


class DeviceSource:
    """One opening of a video device.

    Which device is recorded, and why:

    - A device that is **missing** is stood in for by the first other one that gives pictures, which the camera's
      state names: footage of the wrong corner can be thrown away, footage that was never made cannot be had. As
      soon as the configured device is there again, it is taken back.
    - A device that is **busy** is the right camera in the hands of another program. Another one in its place would
      be a surprise, and would stay; so the reason is told, and the device tried again until it is free.
    - So it is with one that **may not be opened**, and with one that is there and **fails**: both are told and tried
      again, neither is hidden by another picture.
    - A device that stands in is given up at once when a camera that is configured for it wants it.

    Args:
        url: ``v4l2:///dev/video0?size=1280x720&fps=30&codec=h264``; the device takes the nearest it has.
        clock: tells the time.
        idle_s: a device that gives no picture for so long has failed, in seconds.
    """

    def __init__(self, url: CameraUrl, clock: Clock, idle_s: float) -> None:
        self._url, self._clock, self._idle_s = url, clock, idle_s
        self._device: VideoDevice | None = None
        self._reader: PictureReader | None = None
        self._encoder: Encoder | None = None
        self._stands_in = False
        self._interrupted = self._wanted = False
        self._fps = url.number("fps", 30, 1, 240)

    def open(self) -> StreamInfo:
        """Open the configured device; if it is missing, the first other one that gives pictures.

        Raises:
            SourceUnavailable: the configured one is busy or fails, or is missing and no other gives pictures.
        """
        wanted = self._url.path
        FALLBACKS.reclaim(wanted)
        try:
            return self._start(wanted)
        except DeviceMissing as error:
            missing = error
        for path in list_devices():
            if os.path.realpath(path) == os.path.realpath(wanted):
                continue
            try:
                info = self._start(path)
            except SourceUnavailable as error:
                log.debug("a device cannot stand in", device=path, reason=error.message)
                continue
            self._stands_in = True
            FALLBACKS.hold(path, self)
            log.warning("another device stands in for a missing one", missing=wanted, device=path)
            return replace(info, fallback=path)
        raise SourceUnavailable(f"no camera device gives pictures ({missing.message})")

    def _start(self, path: str) -> StreamInfo:
        """Start a device in the first format in which it gives a picture."""
        with closing(VideoDevice(path, self._clock)) as device:
            first, *others = choose_formats(device.formats(), path)
        try:
            return self._start_in(first, path)
        except (DeviceMissing, DeviceBusy):
            raise
        except SourceUnavailable as error:
            if not others:
                raise
            log.warning("a device does not work in a format", device=path, format=first, reason=error.message)
        return self._start_in(others[0], path)

    def _start_in(self, format_: str, path: str) -> StreamInfo:
        device = self._device = VideoDevice(path, self._clock)  # from here on the wait for it can be ended
        try:
            mode = device.start(format_, *self._url.size((1280, 720)), self._fps)
            fps = mode.fps or self._fps
            self._encoder = make_encoder(self._url.codec(), mode.width, mode.height, fps, "V4L2")
            self._reader = PictureReader(device, mode, self._idle_s, decode=not self._encoder.takes_jpegs)
            self._reader.read_first()
        except SourceUnavailable:
            self._device = None
            device.close()
            raise
        return replace(self._encoder.info, asked_fps=float(self._fps))

    def packets(self) -> Iterator[Packet]:
        """Yield encoded pictures, with the device's JPEG where it makes them.

        Raises:
            SourceUnavailable: it was unplugged, hangs, or the configured device is there again.
        """
        if self._reader is None or self._encoder is None:
            return
        times = PictureClock(self._clock)
        looked_us = self._clock.monotonic_us()
        for picture in self._reader.pictures():
            yield from self._encoder.encode(picture.frame, *times.of(picture.taken_us), picture.jpeg)
            now = self._clock.monotonic_us()
            if self._stands_in and now - looked_us > _LOOK_BACK_US:
                looked_us = now
                self._look_back()
        if self._wanted:
            raise SourceUnavailable("the device is wanted by the camera that is configured for it")
        if not self._interrupted:
            raise SourceUnavailable("the device gives no more pictures")

    def _look_back(self) -> None:
        """Give the stand-in up when the configured device can be had again.

        Raises:
            SourceUnavailable: it can.
        """
        try:
            VideoDevice(self._url.path, self._clock).close()
        except SourceUnavailable:
            return
        raise SourceUnavailable(f"{self._url.path} is there again")

    def interrupt(self) -> None:
        """Let ``packets`` end at once."""
        self._interrupted = True
        self._wake()

    def give_up(self) -> None:
        """Let ``packets`` fail at once."""
        self._wake()

    def hand_over(self) -> None:
        """Let ``packets`` fail at once: the camera that is configured for the device wants it."""
        self._wanted = True
        self._wake()

    def _wake(self) -> None:
        device = self._device
        if device is not None:
            device.interrupt()

    def close(self) -> None:
        """Let go of the device."""
        FALLBACKS.release(self)
        device, self._device = self._device, None
        if device is not None:
            device.close()
