"""Plates as they are made: faces, grounds, frames, small print, bolts and relief, in grey and without a camera.

A face is drawn flat with signs ``SIGN`` pixels high on a piece of surroundings; `degradation.py` photographs it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.fonts import GERMAN, HEIGHT, TypeFace
from training.lines import Face, Mask, blob, set_line, set_words
from training.strokes import StrokeFace
from training.syntaxes import CITIES, COUNTRIES, SLOGANS, WORDS, draw_text

Grey = NDArray[np.float32]
Box = tuple[float, float, float, float]
Rng = np.random.Generator

SIGN = HEIGHT
"""Height of a sign on a rendered plate, pixels."""


@dataclass(frozen=True)
class Plate:
    """A rendered plate: grey values 0 to 255, what it says, and where its line and its edge are (x0, y0, x1, y1)."""

    image: Grey
    text: str
    line: Box
    edge: Box


class Renderer:
    """Renders plates with a set of faces."""

    def __init__(self, faces: list[TypeFace]) -> None:
        self._faces = faces
        self._german = [face for face in faces if face.name.startswith(GERMAN)] or faces

    def render(self, rng: Rng) -> Plate:
        """Render one plate of any region; some say nothing at all."""
        chance = rng.random()
        if chance < 0.5:
            return self._american(rng)
        if chance < 0.81:
            return self._european(rng)
        return self._brazilian(rng)

    def _face(self, rng: Rng, strokes: float, faces: list[TypeFace]) -> Face:
        if rng.random() < strokes:
            return StrokeFace.draw(rng)
        return faces[rng.integers(len(faces))]

    def _american(self, rng: Rng) -> Plate:
        text = draw_text(rng, "us")
        ink, marks = set_line(rng, text, self._face(rng, 0.55, self._faces), SIGN, "us")
        high = int(SIGN / rng.uniform(0.38, 0.52))
        if rng.random() < 0.75:
            # The line fills the plate, whose sides are as one to two: long texts get narrow signs.
            wide = int(2 * high * rng.uniform(0.92, 1.08))
            room = int(wide * rng.uniform(0.82, 0.96))
            if ink.shape[1] > room or rng.random() < 0.4:
                ink, marks = (cv2.resize(mask, (room, mask.shape[0])) for mask in (ink, marks))
        wide = max(int(2 * high * rng.uniform(0.92, 1.1)), ink.shape[1] + int(SIGN * rng.uniform(0.1, 0.4)))
        sheet = _Sheet(rng, wide, high, dark=0.14)
        left = (wide - ink.shape[1]) // 2 + int(rng.normal(0, 0.03) * wide)
        top = int((high - SIGN) * rng.uniform(0.4, 0.62))
        sheet.decorate(0.75)
        self._small(sheet, rng, top)
        sheet.lay(ink, marks, left, top)
        if rng.random() < 0.12:
            self._stacked(sheet, rng, left, top)
        sheet.frame(0.45, self._faces)
        return sheet.finish(text)

    def _small(self, sheet: _Sheet, rng: Rng, top: int) -> None:
        """Print the state above the line and the slogan below it."""
        if rng.random() < 0.9:
            name = WORDS[rng.integers(len(WORDS))].replace("-", " ")
            name = name if rng.random() < 0.6 else name.capitalize()
            sheet.words(name, self._face(rng, 0.1, self._faces), (0, int(top * rng.uniform(0.85, 1.0))), 0.9)
        if rng.random() < 0.7:
            slogan = SLOGANS[rng.integers(len(SLOGANS))]
            low = top + SIGN + int(SIGN * rng.uniform(0.04, 0.12))
            sheet.words(slogan, self._face(rng, 0.1, self._faces), (low, sheet.high), 0.6)
        for x in (0.04, 0.78):
            if rng.random() < 0.4:
                side = int(sheet.wide * rng.uniform(0.08, 0.15))
                sticker = blob(rng, max(4, int(top * 0.8)))
                sticker = cv2.resize(sticker, (side, sticker.shape[0]))
                sheet.stamp(sticker, int(sheet.wide * x), int(rng.integers(0, 5)), rng.uniform(0, 255))

    def _stacked(self, sheet: _Sheet, rng: Rng, left: int, top: int) -> None:
        """Put two small signs above each other before the line; they are not read as its text."""
        face = self._face(rng, 0.5, self._faces)
        side = SIGN * 2 // 5
        for low in (0, SIGN - side):
            glyph = face.glyph("ABCDEFHKLMNPRTX"[rng.integers(15)], side)
            x = left - glyph.shape[1] - int(SIGN * rng.uniform(0.08, 0.25))
            if x > 1:
                sheet.stamp(glyph, x, top + low, None)

    def _european(self, rng: Rng) -> Plate:
        text = draw_text(rng, "eu")
        face = self._face(rng, 0.5, self._german if rng.random() < 0.6 else self._faces)
        ink, marks = set_line(rng, text, face, SIGN, "eu")
        high = int(SIGN / rng.uniform(0.62, 0.8))
        band = int(high * rng.uniform(0.3, 0.45)) if rng.random() < 0.8 else 0
        right = band if band and rng.random() < 0.1 else 0
        inner = int(high * rng.uniform(4.0, 4.5))
        room = inner - band - right
        if ink.shape[1] > room - 6 or (ink.shape[1] > room * 0.6 and rng.random() < 0.4):
            fit = int(room * rng.uniform(0.85, 0.97))
            ink, marks = (cv2.resize(mask, (fit, mask.shape[0])) for mask in (ink, marks))
        elif rng.random() < 0.4:
            inner = ink.shape[1] + band + right + int(SIGN * rng.uniform(0.15, 0.5))
            room = inner - band - right
        sheet = _Sheet(rng, inner, high, dark=0.07)
        sheet.decorate(0.1)
        if band:
            self._band(sheet, rng, 0, band)
        if right:
            self._band(sheet, rng, inner - right, right)
        left = band + max(1, int((room - ink.shape[1]) * rng.uniform(0.3, 0.6)))
        sheet.lay(ink, marks, left, int((high - SIGN) * rng.uniform(0.4, 0.6)))
        if rng.random() < 0.6:
            sheet.rim(rng.uniform(0, 90))
        sheet.frame(0.5, self._faces)
        return sheet.finish(text)

    def _band(self, sheet: _Sheet, rng: Rng, left: int, wide: int) -> None:
        """Paint the blue band with its stars and the country's letters."""
        blue = rng.uniform(20, 130) if rng.random() < 0.8 else sheet.ground
        sheet.fill(left, 0, left + wide, sheet.high, blue)
        ring = int(wide * 0.3)
        light = rng.uniform(150, 255) if abs(blue - sheet.ground) > 1 else rng.uniform(40, 140)
        centre = (left + wide // 2, int(sheet.high * rng.uniform(0.28, 0.36)))
        if rng.random() < 0.7:
            for turn in np.arange(0, 2 * np.pi, np.pi / 6):
                x, y = centre[0] + ring * np.cos(turn), centre[1] + ring * np.sin(turn)
                cv2.circle(sheet.paint, (int(x), int(y)), 1, light, -1)
        else:
            sheet.stamp(blob(rng, ring * 2), centre[0] - ring, centre[1] - ring, light)
        country = COUNTRIES[rng.integers(len(COUNTRIES))]
        word = set_words(rng, country, self._face(rng, 0.2, self._faces), int(sheet.high * rng.uniform(0.16, 0.24)))
        if word.shape[1] > wide - 2:
            word = cv2.resize(word, (wide - 2, word.shape[0]))
        x = left + (wide - word.shape[1]) // 2
        sheet.stamp((word * 255).astype(np.uint8), x, int(sheet.high * rng.uniform(0.62, 0.72)), light)

    def _brazilian(self, rng: Rng) -> Plate:
        new = rng.random() < 0.3
        text = draw_text(rng, "br")
        if new:
            text = text.replace("-", "")
        face = self._face(rng, 0.5, self._german if rng.random() < 0.7 else self._faces)
        ink, marks = set_line(rng, text, face, SIGN, "br")
        high = int(SIGN / (rng.uniform(0.48, 0.56) if not new else rng.uniform(0.5, 0.6)))
        wide = int(high * rng.uniform(2.9, 3.3))
        fit = int(wide * rng.uniform(0.82, 0.95))
        if ink.shape[1] > fit or rng.random() < 0.6:
            ink, marks = (cv2.resize(mask, (fit, mask.shape[0])) for mask in (ink, marks))
        sheet = _Sheet(rng, wide, high, dark=0.12 if not new else 0.02)
        top = int(high * rng.uniform(0.33, 0.4))
        if new:
            sheet.fill(0, 0, wide, int(top * 0.8), rng.uniform(20, 120))
            sheet.words("BRASIL", self._face(rng, 0.2, self._faces), (1, int(top * 0.75)), 0.3, rng.uniform(170, 255))
        else:
            city = CITIES[rng.integers(len(CITIES))]
            sheet.words(city, self._face(rng, 0.4, self._german), (int(top * 0.2), int(top * 0.9)), 0.6)
            if rng.random() < 0.6:
                sheet.stamp(blob(rng, int(top * 0.6)), int(wide * 0.1), int(top * 0.15), rng.uniform(0, 255))
        sheet.lay(ink, marks, (wide - ink.shape[1]) // 2, top)
        if rng.random() < 0.5:
            sheet.rim(sheet.ground * rng.uniform(0.4, 0.9))
        sheet.frame(0.2, self._faces)
        return sheet.finish(text)


class _Sheet:
    """The plate while it is made: a ground that is painted and printed upon, in the middle of its surroundings."""

    def __init__(self, rng: Rng, wide: int, high: int, dark: float) -> None:
        self.rng, self.wide, self.high = rng, wide, high
        inverted = rng.random() < dark
        self.ground = rng.uniform(20, 120) if inverted else rng.uniform(120, 250)
        step = rng.uniform(45, 130) if rng.random() < 0.35 else rng.uniform(110, 220)
        self.ink_grey = min(255.0, self.ground + step) if inverted else max(5.0, self.ground - step)
        self._around = (int(high * rng.uniform(0.25, 0.5)), int(high * rng.uniform(0.3, 0.7)))
        rows, columns = self._around
        self._all = self._surroundings(high + 2 * rows, wide + 2 * columns)
        self.paint = np.ascontiguousarray(np.full((high, wide), self.ground, np.float32))
        self._relief = np.zeros((high, wide), np.float32)
        self._line: Box = (0, 0, 1, 1)

    def _surroundings(self, high: int, wide: int) -> Grey:
        rng = self.rng
        coarse = rng.uniform(0, rng.choice([60, 140, 255]), (int(rng.integers(2, 6)), int(rng.integers(2, 6))))
        out = cv2.resize(coarse.astype(np.float32), (wide, high), interpolation=cv2.INTER_LINEAR)
        for _ in range(int(rng.integers(0, 5))):
            x, y, w, h = (rng.random(4) * (wide, high, wide, high / 2)).astype(int)
            cv2.rectangle(out, (int(x), int(y)), (int(x + w), int(y + h)), rng.uniform(0, 230), -1)
        return out

    def decorate(self, chance: float) -> None:
        """Give the ground colours that run, bands and silhouettes, all fainter than the print."""
        rng = self.rng
        if rng.random() > chance:
            return
        reach = abs(self.ground - self.ink_grey) * rng.uniform(0.1, 0.6)
        if rng.random() < 0.7:
            coarse = rng.normal(0, 0.5, (int(rng.integers(2, 5)), int(rng.integers(1, 6)))).astype(np.float32) * reach
            self.paint += cv2.resize(coarse, (self.wide, self.high), interpolation=cv2.INTER_CUBIC)
        for _ in range(int(rng.integers(0, 4))):
            level = self.ground + rng.uniform(-1, 0.3) * reach
            if rng.random() < 0.5:
                top = int(rng.choice([0, rng.uniform(0.6, 0.9)]) * self.high)
                cv2.rectangle(
                    self.paint, (0, top), (self.wide, top + int(self.high * rng.uniform(0.1, 0.3))), level, -1
                )
            else:
                count = int(rng.integers(3, 9))
                corners = np.stack(
                    [np.sort(rng.uniform(0, self.wide, count)), self.high * rng.uniform(0.2, 1, count)], axis=1
                )
                corners = np.concatenate([corners, [[corners[-1, 0], self.high], [corners[0, 0], self.high]]])
                cv2.fillPoly(self.paint, [corners.astype(np.int32)], level)
        if rng.random() < 0.5:
            self.paint = cv2.GaussianBlur(self.paint, (0, 0), rng.uniform(0.6, 3))

    def fill(self, x0: int, y0: int, x1: int, y1: int, level: float) -> None:
        """Paint a rectangle."""
        self.paint[y0:y1, x0:x1] = level

    def stamp(self, mask: NDArray[np.uint8], left: int, top: int, level: float | None) -> None:
        """Paint through a mask; without a level, in the colour of the print."""
        left, top = max(0, left), max(0, top)
        part = self.paint[top : top + mask.shape[0], left : left + mask.shape[1]]
        cover = mask[: part.shape[0], : part.shape[1]].astype(np.float32) / 255
        part += cover * ((self.ink_grey if level is None else level) - part)

    def words(self, text: str, face: Face, rows: tuple[int, int], share: float, level: float | None = None) -> None:
        """Print small words in the middle of the rows, at most over that share of the width."""
        room = rows[1] - rows[0]
        height = int(room * self.rng.uniform(0.5, 0.85) / 1.15)
        if height < 4:
            return
        word = set_words(self.rng, text, face, height)
        most = int(self.wide * share)
        if word.shape[1] > most:
            word = cv2.resize(word, (most, word.shape[0]))
        if level is None and self.rng.random() < 0.4:
            level = self.ink_grey + (self.ground - self.ink_grey) * self.rng.uniform(0, 0.7)
        x = (self.wide - word.shape[1]) // 2 + int(self.rng.normal(0, 0.03) * self.wide)
        self.stamp((word * 255).astype(np.uint8), x, rows[0] + (room - height) // 2, level)

    def lay(self, ink: Mask, marks: Mask, left: int, top: int) -> None:
        """Print the line, with the relief and the wear of embossed signs."""
        rng = self.rng
        wide, high = min(ink.shape[1], self.wide - max(0, left)), min(ink.shape[0], self.high - top)
        left = max(0, left)
        cover, marked = ink[:high, :wide], marks[:high, :wide]
        if rng.random() < 0.25:
            kernel = np.ones((2, 2), np.uint8)
            cover = (cv2.erode if rng.random() < 0.4 else cv2.dilate)(cover, kernel)
        part = self.paint[top : top + high, left : left + wide]
        part += marked * (rng.uniform(0, 255) - part)
        worn = cover * rng.uniform(0.7, 1.0)
        if rng.random() < 0.15:
            coarse = rng.uniform(0.2, 1, (max(2, high // 8), max(2, wide // 8))).astype(np.float32)
            worn = worn * np.minimum(1, 0.35 + cv2.resize(coarse, (wide, high)))
        part += worn * (self.ink_grey - part)
        self._relief[top : top + high, left : left + wide] = cover
        self._line = (left, top, left + wide, top + SIGN)

    def rim(self, level: float) -> None:
        """Draw the line that runs inside a plate's edge."""
        inset = int(self.rng.integers(0, 3))
        thick = int(self.rng.integers(1, 3))
        cv2.rectangle(self.paint, (inset, inset), (self.wide - 1 - inset, self.high - 1 - inset), level, thick)

    def frame(self, chance: float, faces: list[TypeFace]) -> None:
        """Put a holder over the edge, some with a dealer's words, and bolts; some reach into the line."""
        rng = self.rng
        if rng.random() < chance:
            level = rng.uniform(0, 80) if rng.random() < 0.7 else rng.uniform(150, 250)
            over = [int(rng.uniform(0, 1) * (self._line[1] - 1)), int(rng.uniform(0, 1) * (self.high - self._line[3]))]
            if rng.random() < 0.12:
                over[1] += int(SIGN * rng.uniform(0, 0.1))
            side = int(rng.uniform(0, 0.7) * min(self._line[0], self.wide - self._line[2]))
            self.paint[: max(0, over[0])] = level
            self.paint[self.high - over[1] :] = level
            self.paint[:, :side] = level
            self.paint[:, self.wide - side :] = level
            light = 255 - level if rng.random() < 0.8 else rng.uniform(0, 255)
            for rows in ((0, over[0]), (self.high - over[1], self.high)):
                if rng.random() < 0.6:
                    face = faces[rng.integers(len(faces))]
                    self.words(SLOGANS[rng.integers(len(SLOGANS))], face, rows, 0.8, light)
        for x in (0.17, 0.5, 0.83):
            for y in (self._line[1] * 0.5, (self._line[3] + self.high) / 2):
                if rng.random() < 0.2:
                    place = (int(self.wide * x), int(y + rng.normal(0, 2)))
                    cv2.circle(self.paint, place, int(rng.integers(2, 5)), rng.uniform(0, 255), -1)

    def finish(self, text: str) -> Plate:
        """Give the plate in its surroundings."""
        rng = self.rng
        if rng.random() < 0.75:
            depth = rng.uniform(10, 70)
            dx, dy = rng.integers(-1, 2, 2)
            soft = cv2.blur(self._relief, (2, 2))
            self.paint += depth * (soft - np.roll(soft, (1 + int(dy), int(dx)), (0, 1)))
        rows, columns = self._around
        self._all[rows : rows + self.high, columns : columns + self.wide] = self.paint
        if rng.random() < 0.35:
            edge = (columns, rows), (columns + self.wide, rows + self.high)
            cv2.rectangle(self._all, edge[0], edge[1], rng.uniform(0, 200), int(rng.integers(1, 6)))
        x0, y0, x1, y1 = self._line
        return Plate(
            image=np.clip(self._all, 0, 255),
            text=text.replace("-", ""),
            line=(x0 + columns, y0 + rows, x1 + columns, y1 + rows),
            edge=(columns, rows, columns + self.wide, rows + self.high),
        )
