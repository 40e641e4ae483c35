"""Single pictures out of recorded footage: keyframes by the sample index, or the exact frame; as JPEG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import av
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from gatehouse_common.errors import NotFound

from .decode import RangeSource, decode_frames
from .samples import ChunkMedia

_QUALITY = 82
_GREY = 128
_PLANAR = {
    "yuv420p": (2, 2),
    "yuvj420p": (2, 2),
    "yuv422p": (2, 1),
    "yuvj422p": (2, 1),
    "yuv444p": (1, 1),
    "yuvj444p": (1, 1),
}
"""Formats out of which a rectangle can be cut as it is: how many pixels a colour has across, and down."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG, its size in pixels, and the wall time of the frame it shows."""

    jpeg: bytes
    width: int
    height: int
    at_us: int


def encode_jpeg(frame: av.VideoFrame, most_width: int, quality: int = _QUALITY) -> tuple[bytes, int, int]:
    """Return ``(JPEG, width, height)`` of a frame, scaled down to at most ``most_width`` pixels.

    The planes go into the JPEG as they are: no detour through RGB.
    """
    width = max(16, min(frame.width, most_width) // 2 * 2)
    height = max(2, frame.height * width // frame.width // 2 * 2)
    planes = _jpeg_planes(frame, width, height)
    return simplejpeg.encode_jpeg_yuv_planes(*planes, quality=quality), width, height


def encode_region(
    frame: av.VideoFrame,
    x: int,
    y: int,
    width: int,
    height: int,
    *,
    quality: int = _QUALITY,
    visible: NDArray[np.bool_] | None = None,
) -> bytes:
    """Return a rectangle of a frame as a JPEG, pixel for pixel; nothing is done with the rest of the frame.

    Args:
        frame: a decoded frame.
        x: the first column, even.
        y: the first row, even.
        width: columns, even.
        height: rows, even.
        quality: of the JPEG, up to 100.
        visible: for each two by two pixels of it whether they are shown, shape ``(height // 2, width // 2)``; what is
            not is grey.
    """
    planes = _jpeg_planes(_cut_out(frame, x, y, width, height), width, height)
    if visible is not None:
        planes[0][np.repeat(np.repeat(~visible, 2, 0), 2, 1)] = _GREY
        for colour in planes[1:]:
            colour[~visible] = _GREY
    jpeg: bytes = simplejpeg.encode_jpeg_yuv_planes(*planes, quality=quality)
    return jpeg


def _jpeg_planes(frame: av.VideoFrame, width: int, height: int) -> list[NDArray[np.uint8]]:
    """Return the planes of a frame, scaled and as JPEGs have them: their black is 0, video's is 16."""
    scaled = frame.reformat(width, height, "yuvj420p")
    planes = []
    for plane, shrink in zip(scaled.planes, (1, 2, 2), strict=True):
        planes.append(_pixels(plane)[: height // shrink, : width // shrink].copy())
    return planes


def _cut_out(frame: av.VideoFrame, x: int, y: int, width: int, height: int) -> av.VideoFrame:
    """Return a rectangle of a frame as a frame."""
    if (x, y, width, height) == (0, 0, frame.width, frame.height):
        return frame
    if frame.format.name not in _PLANAR:
        frame = frame.reformat(format="yuv420p")
    cut = av.VideoFrame(width, height, frame.format.name)
    across, down = _PLANAR[frame.format.name]
    for number, (source, target) in enumerate(zip(frame.planes, cut.planes, strict=True)):
        dx, dy = (across, down) if number else (1, 1)
        rows = _pixels(source)[y // dy : (y + height) // dy, x // dx : (x + width) // dx]
        _pixels(target)[: height // dy, : width // dx] = rows
    cut.color_range, cut.colorspace = frame.color_range, frame.colorspace
    return cut


def _pixels(plane: av.video.plane.VideoPlane) -> NDArray[np.uint8]:
    """Return the bytes of a plane, shape ``(rows, bytes of a row)``, those between rows included."""
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)


def keyframe_picture(chunk: ChunkMedia, at_us: int, reader: RangeSource, width: int) -> Picture:
    """Return the keyframe on screen at ``at_us``, or the chunk's first; one picture is decoded.

    Raises:
        NotFound: the chunk holds no keyframe.
        DataLoss: it cannot be decoded.
    """
    video = chunk.video
    keys = np.flatnonzero(video.sync)
    if not len(keys):
        raise NotFound("there is no keyframe to show")
    before = keys[video.pts[keys] < chunk.ticks(at_us + 1)]
    position = int(before[-1]) if len(before) else int(keys[0])
    for frame in decode_frames(video, position, position + 1, [chunk], reader):
        return _picture(frame, chunk, width)
    raise NotFound("the keyframe shows nothing")


def exact_picture(chunk: ChunkMedia, at_us: int, reader: RangeSource, width: int) -> Picture:
    """Return the frame on screen at ``at_us``, decoding from the keyframe before it.

    Before the chunk's first keyframe that one is returned: pictures that lead it need the chunk before.

    Raises:
        NotFound: the chunk holds no such frame.
        DataLoss: it cannot be decoded.
    """
    video = chunk.video
    pts = video.pts
    shown = pts[pts < chunk.ticks(at_us + 1)]
    wanted = int(shown.max()) if len(shown) else int(pts.min())
    position = int(np.flatnonzero(pts == wanted)[0])
    starts = np.flatnonzero(video.sync[: position + 1] & (pts[: position + 1] <= wanted))
    if not len(starts):
        return keyframe_picture(chunk, at_us, reader, width)
    best: av.VideoFrame | None = None
    for frame in decode_frames(video, int(starts[-1]), position + 1, [chunk], reader):
        if frame.pts is not None and frame.pts <= wanted:
            best = frame
    if best is None:
        raise NotFound("there is no frame to show")
    return _picture(best, chunk, width)


def newest_picture(chunks: Sequence[ChunkMedia], reader: RangeSource, width: int) -> Picture:
    """Return the newest whole frame of the newest chunk."""
    chunk = chunks[-1]
    return exact_picture(chunk, chunk.end_us, reader, width)


def _picture(frame: av.VideoFrame, chunk: ChunkMedia, width: int) -> Picture:
    jpeg, columns, rows = encode_jpeg(frame, width)
    return Picture(jpeg, columns, rows, chunk.wall_us(frame.pts or 0))
