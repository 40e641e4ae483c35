"""Endless samples for training: a rendered plate, photographed and cut out, with what it says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import IterableDataset

from training.alphabet import encode
from training.degradation import HEIGHT, WIDTH, crop, photograph
from training.fonts import font_files, load_faces
from training.rendering import Plate, Renderer

NOTHING = 0.03
"""Share of samples that show something beside the plate, and say nothing."""


GROUP = 8
"""Batches that are made together: half of them are the other half once more, varied."""


@dataclass(frozen=True)
class Batch:
    """So many crops (N, 1, 32, 128; grey 0 to 1), their classes one after the other, and the texts' lengths."""

    crops: torch.Tensor
    classes: torch.Tensor
    lengths: torch.Tensor


def sample(rng: np.random.Generator, plate: Plate, hardness: float) -> tuple[NDArray[np.uint8], str]:
    """Make one crop of a plate, and its text.

    Args:
        rng: The source of chance; the same gives the same sample.
        plate: What is photographed.
        hardness: 0 to 1, how bad pictures may be.
    """
    if rng.random() < NOTHING:
        plate = _beside(rng, plate)
    picture, places = photograph(rng, plate, hardness)
    return crop(rng, picture, places, plate, hardness), plate.text


def vary(rng: np.random.Generator, crops: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give crops a second use: moved a little, some with light and dark exchanged."""
    out = np.empty_like(crops)
    for place, (one,) in enumerate(crops):
        right, down = rng.integers(-3, 4), rng.integers(-2, 3)
        columns = np.clip(np.arange(WIDTH) - right, 0, WIDTH - 1)
        rows = np.clip(np.arange(HEIGHT) - down, 0, HEIGHT - 1)
        moved = one[rows][:, columns]
        out[place, 0] = 255 - moved if rng.random() < 0.25 else moved
    return out


def _beside(rng: np.random.Generator, plate: Plate) -> Plate:
    """Look at what is above or below the line instead."""
    x0, y0, x1, y1 = plate.line
    high = plate.image.shape[0]
    rows = (0.0, y0 - 2) if rng.random() < 0.5 else (y1 + 4, float(high))
    if rows[1] - rows[0] < 10:
        return plate
    box = (x0, rows[0] + 0.3 * (rows[1] - rows[0]), x1, rows[1] - 0.3 * (rows[1] - rows[0]))
    return replace(plate, text="", line=box, edge=(x0, rows[0], x1, rows[1]))


class Samples(IterableDataset[Batch]):
    """Batches without end, in groups of `GROUP`; group `k` of a seed is always the same.

    Rendering costs as much as training. So each plate is photographed twice, and each crop used twice.

    Args:
        fonts: Folders with the faces.
        seed: Of the whole run.
        first: Number of the first batch, so that a run that goes on sees new ones.
        size: Samples in a batch.
        warm: Batches until samples are as hard as they get.
    """

    def __init__(self, fonts: tuple[Path, ...], seed: int, first: int, size: int, warm: int) -> None:
        self._fonts, self._seed, self._first, self._size, self._warm = fonts, seed, first, size, warm

    def __iter__(self) -> Iterator[Batch]:
        """Make batches; several workers take turns."""
        cv2.setNumThreads(1)
        worker = torch.utils.data.get_worker_info()
        step, number = (worker.num_workers, self._first // GROUP + worker.id) if worker else (1, self._first // GROUP)
        renderer = Renderer(load_faces(font_files(self._fonts)))
        while True:
            yield from self._group(renderer, number)
            number += step

    def _group(self, renderer: Renderer, number: int) -> Iterator[Batch]:
        hardness = min(1.0, 0.15 + 0.85 * number * GROUP / max(1, self._warm))
        rng = np.random.default_rng((self._seed, number))
        cv2.setRNGSeed(int(rng.integers(1 << 31)))
        half = self._size * GROUP // 2
        plates = [renderer.render(rng) for _ in range(half // 2)]
        crops = np.empty((half, 1, HEIGHT, WIDTH), np.uint8)
        texts = [""] * half
        for place, which in enumerate(rng.permutation(half)):
            bad = hardness * float(np.sqrt(rng.random()))
            crops[place, 0], texts[place] = sample(rng, plates[which % len(plates)], bad)
        for use in (crops, vary(rng, crops)):
            for start in range(0, half, self._size):
                part = slice(start, start + self._size)
                yield _batch(use[part], texts[part])


def _batch(crops: NDArray[np.uint8], texts: list[str]) -> Batch:
    classes = [place for text in texts for place in encode(text)]
    return Batch(torch.from_numpy(crops), torch.tensor(classes), torch.tensor([len(text) for text in texts]))
