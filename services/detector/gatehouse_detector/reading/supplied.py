"""The engine for networks that users bring: one that finds plates, one that reads them, both in ONNX files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from gatehouse_common.errors import InvalidInput

from .alphabet import CHARACTERS, COLUMNS, LONGEST, SHORTEST, Distribution
from .hypotheses import weigh
from .networks import Network, Tensor
from .port import Image, Reading
from .quads import Corners, as_quad, grown, shared, straightened
from .syntaxes import known_region
from .yolo import Box, boxes_of

_SIDE = 640
_LEAST = 0.25
_WIDEST = 640
_SAME_PLACE = 0.5


class SuppliedDetector:
    """A network that finds plates: of the YOLO family, as its common exporters write them.

    Raises:
        InvalidInput: the file is no network, takes no pictures of three colours, or answers in no known form.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        self._network = Network(path, threads)
        _, colours, rows, columns = self._network.input_shape
        if colours not in (3, None):
            raise InvalidInput(f"{path} finds no plates: it takes {colours} colours of a picture, not 3.")
        self._rows, self._columns = rows or _SIDE, columns or _SIDE
        self._type = _float_type(self._network)
        self.find(np.full((self._rows, self._columns, 3), 114, np.uint8))

    def find(self, image: Image) -> list[Box]:
        """Return the plates in a picture, the surest first."""
        factor = min(self._columns / image.shape[1], self._rows / image.shape[0])
        width, height = max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor))
        left, top = (self._columns - width) // 2, (self._rows - height) // 2
        canvas = np.full((self._rows, self._columns, 3), 114, np.uint8)  # the grey that these networks are trained with
        canvas[top : top + height, left : left + width] = cv2.resize(image, (width, height))
        picture = canvas[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32) / 255.0
        answers = self._network.run(np.ascontiguousarray(picture.astype(self._type)))
        found = boxes_of(answers, self._columns, self._rows)
        if found is None:
            shapes = ", ".join(str(list(answer.shape)) for answer in answers)
            raise InvalidInput(f"{self._network.path} answers {shapes}: none of the forms in which plates are found.")
        offset = np.asarray([left, top, left, top], np.float32)
        kept: list[Box] = []
        for box in sorted((each for each in found if each.score >= _LEAST), key=lambda each: -each.score):
            placed = Box((box.sides - offset) / factor, box.score)
            if all(shared(placed.corners, other.corners) < _SAME_PLACE for other in kept):
                kept.append(placed)
        return kept


class SuppliedRecogniser:
    """A network that reads a plate: one answer a place (CTC, blank first or last), or one a slot (padded at the end).

    Its alphabet is what the file notes as ``alphabet`` or ``character``, else 0-9 and A-Z.

    Raises:
        InvalidInput: the file is no network, or its answers are none over an alphabet.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        self._network = Network(path, threads)
        shape = self._network.input_shape
        self._last = shape[3] in (1, 3)
        colours, rows, columns = (shape[3], shape[1], shape[2]) if self._last else (shape[1], shape[2], shape[3])
        if colours not in (1, 3):
            raise InvalidInput(f"{path} reads no plates: it takes {colours} colours of a picture, not 1 or 3.")
        self._grey = colours == 1
        self.height, self._columns = rows or 48, columns
        self._bytes = "uint8" in self._network.input_type
        self._type = np.uint8 if self._bytes else _float_type(self._network)
        noted = self._network.note("alphabet") or self._network.note("character")
        self._alphabet = noted.split("\n") if "\n" in noted else list(noted or CHARACTERS)
        self.read(np.full((self.height, columns or 4 * self.height, 3), 127, np.uint8))

    def read(self, plate: Image) -> Distribution:
        """Return a distribution for a straightened plate, of any width."""
        fit = cv2.resize(plate, (self._columns or plate.shape[1], self.height), interpolation=cv2.INTER_LINEAR)
        picture: NDArray[np.generic] = (
            cv2.cvtColor(fit, cv2.COLOR_BGR2GRAY)[:, :, None] if self._grey else fit[:, :, ::-1]
        )
        scaled = picture if self._bytes else (picture.astype(np.float32) / 127.5 - 1.0).astype(self._type)
        batch = scaled[None] if self._last else scaled.transpose(2, 0, 1)[None]
        answer = self._network.run(np.ascontiguousarray(batch))[0]
        places = self._distribution(answer)
        if places is None:
            raise InvalidInput(
                f"{self._network.path} answers {list(answer.shape)}: no places or slots over "
                f"{len(self._alphabet)} characters and a blank."
            )
        return places

    def _distribution(self, answer: Tensor) -> Distribution | None:
        known = len(self._alphabet)
        flat = (
            answer.reshape(answer.shape[-2:])
            if answer.ndim >= 3 and answer.size == np.prod(answer.shape[-2:])
            else answer
        )
        if flat.ndim != 2:
            return None
        if flat.shape[0] == 1 and flat.shape[1] % (known + 1) == 0:
            flat = flat.reshape(-1, known + 1)
        if flat.shape[1] not in (known, known + 1, known + 2):
            return None
        chances = _as_chances(flat)
        slots = flat.shape[1] == known or self._pads()
        return self._slots(chances) if slots else self._places(chances)

    def _pads(self) -> bool:
        return any(char in self._alphabet for char in "_-")

    def _places(self, chances: Tensor) -> Distribution:
        """Columns are blank, the alphabet, perhaps a space; or the alphabet, then blank, where that is likelier."""
        first = chances[:, 0].mean() >= chances[:, len(self._alphabet)].mean()
        offset = 1 if first else 0
        answer = np.zeros((len(chances), COLUMNS), np.float32)
        answer[:, 0] = chances[:, 0 if first else len(self._alphabet)]
        for at, char in enumerate(self._alphabet):
            column = CHARACTERS.find(char.upper()) if char else -1
            answer[:, column + 1] += chances[:, at + offset]
        return answer

    def _slots(self, chances: Tensor) -> Distribution:
        """Each slot is one character: blanks between keep doubled ones apart."""
        answer = np.zeros((2 * len(chances), COLUMNS), np.float32)
        answer[1::2, 0] = 1.0
        for at, char in enumerate(self._alphabet):
            column = CHARACTERS.find(char.upper()) if char else -1
            answer[::2, column + 1] += chances[:, at]
        if chances.shape[1] > len(self._alphabet):
            answer[::2, 0] += chances[:, len(self._alphabet) :].sum(axis=1)
        return answer


class SuppliedEngine:
    """Reads plates with a user's two networks.

    Raises:
        InvalidInput: a file is missing, is no network, or is none of the kind needed.
    """

    def __init__(self, detector: Path, recogniser: Path, threads: int = 1) -> None:
        self._detector = SuppliedDetector(detector, threads)
        self._recogniser = SuppliedRecogniser(recogniser, threads)

    def read(self, image: Image, region: str = "") -> list[Reading]:
        """Return the plates in a picture, the surest first."""
        region = known_region(region)
        readings = [self._reading(image, box, region) for box in self._detector.find(image)]
        return sorted((each for each in readings if each is not None), key=lambda each: -each.confidence)

    def _reading(self, image: Image, box: Box, region: str) -> Reading | None:
        corners: Corners = grown(box.corners, 0.03, 0.03)
        plate = straightened(image, corners, self._recogniser.height, _WIDEST)
        hypothesis = weigh([[self._recogniser.read(plate)]], region)
        if hypothesis is None or not SHORTEST <= len(hypothesis.text) <= LONGEST:
            return None
        syntax = hypothesis.syntax
        return Reading(
            text=hypothesis.text,
            confidence=round(box.score * hypothesis.evidence, 4),
            characters=hypothesis.characters,
            quad=as_quad(box.corners),
            region=syntax.region if syntax else region,
            pattern=syntax.pattern if syntax else "",
            alternatives=hypothesis.alternatives,
        )


def _float_type(network: Network) -> type[np.float32 | np.float16]:
    if "float16" in network.input_type:
        return np.float16
    if network.input_type != "tensor(float)":
        raise InvalidInput(f"{network.path} takes {network.input_type}; needed are pictures of floats.")
    return np.float32


def _as_chances(answer: Tensor) -> Tensor:
    """Return probabilities of what may be scores before the last step."""
    if answer.min() >= -1e-3 and abs(float(answer.sum(axis=1).mean()) - 1.0) < 0.05:
        return answer
    raised = np.exp(answer - answer.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float32)
