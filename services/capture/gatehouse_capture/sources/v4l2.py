"""One video device of Linux, read by its own interface: every wait has an end, and every refusal a reason.

libavformat's reader waits in the kernel for as long as a device that hangs lets it, and says of a device that
another program uses no more than that it failed. Here a picture is waited for with ``poll``, beside a second file
that another thread can make ready.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import select
import sys
import threading
from contextlib import suppress

from gatehouse_common.clock import SECOND, Clock
from gatehouse_common.errors import GatehouseError, SourceUnavailable

from . import v4l2_abi as abi
from .device_errors import DeviceMissing, explain_device
from .device_modes import Mode
from .times import taken_at

_BUFFERS = 6
_MOST_FORMATS = 64


class VideoDevice:
    """An open device.

    Args:
        path: of the device.
        clock: tells how old a picture is.

    Raises:
        DeviceMissing: there is none, or it gives no pictures.
        SourceUnavailable: it must not be opened.
    """

    def __init__(self, path: str, clock: Clock) -> None:
        if sys.platform != "linux":
            raise SourceUnavailable(f"{path}: USB cameras can be read on Linux only")
        self.path, self._clock = path, clock
        self._maps: list[mmap.mmap] = []
        self._began_us = 0
        self._closing = threading.Lock()
        self._closed = False
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        try:
            self._file = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            os.close(self._wake)
            raise explain_device(error, path) from error
        try:
            self._check()
        except GatehouseError:
            self.close()
            raise

    def formats(self) -> list[str]:
        """Return the pixel formats it offers, in its own order."""
        found = []
        for index in range(_MOST_FORMATS):
            said = abi.FormatDescription(index=index, type=abi.BUF_TYPE_VIDEO_CAPTURE)
            try:
                fcntl.ioctl(self._file, abi.ENUM_FMT, said)
            except OSError as error:
                if error.errno == errno.EINVAL:  # the end of the list
                    break
                raise explain_device(error, self.path) from error
            found.append(said.pixelformat.to_bytes(4, "little").decode("latin-1"))
        return found

    def start(self, format_: str, width: int, height: int, fps: float) -> Mode:
        """Set the device to what comes nearest to this, and let it begin.

        Raises:
            DeviceBusy: another program has it.
            SourceUnavailable: it refuses.
        """
        wanted = abi.Format(type=abi.BUF_TYPE_VIDEO_CAPTURE)
        pixels = wanted.fmt.pix
        pixels.width, pixels.height, pixels.pixelformat = width, height, abi.fourcc(format_)
        pixels.field = abi.FIELD_ANY
        self._ask(abi.S_FMT, wanted)
        if pixels.pixelformat != abi.fourcc(format_):
            raise SourceUnavailable(f"{self.path} gives no {format_} pictures")
        rate = self._set_rate(fps)
        self._map_buffers()
        self._began_us = self._clock.monotonic_us()
        self._ask(abi.STREAMON, ctypes.c_int(abi.BUF_TYPE_VIDEO_CAPTURE))
        return Mode(format_, pixels.width, pixels.height, pixels.bytesperline, rate)

    def read(self, timeout_s: float) -> tuple[bytes, int] | None:
        """Return the next picture and the monotonic time at which it was taken, in microseconds; None if interrupted.

        Raises:
            SourceUnavailable: none came for ``timeout_s``, or the device is gone.
        """
        waiting = select.poll()
        waiting.register(self._file, select.POLLIN)
        waiting.register(self._wake, select.POLLIN)
        deadline = self._clock.monotonic_us() + round(timeout_s * SECOND)
        while True:
            left_us = deadline - self._clock.monotonic_us()
            ready = dict(waiting.poll(max(0, left_us // 1000)))
            if self._wake in ready:
                return None
            state = ready.get(self._file, 0)
            picture = self._dequeue() if state else None
            if picture is not None:
                return picture
            if state and not state & select.POLLIN:
                raise SourceUnavailable(f"{self.path} gives no more pictures")
            if left_us <= 0:
                raise SourceUnavailable(f"{self.path} gave no picture for {timeout_s:g} s")

    def interrupt(self) -> None:
        """Let a ``read`` in another thread end at once, and every later one; nothing once it is closed."""
        with self._closing:  # the number of a closed file may be another file's by now
            if not self._closed:
                os.eventfd_write(self._wake, 1)

    def close(self) -> None:
        """Stop the device and let go of it; ends when the driver has let go of its buffers."""
        with suppress(OSError):  # it is gone already, or was never started
            fcntl.ioctl(self._file, abi.STREAMOFF, ctypes.c_int(abi.BUF_TYPE_VIDEO_CAPTURE))
        for area in self._maps:
            area.close()
        self._maps.clear()
        with self._closing:
            self._closed = True
            os.close(self._wake)
        os.close(self._file)

    def _check(self) -> None:
        said = abi.Capability()
        try:
            fcntl.ioctl(self._file, abi.QUERYCAP, said)
        except OSError as error:
            raise DeviceMissing(f"{self.path} is no video device") from error
        can = said.device_caps if said.capabilities & abi.CAP_DEVICE_CAPS else said.capabilities
        if not (can & abi.CAP_VIDEO_CAPTURE and can & abi.CAP_STREAMING):
            raise DeviceMissing(f"{self.path} gives no pictures")

    def _set_rate(self, fps: float) -> float:
        wanted = abi.StreamParameters(type=abi.BUF_TYPE_VIDEO_CAPTURE)
        rate = wanted.parm.capture
        rate.numerator, rate.denominator = 1000, round(fps * 1000)
        try:
            fcntl.ioctl(self._file, abi.S_PARM, wanted)
        except OSError as error:
            if error.errno in {errno.EINVAL, errno.ENOTTY}:  # it has one rate, and does not tell which
                return 0.0
            raise explain_device(error, self.path) from error
        return rate.denominator / rate.numerator if rate.numerator else 0.0

    def _map_buffers(self) -> None:
        asked = abi.RequestBuffers(count=_BUFFERS, type=abi.BUF_TYPE_VIDEO_CAPTURE, memory=abi.MEMORY_MMAP)
        self._ask(abi.REQBUFS, asked)
        for index in range(asked.count):
            one = self._buffer(index)
            self._ask(abi.QUERYBUF, one)
            self._maps.append(mmap.mmap(self._file, one.length, offset=one.m.offset))
            self._ask(abi.QBUF, self._buffer(index))

    def _dequeue(self) -> tuple[bytes, int] | None:
        """Take the picture that is ready, if one is and it is whole."""
        one = self._buffer(0)
        try:
            fcntl.ioctl(self._file, abi.DQBUF, one)
        except BlockingIOError:
            return None
        except OSError as error:
            raise explain_device(error, self.path) from error
        data = self._maps[one.index][: one.bytesused]
        taken_us = self._taken_us(one)
        damaged = bool(one.flags & abi.BUF_FLAG_ERROR)
        self._ask(abi.QBUF, self._buffer(one.index))
        return None if damaged or not data else (data, taken_us)

    def _taken_us(self, one: abi.Buffer) -> int:
        now = self._clock.monotonic_us()
        if one.flags & abi.BUF_FLAG_TIMESTAMP_MASK != abi.BUF_FLAG_TIMESTAMP_MONOTONIC:
            return now
        return taken_at(one.timestamp.tv_sec * SECOND + one.timestamp.tv_usec, self._began_us, now)

    @staticmethod
    def _buffer(index: int) -> abi.Buffer:
        return abi.Buffer(index=index, type=abi.BUF_TYPE_VIDEO_CAPTURE, memory=abi.MEMORY_MMAP)

    def _ask(self, what: int, about: ctypes.Structure | ctypes.c_int) -> None:
        try:
            fcntl.ioctl(self._file, what, about)
        except OSError as error:
            raise explain_device(error, self.path) from error
