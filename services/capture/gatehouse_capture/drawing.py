"""What the synthetic camera sees, drawn into YUV planes with numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gatehouse_common.media.lettering import render_text
from gatehouse_common.timefmt import rfc3339

from .plate_drawing import draw_plate

BITS = 20
CROSSING_S = 8.0

Plane = NDArray[np.uint8]


class Street:
    """A street at ``width`` x ``height`` pixels on which cars pass in eight seconds each, one after the other.

    Args:
        width: pixels.
        height: pixels.
        plates: what the number plates of the cars say, in the order in which they pass, again and again.
        pause_s: for how long the street is empty after each, in seconds.
    """

    def __init__(self, width: int, height: int, *plates: str, pause_s: float = 0.0) -> None:
        self._width, self._height, self._pause_s = width, height, pause_s
        self._luma, self._cb, self._cr = self._background()
        self._cars = [self._draw_car(plate) for plate in plates]
        self._side = min(32, width // BITS // 2 * 2)

    def draw(self, number: int, wall_us: int, seconds: float) -> tuple[Plane, Plane, Plane]:
        """Return the planes of one picture: frame ``number``, clock at ``wall_us``, car at ``seconds``."""
        luma, cb, cr = self._luma.copy(), self._cb.copy(), self._cr.copy()
        self._place_car(luma, cb, cr, seconds)
        self._burn_number(luma, number)
        scale = max(1, self._height // 240)
        text = render_text(f"{rfc3339(wall_us)[:23].replace('T', ' ')}Z  #{number}", scale)
        top = self._side + 4 * scale
        rows, columns = min(text.shape[0], self._height - top), min(text.shape[1], self._width - 8)
        luma[top : top + rows, 8 : 8 + columns] = np.where(text[:rows, :columns], 235, 16)
        return luma, cb, cr

    def _background(self) -> tuple[Plane, Plane, Plane]:
        h, w = self._height, self._width
        luma = np.empty((h, w), np.uint8)
        horizon = h * 2 // 5
        luma[:horizon] = np.linspace(170, 140, horizon, dtype=np.uint8)[:, None]
        luma[horizon:] = np.linspace(90, 60, h - horizon, dtype=np.uint8)[:, None]
        line = h * 4 // 5
        for x in range(0, w, w // 10):
            luma[line : line + max(2, h // 120), x : x + w // 20] = 200
        cb = np.full((h // 2, w // 2), 128, np.uint8)
        cb[: horizon // 2] = 140  # a blue sky
        return luma, cb, np.full((h // 2, w // 2), 128, np.uint8)

    def _draw_car(self, plate: str) -> Plane:
        """Return the car's luma; 0 is transparent."""
        h, w = self._height * 3 // 10 // 2 * 2, self._width * 3 // 10 // 2 * 2
        car = np.zeros((h, w), np.uint8)
        car[h * 2 // 5 : h * 17 // 20] = 120
        car[h // 20 : h * 2 // 5, w // 5 : w * 4 // 5] = 110
        car[h // 10 : h * 2 // 5, w // 4 : w * 3 // 4] = 190  # windows
        for centre in (w // 5, w * 4 // 5):
            car[h * 7 // 10 : h, centre - h // 7 : centre + h // 7] = 25
        sign = draw_plate(plate, h * 17 // 60)
        top, left = h * 29 // 60, max(0, (w - sign.shape[1]) // 2)
        car[top : top + sign.shape[0], left : left + sign.shape[1]] = sign[:, :w]
        return car

    def _place_car(self, luma: Plane, cb: Plane, cr: Plane, seconds: float) -> None:
        number, since_s = divmod(seconds, CROSSING_S + self._pause_s)
        car = self._cars[int(number) % len(self._cars)]
        h, w = car.shape
        travel = self._width + w
        x = int(since_s / CROSSING_S * travel) - w
        x -= x % 2
        y = self._height * 11 // 20 // 2 * 2
        left, right = max(x, 0), min(x + w, self._width)
        if left >= right:
            return
        part = car[: self._height - y, left - x : right - x]
        under = luma[y : y + h, left:right]
        np.copyto(under, part, where=part > 0)
        body = (part[::2, ::2] == 120)[:, : (right - left) // 2]
        window = (slice(y // 2, y // 2 + body.shape[0]), slice(left // 2, left // 2 + body.shape[1]))
        cr[window][body] = 190  # red
        cb[window][body] = 110

    def _burn_number(self, luma: Plane, number: int) -> None:
        side = self._side
        for bit in range(BITS):
            luma[:side, bit * side : (bit + 1) * side] = 235 if number >> bit & 1 else 16
