"""The part of Linux's Video4Linux2 interface that capture uses: ``linux/videodev2.h`` for ctypes.

Layouts follow the platform's C rules, so that 32-bit and 64-bit kernels both get what they expect.
"""

from __future__ import annotations

import ctypes
from ctypes import c_char, c_long, c_uint8, c_uint32, c_ulong

BUF_TYPE_VIDEO_CAPTURE = 1
MEMORY_MMAP = 1
FIELD_ANY = 0

CAP_VIDEO_CAPTURE = 0x0000_0001
CAP_STREAMING = 0x0400_0000
CAP_DEVICE_CAPS = 0x8000_0000

BUF_FLAG_ERROR = 0x0000_0040
BUF_FLAG_TIMESTAMP_MASK = 0x0000_E000
BUF_FLAG_TIMESTAMP_MONOTONIC = 0x0000_2000


class Capability(ctypes.Structure):
    """What a device is: ``struct v4l2_capability``."""

    _fields_ = (
        ("driver", c_char * 16),
        ("card", c_char * 32),
        ("bus_info", c_char * 32),
        ("version", c_uint32),
        ("capabilities", c_uint32),
        ("device_caps", c_uint32),
        ("reserved", c_uint32 * 3),
    )


class FormatDescription(ctypes.Structure):
    """One of the formats a device offers: ``struct v4l2_fmtdesc``."""

    _fields_ = (
        ("index", c_uint32),
        ("type", c_uint32),
        ("flags", c_uint32),
        ("description", c_uint8 * 32),
        ("pixelformat", c_uint32),
        ("mbus_code", c_uint32),
        ("reserved", c_uint32 * 3),
    )


class _PixelFormat(ctypes.Structure):
    _fields_ = (
        ("width", c_uint32),
        ("height", c_uint32),
        ("pixelformat", c_uint32),
        ("field", c_uint32),
        ("bytesperline", c_uint32),
        ("sizeimage", c_uint32),
        ("colorspace", c_uint32),
        ("priv", c_uint32),
        ("flags", c_uint32),
        ("ycbcr_enc", c_uint32),
        ("quantization", c_uint32),
        ("xfer_func", c_uint32),
    )


class _FormatUnion(ctypes.Union):
    # The pointer stands for struct v4l2_window's: it sets the union's alignment.
    _fields_ = (("pix", _PixelFormat), ("raw_data", c_uint8 * 200), ("pointer", ctypes.c_void_p))


class Format(ctypes.Structure):
    """How pictures are laid out: ``struct v4l2_format``."""

    _fields_ = (("type", c_uint32), ("fmt", _FormatUnion))


class _CaptureParameters(ctypes.Structure):
    _fields_ = (
        ("capability", c_uint32),
        ("capturemode", c_uint32),
        ("numerator", c_uint32),
        ("denominator", c_uint32),
        ("extendedmode", c_uint32),
        ("readbuffers", c_uint32),
        ("reserved", c_uint32 * 4),
    )


class _ParametersUnion(ctypes.Union):
    _fields_ = (("capture", _CaptureParameters), ("raw_data", c_uint8 * 200))


class StreamParameters(ctypes.Structure):
    """How often pictures come: ``struct v4l2_streamparm``."""

    _fields_ = (("type", c_uint32), ("parm", _ParametersUnion))


class RequestBuffers(ctypes.Structure):
    """How many buffers there shall be: ``struct v4l2_requestbuffers``."""

    _fields_ = (
        ("count", c_uint32),
        ("type", c_uint32),
        ("memory", c_uint32),
        ("capabilities", c_uint32),
        ("flags", c_uint8),
        ("reserved", c_uint8 * 3),
    )


class _Time(ctypes.Structure):
    _fields_ = (("tv_sec", c_long), ("tv_usec", c_long))


class _Timecode(ctypes.Structure):
    _fields_ = (("type", c_uint32), ("flags", c_uint32), ("bytes", c_uint8 * 8))


class _Place(ctypes.Union):
    _fields_ = (("offset", c_uint32), ("userptr", c_ulong))


class Buffer(ctypes.Structure):
    """One buffer and what is in it: ``struct v4l2_buffer``."""

    _fields_ = (
        ("index", c_uint32),
        ("type", c_uint32),
        ("bytesused", c_uint32),
        ("flags", c_uint32),
        ("field", c_uint32),
        ("timestamp", _Time),
        ("timecode", _Timecode),
        ("sequence", c_uint32),
        ("memory", c_uint32),
        ("m", _Place),
        ("length", c_uint32),
        ("reserved2", c_uint32),
        ("request_fd", c_uint32),
    )


def _code(direction: int, number: int, size: int) -> int:
    """Return an ioctl's number as ``asm-generic/ioctl.h`` makes it; ``V`` is the letter of video devices."""
    return direction << 30 | size << 16 | ord("V") << 8 | number


_WRITE, _READ, _BOTH = 1, 2, 3
QUERYCAP = _code(_READ, 0, ctypes.sizeof(Capability))
ENUM_FMT = _code(_BOTH, 2, ctypes.sizeof(FormatDescription))
S_FMT = _code(_BOTH, 5, ctypes.sizeof(Format))
REQBUFS = _code(_BOTH, 8, ctypes.sizeof(RequestBuffers))
QUERYBUF = _code(_BOTH, 9, ctypes.sizeof(Buffer))
QBUF = _code(_BOTH, 15, ctypes.sizeof(Buffer))
DQBUF = _code(_BOTH, 17, ctypes.sizeof(Buffer))
STREAMON = _code(_WRITE, 18, ctypes.sizeof(ctypes.c_int))
STREAMOFF = _code(_WRITE, 19, ctypes.sizeof(ctypes.c_int))
S_PARM = _code(_BOTH, 22, ctypes.sizeof(StreamParameters))


def fourcc(text: str) -> int:
    """Return the number of a pixel format with this name of four letters."""
    return int.from_bytes(text.encode("ascii"), "little")
