"""What reads a line: the network that is trained on plates, and one for any text, made to know plates' characters."""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np

from .alphabet import BLANK, CHARACTERS, COLUMNS, Distribution
from .networks import BUNDLED, Network, Tensor, text_network
from .port import Image
from .quads import Corners, straightened, stretched

HEIGHT = 48
"""Pixels of a straightened line."""
WIDEST = 480
"""Pixels of a straightened line."""


class Recogniser(Protocol):
    """Reads lines."""

    def read(self, image: Image, crops: list[Corners]) -> list[Distribution]:
        """Return a distribution for each crop.

        Args:
            image: the whole picture.
            crops: what to cut out of it, straighten and read.
        """
        ...


class PlateRecogniser:
    """The network that is trained on plates of all regions: small, and quick enough to look at every candidate."""

    _ROWS, _COLUMNS = 32, 128

    def __init__(self, threads: int = 1) -> None:
        self._network = Network(BUNDLED / "plate_reader.onnx", threads)

    def read(self, image: Image, crops: list[Corners]) -> list[Distribution]:
        """Return a distribution for each crop, which is stretched to the network's size whatever its proportions."""
        if not crops:
            return []
        grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
        lines = [stretched(grey, corners, self._COLUMNS, self._ROWS) for corners in crops]
        (answer,) = self._network.run(np.stack(lines)[:, None].astype(np.float32))
        return list(np.exp(answer))


def batched(lines: list[Image], step: int, least: int) -> Tensor:
    """Return lines side by side for a network: count, rows, columns, colours, from -1 to 1; grey where one is short."""
    width = max(least, *(line.shape[1] for line in lines))
    width = -(-width // step) * step
    batch = np.zeros((len(lines), HEIGHT, width, 3), np.float32)
    for at, line in enumerate(lines):
        fit = line if line.shape[0] == HEIGHT else cv2.resize(line, (line.shape[1], HEIGHT))
        batch[at, :, : fit.shape[1]] = fit.astype(np.float32) / 127.5 - 1.0
    return batch


class TextRecogniser:
    """PP-OCR's network for lines of any text, its thousands of characters folded to those of plates.

    Small letters and wide forms count as the capital; spaces, dashes and dots count as blank. What it gives to other
    signs stays missing, so that a line of them is unlikely to be any plate.
    """

    _SEPARATORS = " -.·•:_—*'|~"

    def __init__(self, threads: int = 1) -> None:
        self._network = Network(text_network("PP-OCRv6_rec_small.onnx"), threads)
        known = ["", *self._network.note("character").split("\n")]
        self._known = [*known, " "]
        first: dict[str, int] = {}
        for at, char in enumerate(known):
            first.setdefault(char, at)
        first.setdefault(" ", len(known))
        pairs = [(BLANK, 0)]
        pairs += [(BLANK, first[char]) for char in self._SEPARATORS if char in first]
        for column, char in enumerate(CHARACTERS, 1):
            forms = {char, char.lower(), chr(ord(char) + 0xFEE0)}
            pairs += [(column, first[form]) for form in sorted(forms) if form in first]
        self._sources = np.asarray([source for _, source in pairs])
        targets = np.asarray([target for target, _ in pairs])
        self._folding = np.zeros((len(pairs), COLUMNS), np.float32)
        self._folding[np.arange(len(pairs)), targets] = 1.0

    def read(self, image: Image, crops: list[Corners]) -> list[Distribution]:
        """Return a distribution for each crop."""
        if not crops:
            return []
        lines = [straightened(image, corners, HEIGHT, WIDEST) for corners in crops]
        batch = batched(lines, 32, 96).transpose(0, 3, 1, 2)
        (answer,) = self._network.run(np.ascontiguousarray(batch))
        sources = self._sources[self._sources < answer.shape[2]]
        return list(answer[:, :, sources] @ self._folding[: len(sources)])

    def plain(self, lines: list[Image]) -> list[tuple[str, float]]:
        """Return any text of each line, as the network has it, with the mean probability of its characters."""
        if not lines:
            return []
        batch = batched(lines, 32, 96).transpose(0, 3, 1, 2)
        (answer,) = self._network.run(np.ascontiguousarray(batch))
        return [self._plain(places) for places in answer]

    def _plain(self, places: Tensor) -> tuple[str, float]:
        picked = places.argmax(axis=1)
        told = [t for t, at in enumerate(picked) if at and (t == 0 or at != picked[t - 1])]
        text = "".join(self._known[picked[t]] for t in told if picked[t] < len(self._known))
        return text, float(np.mean([places[t, picked[t]] for t in told])) if told else 0.0
