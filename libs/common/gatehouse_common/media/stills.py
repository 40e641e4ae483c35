"""Pictures that show what a film is: one that is never black or blank, and a sheet of many to look through it.

``python -m gatehouse_common.media.stills FILE SECONDS THUMBNAIL SHEET`` writes two JPEGs and prints a ``Sheet`` as
JSON: in a process of its own, for the file may be anything.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import simplejpeg
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from gatehouse_common.errors import DataLoss

from .child_answer import answer
from .inspection import open_untrusted

_COLUMNS = 5
_MOST_TILES, _LEAST_TILES, _TILE_SECONDS = 25, 10, 4
_TILE_WIDTH, _THUMBNAIL_WIDTH = 160, 640
_TALLEST = 4
_QUALITY = 80
_MOST_DECODED = 90
_ENOUGH = 0.7
_BUDGET_S = 20.0
"""Then keyframes alone must do: some films have one a minute, and large pictures."""

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Sheet:
    """How a sheet of pictures is laid out, in reading order.

    Attributes:
        columns: pictures side by side.
        rows: of them.
        count: pictures in all.
        width: of each in pixels.
        height: likewise.
        seconds: of the film from one to the next.
        thumbnail: width and height of the single picture.
    """

    columns: int
    rows: int
    count: int
    width: int
    height: int
    seconds: float
    thumbnail: tuple[int, int]


def contrast(picture: Picture) -> float:
    """Return how much there is to see in a picture: of one that is black, white or of one colour nothing."""
    grey = picture.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    return float(grey.std())


def choose(contrasts: list[float]) -> int:
    """Return which picture shows most, or the first that shows nearly as much: what comes early spoils less."""
    best = max(contrasts)
    return next(number for number, one in enumerate(contrasts) if one >= best * _ENOUGH)


def make_stills(path: Path, seconds: float, thumbnail: Path, sheet: Path) -> Sheet:
    """Write both pictures of a film.

    Args:
        path: the film.
        seconds: how long it is.
        thumbnail: where the single picture goes.
        sheet: where the sheet goes.

    Raises:
        DataLoss: not one picture can be decoded.
    """
    count = min(_MOST_TILES, max(_LEAST_TILES, round(seconds / _TILE_SECONDS)))
    tiles: list[Picture] = []
    seen: list[float] = []
    best: Picture | None = None
    try:
        with open_untrusted(path) as film:
            for picture in _pictures(film, seconds, count):
                tiles.append(_scaled(picture, _TILE_WIDTH))
                seen.append(contrast(tiles[-1]))
                if best is None or choose(seen) == len(seen) - 1:
                    best = _scaled(picture, _THUMBNAIL_WIDTH)
    except (av.FFmpegError, ValueError, OSError, MemoryError) as error:
        raise DataLoss(f"no pictures of it can be made: {error}") from error
    if best is None:
        raise DataLoss("not one picture of it can be decoded")
    thumbnail.write_bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(best), _QUALITY, "RGB", "420"))
    sheet.write_bytes(simplejpeg.encode_jpeg(_laid_out(tiles), _QUALITY, "RGB", "420"))
    height, width = tiles[0].shape[:2]
    rows = -(-len(tiles) // _COLUMNS)
    return Sheet(_COLUMNS, rows, len(tiles), width, height, seconds / count, (best.shape[1], best.shape[0]))


def _pictures(film: InputContainer, seconds: float, count: int) -> Iterator[VideoFrame]:
    """Yield a picture of the middle of each of ``count`` equal parts of a film, those of them that can be had."""
    stream = next(s for s in film.streams.video if not s.disposition & av.stream.Disposition.attached_pic)
    stream.thread_type, stream.thread_count = "AUTO", 2
    deadline = time.monotonic() + _BUDGET_S
    start = float((stream.start_time or 0) * (stream.time_base or Fraction(0)))
    for number in range(count):
        at = start + (number + 0.5) * seconds / count
        found = _at(film, stream, at, patient=time.monotonic() < deadline)
        if found is not None:
            yield found


def _at(film: InputContainer, stream: VideoStream, at: float, *, patient: bool) -> VideoFrame | None:
    """Return the picture that is shown at so many seconds, or one not far before."""
    base = stream.time_base or Fraction(1, 1000)
    last: VideoFrame | None = None
    try:
        film.seek(int(at / base), stream=stream, backward=True)
        for number, frame in enumerate(film.decode(stream)):
            if last is not None and frame.pts is not None and frame.pts * base > at:
                return last
            last = frame
            if not patient or number >= _MOST_DECODED:
                return last
    except (av.InvalidDataError, av.PermissionError, av.EOFError):
        return last
    return last


def _scaled(frame: VideoFrame, width: int) -> Picture:
    """Return a picture as it is shown, of a width at most, and no taller than four times that."""
    ratio = float(frame.width) / max(1, frame.height)
    sideways = frame.rotation % 180 != 0
    across = min(width, frame.height if sideways else frame.width)
    down = min(width * _TALLEST, max(2, round(across * ratio if sideways else across / ratio)))
    size = (down, across) if sideways else (across, down)
    shown = frame.reformat(max(2, size[0] // 2 * 2), max(2, size[1] // 2 * 2), "rgb24")
    pixels: Picture = shown.to_ndarray().astype(np.uint8, copy=False)
    return np.rot90(pixels, frame.rotation // 90 % 4) if frame.rotation else pixels


def _laid_out(tiles: list[Picture]) -> Picture:
    height, width = tiles[0].shape[:2]
    rows = -(-len(tiles) // _COLUMNS)
    sheet: Picture = np.zeros((rows * height, _COLUMNS * width, 3), np.uint8)
    for number, tile in enumerate(tiles):
        top, left = number // _COLUMNS * height, number % _COLUMNS * width
        part = tile[:height, :width]
        sheet[top : top + part.shape[0], left : left + part.shape[1]] = part
    return sheet


def parse_sheet(text: str) -> Sheet:
    """Return what the process said.

    Raises:
        DataLoss: it said nothing that can be read.
    """
    try:
        told: dict[str, Any] = json.loads(text)
        across, down = told.pop("thumbnail")
        return Sheet(**told, thumbnail=(across, down))
    except (ValueError, TypeError, KeyError) as error:
        raise DataLoss("what made pictures of it said nothing") from error


def main(arguments: list[str]) -> int:
    """Make both pictures; return the exit code."""
    film, seconds, thumbnail, sheet = arguments
    return answer(lambda: make_stills(Path(film), float(seconds), Path(thumbnail), Path(sheet)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
