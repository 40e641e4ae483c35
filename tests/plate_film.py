"""Films of cars with plates, drawn: streets by day and by night, cars that cross, one that parks, and a shop's sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Literal

import av
import cv2
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from gatehouse_capture.plate_drawing import draw_plate
from gatehouse_common.media.samples import VIDEO_TIMESCALE

Picture = NDArray[np.uint8]

WIDTH, HEIGHT, FPS, GOP = 960, 540, 10, 20
_FONT = cv2.FONT_HERSHEY_DUPLEX
_FINER = 4
"""Plates are drawn so many times as large, then made smaller, as a lens would."""
_CAR = (300, 150)
_NOISES = 6


@dataclass(frozen=True)
class Car:
    """A car and where it is when.

    Attributes:
        plate: what is written on its plate, marks between the characters included.
        kind: ``us``, ``eu`` or ``br``: what the plate looks like.
        at_s: when it comes into the picture.
        seconds: how long it takes to cross.
        leftwards: which way it goes.
        stays_s: how long it stands in the middle.
        lane: pixels from the upper edge to its roof.
    """

    plate: str
    kind: Literal["us", "eu", "br"]
    at_s: float
    seconds: float = 2.0
    leftwards: bool = False
    stays_s: float = 0.0
    lane: int = 320

    @property
    def text(self) -> str:
        """What is to be read."""
        return "".join(c for c in self.plate if c.isalnum())

    @property
    def leaves_s(self) -> float:
        """When it is out of the picture."""
        return self.at_s + self.seconds + self.stays_s

    def left_at(self, time_s: float) -> int | None:
        """Return where its left edge is, None while it is not in the picture."""
        if not self.at_s <= time_s < self.leaves_s:
            return None
        into = time_s - self.at_s
        half = self.seconds / 2
        if self.stays_s:
            # It brakes, stands, and drives off; each half of the way takes half the time.
            share = _eased(into / half) / 2 if into < half else 0.5
            if into > half + self.stays_s:
                share = 1 - _eased((half + self.stays_s + half - into) / half) / 2
        else:
            share = into / self.seconds
        share = 1 - share if self.leftwards else share
        return round(-_CAR[0] + share * (WIDTH + _CAR[0]))


def _eased(share: float) -> float:
    return 1 - (1 - min(1.0, share)) ** 2


@dataclass(frozen=True)
class Street:
    """What is filmed.

    Attributes:
        cars: the cars.
        seconds: how long.
        nights: spans in which it is night: little contrast, much noise.
        sign: what is written over the shop.
    """

    cars: Sequence[Car]
    seconds: float
    nights: Sequence[tuple[float, float]] = ()
    sign: str = ""


@cache
def plate_picture(plate: str, kind: str, height: int = 34) -> Picture:
    """Return a plate as it is seen from straight before it."""
    tall = height * _FINER
    number = cv2.cvtColor(draw_plate(plate.replace("-", " "), tall), cv2.COLOR_GRAY2BGR)
    band = np.full((tall, round(tall * 0.42) if kind == "eu" else 0, 3), (150, 60, 20), np.uint8)
    picture = np.concatenate([band, number], axis=1)
    if kind == "br":
        picture[: round(tall * 0.17)] = (150, 70, 20)
    elif kind == "us":
        shade = np.linspace(225, 245, tall, dtype=np.uint8)[:, None, None]
        picture = np.minimum(picture, shade)
    size = picture.shape[1] // _FINER, height
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


@cache
def car_picture(plate: str, kind: str) -> tuple[Picture, NDArray[np.bool_]]:
    """Return a car from behind its plate, and where it covers what is behind it."""
    wide, high = _CAR
    picture = np.zeros((high, wide, 3), np.uint8)
    colour = [(60, 44, 120), (96, 84, 40), (48, 92, 60), (30, 110, 150)][sum(map(ord, plate)) % 4]
    cv2.rectangle(picture, (8, 44), (wide - 8, high - 18), colour, -1)
    cv2.fillPoly(picture, [np.array([(46, 44), (84, 6), (wide - 84, 6), (wide - 46, 44)])], colour)
    cv2.fillPoly(picture, [np.array([(62, 42), (92, 14), (wide - 92, 14), (wide - 62, 42)])], (70, 66, 60))
    for x in (26, wide - 62):
        cv2.rectangle(picture, (x, 60), (x + 36, 78), (60, 60, 190), -1)
        cv2.rectangle(picture, (x, high - 26), (x + 36, high - 1), (20, 20, 20), -1)
    cv2.rectangle(picture, (14, 96), (wide - 14, 104), (40, 40, 40), -1)
    number = plate_picture(plate, kind)
    rows, columns = number.shape[:2]
    x, y = (wide - columns) // 2, 62
    covers = picture.any(axis=2)
    picture[y : y + rows, x : x + columns] = number
    return picture, covers


def _street(sign: str) -> Picture:
    rng = np.random.default_rng(3)
    picture = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    picture[:250] = np.linspace(150, 185, WIDTH, dtype=np.uint8)[None, :, None]
    for x in range(40, WIDTH, 150):
        cv2.rectangle(picture, (x, 40), (x + 80, 130), (110, 96, 84), -1)
    picture[250:] = np.clip(96 + rng.normal(0, 5, (HEIGHT - 250, WIDTH, 1)), 0, 255).astype(np.uint8)
    cv2.rectangle(picture, (0, 250), (WIDTH, 262), (140, 140, 140), -1)
    if sign:
        cv2.rectangle(picture, (560, 160), (900, 226), (36, 60, 30), -1)
        cv2.putText(picture, sign, (580, 206), _FONT, 1.3, (220, 235, 240), 3, cv2.LINE_AA)
    return picture


class Scenery:
    """The street without cars, in every light and with every noise, so that a picture is drawn by adding the cars."""

    def __init__(self, street: Street) -> None:
        self.street = street
        rng = np.random.default_rng(5)
        empty = _street(street.sign)
        noises = [rng.normal(0, 1, (HEIGHT, WIDTH, 1)).astype(np.float32) for _ in range(_NOISES)]
        self._days = [_clipped(empty + 1.2 * noise) for noise in noises]
        self._nights = [_clipped(_dark(empty) + 2.5 * noise) for noise in noises]

    def at(self, number: int) -> Picture:
        """Return what is seen on a frame."""
        time_s = number / FPS
        night = any(begin <= time_s < end for begin, end in self.street.nights)
        picture = (self._nights if night else self._days)[number % _NOISES].copy()
        for car in self.street.cars:
            left = car.left_at(time_s)
            if left is not None:
                _add(picture, car, left, night=night)
        return picture


def _add(picture: Picture, car: Car, left: int, *, night: bool) -> None:
    sprite, covers = car_picture(car.plate, car.kind)
    if night:
        sprite = _clipped(_dark(sprite))
    begin, end = max(0, left), min(WIDTH, left + _CAR[0])
    if begin >= end:
        return
    part = slice(begin - left, end - left)
    there = picture[car.lane : car.lane + _CAR[1], begin:end]
    there[covers[:, part]] = sprite[:, part][covers[:, part]]


def _dark(picture: Picture) -> NDArray[np.float32]:
    """Return a picture with a third of its contrast, a little blurred."""
    return cv2.GaussianBlur(picture, (0, 0), 0.7).astype(np.float32) * 0.32 + 12


def _clipped(picture: NDArray[np.float32]) -> Picture:
    return np.clip(picture, 0, 255).astype(np.uint8)


def make_plate_film(path: Path, street: Street, *, steady: bool = False) -> Path:
    """Write the film as MP4 and return its path.

    Args:
        path: where.
        street: what is filmed.
        steady: let all pictures be of one quality, as cameras with a variable rate do, so that where nothing moves
            pictures are small; else the encoder works on the background for ever.
    """
    scenery = Scenery(street)
    with av.open(str(path), "w", format="mp4") as out:
        video = out.add_stream("libx264", rate=FPS)
        assert isinstance(video, VideoStream)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.codec_context.time_base = Fraction(1, VIDEO_TIMESCALE)
        video.options = {
            "preset": "ultrafast",
            **({"qp": "24"} if steady else {"crf": "25"}),
            "x264-params": f"keyint={GOP}:min-keyint={GOP}:scenecut=0:bframes=0",
        }
        for number in range(round(street.seconds * FPS)):
            frame = av.VideoFrame.from_ndarray(scenery.at(number), format="bgr24")
            frame.pts, frame.time_base = number * VIDEO_TIMESCALE // FPS, Fraction(1, VIDEO_TIMESCALE)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
    return path
