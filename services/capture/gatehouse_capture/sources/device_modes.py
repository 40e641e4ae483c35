"""The formats of pictures that devices give, and which of them is best."""

from __future__ import annotations

from dataclasses import dataclass

from gatehouse_common.errors import SourceUnavailable

RAW_FORMATS = {
    "YUYV": "yuyv422",
    "UYVY": "uyvy422",
    "NV12": "nv12",
    "YU12": "yuv420p",
    "GREY": "gray",
    "RGB3": "rgb24",
    "BGR3": "bgr24",
}
"""Names of raw pixel formats and what libavutil calls them, the best first."""
JPEG_FORMATS = ("MJPG", "JPEG")


@dataclass(frozen=True, slots=True)
class Mode:
    """What a device was set to; it may differ from what was asked for.

    Attributes:
        format: the pixel format's four letters.
        width: pixels.
        height: pixels.
        stride: bytes from row to row of the first plane, 0 for compressed pictures.
        fps: pictures per second, 0 if the device does not tell.
    """

    format: str
    width: int
    height: int
    stride: int
    fps: float


def choose_formats(offered: list[str], path: str) -> list[str]:
    """Return the pixel formats to try: JPEGs, which fit through USB at any rate, then the best raw one.

    Raises:
        SourceUnavailable: it offers none that can be read.
    """
    jpeg = [name for name in JPEG_FORMATS if name in offered]
    raw = [name for name in RAW_FORMATS if name in offered]
    if not jpeg and not raw:
        raise SourceUnavailable(f"{path} offers only {', '.join(offered) or 'no'} pictures, which cannot be read")
    return jpeg[:1] + raw[:1]
