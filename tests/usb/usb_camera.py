"""A USB camera in software, for the machine of machine.sh: UVC 1.0, JPEGs through a bulk endpoint.

The kernel's USB/IP host controller (vhci_hcd) takes the other end of a socket for a cable; what the device would say
is said here. Its pictures have their numbers burned in: number ``n`` is sent at ``began + n / FPS``. They lack the
Huffman tables, as those of most USB cameras do.

References: USB Device Class Definition for Video Devices 1.0 ("UVC"), Documentation/usb/usbip_protocol.rst.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

FPS = 5
WIDTH, HEIGHT = 320, 180
ATTACH = Path("/sys/devices/platform/vhci_hcd.0/attach")
_HIGH_SPEED = 3
_PAYLOAD = 1 << 16
_STALL, _UNLINKED = -32, -104
_SUBMIT, _UNLINK = 1, 2


def _sized(body: bytes) -> bytes:
    """Return a descriptor: its length, then what it is."""
    return bytes([len(body) + 1]) + body


def _streaming() -> bytes:
    """Return the class-specific descriptors of the streaming interface (UVC 3.9.2): one format, one size."""
    interval = 10_000_000 // FPS
    bits = WIDTH * HEIGHT * FPS * 8
    frame = struct.pack("<BBBBHHIIIIBI", 0x24, 7, 1, 0, WIDTH, HEIGHT, bits, bits, _PAYLOAD, interval, 1, interval)
    format_ = bytes([0x24, 6, 1, 1, 1, 1, 0, 0, 0, 0])
    total = 14 + 11 + len(frame) + 1
    header = struct.pack("<BBBHBBBBBBBB", 0x24, 1, 1, total, 0x81, 0, 2, 0, 0, 0, 1, 0)
    return _sized(header) + _sized(format_) + _sized(frame)


def _configuration() -> bytes:
    terminal_in = struct.pack("<BBBHBBHHHBH", 0x24, 2, 1, 0x0201, 0, 0, 0, 0, 0, 2, 0)
    terminal_out = struct.pack("<BBBHBBB", 0x24, 3, 2, 0x0101, 0, 1, 0)
    units = _sized(terminal_in) + _sized(terminal_out)
    control = struct.pack("<BBHHIBB", 0x24, 1, 0x0100, 13 + len(units), 48_000_000, 1, 1)
    body = (
        _sized(bytes([11, 0, 2, 14, 3, 0, 0]))  # both interfaces are one function
        + _sized(bytes([4, 0, 0, 0, 14, 1, 0, 0]))
        + _sized(control)
        + units
        + _sized(bytes([4, 1, 0, 1, 14, 2, 0, 0]))
        + _streaming()
        + _sized(struct.pack("<BBBHB", 5, 0x81, 2, 512, 0))
    )
    return _sized(struct.pack("<BHBBBBB", 2, 9 + len(body), 2, 1, 0, 0x80, 50)) + body


DEVICE = _sized(struct.pack("<BHBBBBHHHBBBB", 1, 0x0200, 239, 2, 1, 64, 0x1D6B, 0x0102, 0x0100, 0, 0, 0, 1))
CONFIGURATION = _configuration()
# UVC 4.3.1.1: hint, format, frame, interval, three rates, window, delay, size of a picture, size of a payload.
PROBE = struct.pack("<HBBIHHHHHII", 1, 1, 1, 10_000_000 // FPS, 0, 0, 0, 0, 0, _PAYLOAD, _PAYLOAD)


class UsbCamera:
    """The camera, plugged in.

    Args:
        picture: makes the JPEG of a number.

    Attributes:
        began: wall time in seconds of picture 0.
        sent: wall times in seconds at which the sending of each picture began and ended: it may fall behind.
    """

    def __init__(self, picture: Callable[[int], bytes]) -> None:
        self._picture = picture
        self._cable, end = socket.socketpair()
        self._sending = threading.Lock()
        self._asked: deque[int] = deque()
        self._unplugged = threading.Event()
        self.sent: dict[int, tuple[float, float]] = {}
        self.began = time.time()
        ATTACH.write_text(f"0 {end.fileno()} {1 << 16 | 2} {_HIGH_SPEED}")
        end.close()
        threading.Thread(target=self._answer, daemon=True).start()
        threading.Thread(target=self._film, daemon=True).start()

    def unplug(self) -> None:
        """Pull the cable."""
        self._unplugged.set()
        self._cable.shutdown(socket.SHUT_RDWR)
        self._cable.close()

    def _answer(self) -> None:
        while not self._unplugged.is_set():
            head = self._read(48)
            if head is None:
                return
            command, number, _, inward, endpoint = struct.unpack_from(">IIIII", head)
            if command == _UNLINK:
                self._unlink(number, struct.unpack_from(">I", head, 20)[0])
                continue
            length = struct.unpack_from(">I", head, 24)[0]
            data = b"" if inward else self._read(length)
            if endpoint:
                self._asked.append(number)  # a picture is wanted, and sent when it is its time
                continue
            answer = self._control(head[40:48])
            if answer is None:
                self._send(number, _STALL, b"")
            elif inward:
                self._send(number, 0, answer[:length])
            else:
                self._send(number, 0, b"", len(data or b""))

    def _control(self, setup: bytes) -> bytes | None:
        """Answer a request on the default pipe; None for those that are not known."""
        kind, request, value, _, _ = struct.unpack("<BBHHH", setup)
        if kind == 0x80 and request == 6:
            return {1: DEVICE, 2: CONFIGURATION}.get(value >> 8)
        if kind & 0x60 == 0:
            return b"\0\0"  # setting an address, a configuration, an interface; being asked for the state
        if value >> 8 in {1, 2}:  # probe and commit: there is but one mode
            return {0x85: struct.pack("<H", len(PROBE)), 0x86: b"\3"}.get(request, PROBE)
        return None

    def _film(self) -> None:
        number = 0
        while not self._unplugged.wait(max(0.0, self.began + number / FPS - time.time())):
            if self._asked:
                # A payload (UVC 2.4.3.3): its header, with the end of the picture and its parity, then the picture.
                payload = bytes([2, 0x82 | number & 1]) + self._picture(number)
                began = time.time()
                self._send(self._asked.popleft(), 0, payload)
                self.sent[number] = began, time.time()
            number += 1

    def _unlink(self, number: int, what: int) -> None:
        try:
            self._asked.remove(what)
        except ValueError:
            status = 0  # answered already
        else:
            status = _UNLINKED
        self._write(struct.pack(">IIIIIi24x", 4, number, 0, 0, 0, status))

    def _send(self, number: int, status: int, data: bytes, length: int | None = None) -> None:
        size = len(data) if length is None else length
        self._write(struct.pack(">IIIIIiIIII8x", 3, number, 0, 0, 0, status, size, 0, 0xFFFFFFFF, 0) + data)

    def _write(self, data: bytes) -> None:
        try:
            with self._sending:
                self._cable.sendall(data)
        except OSError:
            self._unplugged.set()

    def _read(self, size: int) -> bytes | None:
        data = b""
        while len(data) < size:
            try:
                piece = self._cable.recv(size - len(data))
            except OSError:
                return None
            if not piece:
                return None
            data += piece
        return data
