"""Endless scenes for the plate finder: plates among panels, bars, words and photographs, and where their lines are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import IterableDataset

from training.fonts import TypeFace, font_files, load_faces
from training.rendering import Plate, Renderer
from training.syntaxes import SLOGANS, WORDS

SIDE = 320
"""Pixels of a scene, both ways."""
CELL = 4
"""Pixels of a scene to one of the finder's answer."""
UNIT = 32.0
"""Pixels of a scene to 1 of an answered distance."""
WIDEST = 285.0
NARROWEST = 34.0

Rng = np.random.Generator
Grey = NDArray[np.float32]
Quad = NDArray[np.float32]


@dataclass(frozen=True)
class Scenes:
    """So many scenes (N, 1, SIDE, SIDE; bytes), and in cells: the chance of a line, its corners, what counts.

    Attributes:
        pictures: grey values.
        lines: (N, 1, cells, cells): 1 on a plate's line, 0 elsewhere.
        corners: (N, 8, cells, cells): from a cell to the line's corners, in ``UNIT``.
        counts: (N, 1, cells, cells): 0 at the edges of lines, where either answer will do.
        heights: (N, 1, cells, cells): of the line, pixels; 1 elsewhere.
    """

    pictures: torch.Tensor
    lines: torch.Tensor
    corners: torch.Tensor
    counts: torch.Tensor
    heights: torch.Tensor


def load_backgrounds(folder: Path) -> list[NDArray[np.uint8]]:
    """Return the photographs below a folder, in grey and at most 1600 pixels wide."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in {".jpg", ".jpeg", ".png", ".webp"}:
            continue
        picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if picture is None or min(picture.shape) < 300:
            continue
        scale = min(1.0, 1600 / max(picture.shape))
        found.append(np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8))
    return found


class SceneMaker:
    """Makes scenes from type faces and photographs."""

    def __init__(self, faces: list[TypeFace], backgrounds: list[NDArray[np.uint8]]) -> None:
        self._faces, self._backgrounds = faces, backgrounds
        self._renderer = Renderer(faces)

    def make(self, rng: Rng) -> tuple[NDArray[np.uint8], list[Quad]]:
        """Make a scene, and the corners of the lines of its plates."""
        scene = self._ground(rng)
        for _ in range(int(rng.integers(0, 4))):
            _clutter(rng, scene)
        quads: list[Quad] = []
        for _ in range(int(rng.choice([0, 1, 2], p=[0.12, 0.68, 0.2]))):
            placed = self._plate(rng, scene, quads)
            if placed is not None:
                quads.append(placed)
        for _ in range(int(rng.integers(0, 5))):
            self._words(rng, scene, quads)
        return _photographed(rng, scene, min((_height(quad) for quad in quads), default=20.0)), quads

    def _ground(self, rng: Rng) -> Grey:
        if not self._backgrounds or rng.random() < 0.15:
            coarse = rng.uniform(0, 255, (int(rng.integers(2, 9)), int(rng.integers(2, 9)))).astype(np.float32)
            way = (cv2.INTER_LINEAR, cv2.INTER_NEAREST)[int(rng.random() < 0.2)]
            return np.asarray(cv2.resize(coarse, (SIDE, SIDE), interpolation=way), np.float32)
        picture = self._backgrounds[rng.integers(len(self._backgrounds))]
        most = min(picture.shape)
        side = int(rng.uniform(min(180, most), most))
        x, y = (int(rng.integers(0, edge - side + 1)) for edge in (picture.shape[1], picture.shape[0]))
        part = picture[y : y + side, x : x + side]
        if rng.random() < 0.5:
            part = part[:, ::-1]
        way = cv2.INTER_AREA if side > SIDE else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(part, (SIDE, SIDE), interpolation=way), np.float32)

    def _plate(self, rng: Rng, scene: Grey, others: list[Quad]) -> Quad | None:
        plate = self._renderer.render(rng)
        x0, _, x1, _ = plate.edge
        wide = float(np.exp(rng.uniform(np.log(NARROWEST), np.log(WIDEST))))
        shape = _view(rng, wide / (x1 - x0))
        line = _moved(shape, plate.line)
        edge = _moved(shape, plate.edge)
        low, high = edge.min(0), edge.max(0)
        room = SIDE - 4 - (high - low)
        if room.min() < 0:
            return None
        shift = (2 + rng.random(2) * room - low).astype(np.float32)
        line, edge = line + shift, edge + shift
        box = np.concatenate([edge.min(0), edge.max(0)])
        if any(_overlap(box, other) for other in others):
            return None
        move = np.asarray([[1, 0, shift[0]], [0, 1, shift[1]], [0, 0, 1]])
        if rng.random() < 0.6:
            _panel(rng, scene, box)
        margin = int(rng.integers(0, 3)) if rng.random() < 0.7 else int(rng.integers(0, 12))
        _paste(scene, plate, move @ shape, margin, wide / (x1 - x0))
        return line

    def _words(self, rng: Rng, scene: Grey, plates: list[Quad]) -> None:
        """Write what is no plate: words, dates, prices, badges; some on a board."""
        text = _writing(rng)
        face = self._faces[rng.integers(len(self._faces))]
        height = float(np.exp(rng.uniform(np.log(6), np.log(60))))
        glyphs = [face.glyph(char, max(5, int(height))) if char in face.glyphs else None for char in text]
        gap = max(1, int(height * rng.uniform(0.05, 0.3)))
        wide = sum(gap + (glyph.shape[1] if glyph is not None else int(height / 3)) for glyph in glyphs) + 2
        high = max([glyph.shape[0] for glyph in glyphs if glyph is not None], default=0)
        if not 0 < high < SIDE - 8 or wide >= SIDE - 8:
            return
        x, y = int(rng.integers(4, SIDE - wide - 3)), int(rng.integers(4, SIDE - high - 3))
        box = np.asarray([x - 3, y - 3, x + wide + 3, y + high + 3], np.float32)
        if any(_overlap(box, other) for other in plates):
            return
        if rng.random() < 0.3:
            cv2.rectangle(scene, (x - 3, y - 3), (x + wide + 2, y + high + 2), rng.uniform(0, 255), -1)
        ink = float(rng.choice([0, 255, rng.uniform(0, 255)]))
        for glyph in glyphs:
            if glyph is None:
                x += int(height / 3) + gap
                continue
            part = scene[y : y + glyph.shape[0], x : x + glyph.shape[1]]
            part += glyph[: part.shape[0], : part.shape[1]].astype(np.float32) / 255 * (ink - part)
            x += glyph.shape[1] + gap


def _writing(rng: Rng) -> str:
    kind = rng.random()
    if kind < 0.5:
        words = (WORDS, SLOGANS)[int(rng.random() < 0.4)]
        text = str(words[rng.integers(len(words))]).replace("-", " ")
        return text.lower() if rng.random() < 0.2 else text
    if kind < 0.75:
        day = f"{rng.integers(1990, 2040)} {rng.integers(1, 13):02} {rng.integers(1, 32):02}"
        return f"{day} {rng.integers(24):02} {rng.integers(60):02}"
    if kind < 0.85:
        return f"{rng.integers(24):02} {rng.integers(60):02} {rng.integers(60):02}"
    letters = "ABCDEFGHIJKLMNOPRSTUVWXYZ"
    return "".join(letters[rng.integers(len(letters))] for _ in range(int(rng.integers(2, 11))))


def _height(quad: Quad) -> float:
    return float(np.linalg.norm(quad[3] - quad[0]) + np.linalg.norm(quad[2] - quad[1])) / 2


def _moved(shape: NDArray[np.float64], box: tuple[float, float, float, float]) -> Quad:
    x0, y0, x1, y1 = box
    corners = np.asarray([[[x0, y0], [x1, y0], [x1, y1], [x0, y1]]], np.float32)
    return np.asarray(cv2.perspectiveTransform(corners, shape)[0], np.float32)


def _overlap(box: NDArray[np.float32], quad: Quad) -> bool:
    low, high = quad.min(0) - 0.8 * _height(quad), quad.max(0) + 0.8 * _height(quad)
    return bool(box[0] < high[0] and box[2] > low[0] and box[1] < high[1] and box[3] > low[1])


def _view(rng: Rng, scale: float) -> NDArray[np.float64]:
    turn = np.deg2rad(np.clip(rng.normal(0, 5), -18, 18))
    cos, sin = np.cos(turn), np.sin(turn)
    squeeze, shear = rng.uniform(0.75, 1.1), rng.normal(0, 0.06)
    shape = np.eye(3)
    shape[:2, :2] = np.asarray([[cos, -sin], [sin, cos]]) @ np.asarray([[squeeze, shear], [0, 1]]) * scale
    shape[2, :2] = rng.normal(0, 0.0003, 2)
    return shape


def _paste(scene: Grey, plate: Plate, shape: NDArray[np.float64], margin: int, scale: float) -> None:
    x0, y0, x1, y1 = (round(side) for side in plate.edge)
    high, wide = plate.image.shape
    x0, y0, x1, y1 = max(0, x0 - margin), max(0, y0 - margin), min(wide, x1 + margin), min(high, y1 + margin)
    image = plate.image[y0:y1, x0:x1].astype(np.float32)
    coarse = min(1.0, 1.4 * scale)
    size = (max(2, round((x1 - x0) * coarse)), max(2, round((y1 - y0) * coarse)))
    image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    back = np.asarray([[(x1 - x0) / size[0], 0, x0], [0, (y1 - y0) / size[1], y0], [0, 0, 1]])
    there = shape @ back
    cover = cv2.warpPerspective(np.ones(image.shape, np.float32), there, (SIDE, SIDE), flags=cv2.INTER_LINEAR)
    pasted = cv2.warpPerspective(image, there, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    scene += cover * (pasted - scene)


def _panel(rng: Rng, scene: Grey, box: NDArray[np.float32]) -> None:
    """Lay a smooth piece of a car's body below a plate, or the recess that it is mounted in."""
    wide, high = box[2] - box[0], box[3] - box[1]
    grow = rng.uniform(0.1, 1.5, 4) * (wide, high, wide, high)
    x0, y0 = (int(max(0, v)) for v in (box[0] - grow[0], box[1] - grow[1]))
    x1, y1 = (int(min(SIDE, v)) for v in (box[2] + grow[2], box[3] + grow[3]))
    coarse = rng.uniform(0, 255) + rng.normal(0, 25, (3, 3))
    panel = cv2.resize(coarse.astype(np.float32), (x1 - x0, y1 - y0), interpolation=cv2.INTER_CUBIC)
    for _ in range(int(rng.integers(0, 4))):
        at = int(rng.integers(0, y1 - y0))
        panel[at : at + int(rng.integers(1, 6))] += rng.normal(0, 60)
    scene[y0:y1, x0:x1] = panel


def _clutter(rng: Rng, scene: Grey) -> None:
    """Draw what finders take for writing: grilles, rails, rungs, lamps, hatched fields."""
    x, y = (int(v) for v in rng.integers(0, SIDE - 20, 2))
    wide, high = int(rng.uniform(20, 250)), int(rng.uniform(8, 120))
    level = rng.uniform(0, 255)
    kind = rng.random()
    if kind < 0.35:
        step, thick = int(rng.integers(3, 16)), int(rng.integers(1, 5))
        for at in range(x, x + wide, step):
            cv2.line(scene, (at, y), (at + int(rng.normal(0, 2)), y + high), level, thick)
    elif kind < 0.6:
        for at in range(y, y + high, int(rng.integers(3, 14))):
            cv2.line(scene, (x, at), (x + wide, at), level, int(rng.integers(1, 4)))
    elif kind < 0.8:
        cv2.rectangle(scene, (x, y), (x + wide, y + high), level, -1)
    else:
        for _ in range(int(rng.integers(1, 12))):
            place = (x + int(rng.uniform(0, wide)), y + int(rng.uniform(0, high)))
            cv2.ellipse(
                scene,
                place,
                (int(rng.integers(2, 24)), int(rng.integers(2, 16))),
                rng.uniform(0, 180),
                0,
                360,
                rng.uniform(0, 255),
                -1,
            )


def _photographed(rng: Rng, scene: Grey, sign: float) -> NDArray[np.uint8]:
    if rng.random() < 0.3:
        coarse = rng.uniform(0.25, 1.3, (int(rng.integers(2, 5)), int(rng.integers(2, 5)))).astype(np.float32)
        scene = scene * cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    soft = rng.uniform(0.1, 0.6) + 0.08 * rng.random() ** 1.5 * sign
    scene = cv2.GaussianBlur(scene, (0, 0), soft)
    if rng.random() < 0.2:
        length = int(rng.uniform(0.1, 0.4) * sign) // 2 * 2 + 3
        kernel = np.zeros((length, length), np.float32)
        kernel[length // 2] = 1 / length
        scene = cv2.filter2D(scene, -1, kernel if rng.random() < 0.6 else kernel.T)
    scene = 255 * (np.clip(scene, 0, 255) / 255) ** float(np.exp(rng.normal(0, 0.4)))
    contrast = float(np.exp(-2.0 * rng.random() ** 1.8))
    scene = scene * contrast + rng.uniform(0, 255 * (1 - contrast)) * rng.random()
    noise = np.empty(scene.shape, np.float32)
    cv2.randn(noise, 0.0, float(rng.random() ** 2 * (2 + 18 * contrast)))
    stored = np.clip(scene + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.7:
        packed = cv2.imencode(".jpg", stored, (cv2.IMWRITE_JPEG_QUALITY, int(rng.uniform(25, 95))))[1]
        stored = cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE)
    return np.asarray(stored, np.uint8)


def targets(quads: list[Quad]) -> tuple[Grey, Grey, Grey, Grey]:
    """Return lines, corners, counts and heights of a scene, in cells."""
    cells = SIDE // CELL
    lines, counts = np.zeros((cells, cells), np.float32), np.ones((cells, cells), np.float32)
    corners, heights = np.zeros((8, cells, cells), np.float32), np.ones((cells, cells), np.float32)
    rows, columns = np.mgrid[0:cells, 0:cells].astype(np.float32) * CELL + (CELL - 1) / 2
    for quad in quads:
        outer, inner = _filled(quad, 0.12), _filled(quad, -0.16)
        counts[(outer > 0) & (inner == 0)] = 0
        inside = inner > 0
        lines[inside], counts[inside] = 1, 1
        heights[inside] = _height(quad)
        for corner in range(4):
            corners[2 * corner][inside] = (quad[corner, 0] - columns[inside]) / UNIT
            corners[2 * corner + 1][inside] = (quad[corner, 1] - rows[inside]) / UNIT
    return lines, corners, counts, heights


def _filled(quad: Quad, by: float) -> NDArray[np.uint8]:
    high = _height(quad)
    across, down = (quad[1] - quad[0]), (quad[3] - quad[0])
    across = across / max(1e-3, float(np.linalg.norm(across))) * high * by
    down = down / max(1e-3, float(np.linalg.norm(down))) * high * by
    grown = np.stack(
        [quad[0] - across - down, quad[1] + across - down, quad[2] + across + down, quad[3] - across + down]
    )
    cells = SIDE // CELL
    mask = np.zeros((cells, cells), np.uint8)
    at = ((grown - (CELL - 1) / 2) / CELL * 16).round().astype(np.int32)
    cv2.fillPoly(mask, [at], 1, shift=4)
    return mask


class SceneBatches(IterableDataset[Scenes]):
    """Batches without end; batch `k` of a seed is always the same."""

    def __init__(self, fonts: tuple[Path, ...], backgrounds: Path, seed: int, first: int, size: int) -> None:
        self._fonts, self._backgrounds, self._seed, self._first, self._size = fonts, backgrounds, seed, first, size

    def __iter__(self) -> Iterator[Scenes]:
        """Make batches; several workers take turns."""
        cv2.setNumThreads(1)
        worker = torch.utils.data.get_worker_info()
        step, number = (worker.num_workers, self._first + worker.id) if worker else (1, self._first)
        maker = SceneMaker(load_faces(font_files(self._fonts)), load_backgrounds(self._backgrounds))
        while True:
            yield self._batch(maker, number)
            number += step

    def _batch(self, maker: SceneMaker, number: int) -> Scenes:
        rng = np.random.default_rng((self._seed, number))
        cv2.setRNGSeed(int(rng.integers(1 << 31)))
        made = [maker.make(rng) for _ in range(self._size)]
        answers = [targets(quads) for _, quads in made]
        stacked = [torch.from_numpy(np.stack([answer[k] for answer in answers])) for k in range(4)]
        pictures = torch.from_numpy(np.stack([picture for picture, _ in made])[:, None])
        return Scenes(pictures, stacked[0][:, None], stacked[1], stacked[2][:, None], stacked[3][:, None])
