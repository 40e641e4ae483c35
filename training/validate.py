"""How well an exported model reads photographs: ``python -m training.validate MODEL.onnx FOLDER``.

The folder has ``index.csv`` (columns file, region, plate, x, y, width, height) and the photographs it names. Nothing is
ever trained on them. Plates are cut out by their given boxes, each a few times with the edges moved by chance.
"""

from __future__ import annotations

import argparse
import csv
import logging
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from training.alphabet import decode, fold
from training.degradation import rectify

logger = logging.getLogger(__name__)

JITTERS = 5


@dataclass(frozen=True)
class Photograph:
    """A photograph in grey, and the plate in it: its text and its box (x, y, width, height; pixels)."""

    name: str
    region: str
    plate: str
    grey: NDArray[np.uint8]
    box: tuple[float, float, float, float]


def load_photographs(folder: Path) -> list[Photograph]:
    """Load all photographs of a folder.

    Raises:
        OSError: The index or a photograph cannot be read.
    """
    out = []
    with (folder / "index.csv").open(encoding="utf-8", newline="") as index:
        for row in csv.DictReader(index):
            grey = cv2.imread(str(folder / row["file"]), cv2.IMREAD_GRAYSCALE)
            if grey is None:
                raise OSError(f"{folder / row['file']} is no picture")
            x, y, w, h = (float(row[key]) for key in ("x", "y", "width", "height"))
            out.append(Photograph(row["file"], row["region"], row["plate"], np.asarray(grey, np.uint8), (x, y, w, h)))
    return out


def cut(photograph: Photograph, rng: np.random.Generator, jitter: float) -> NDArray[np.uint8]:
    """Cut the plate out by its box, whose edges are moved by up to so much of its height."""
    x, y, w, h = photograph.box
    left, top, right, bottom = rng.uniform(-jitter, jitter, 4) * h
    x0, y0, x1, y1 = x + left, y + top, x + w + right, y + h + bottom
    return rectify(photograph.grey, np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32))


def read(session: onnxruntime.InferenceSession, crops: list[NDArray[np.uint8]]) -> list[tuple[str, float]]:
    """Read crops: the best path's text and the smallest of its signs' probabilities."""
    scores = session.run(None, {"crops": np.stack(crops)[:, None].astype(np.float32)})[0]
    out = []
    for one in scores:
        best = one.argmax(-1)
        signs = np.exp(one.max(-1))[best > 0]
        out.append((decode(best.tolist()), float(signs.min()) if len(signs) else 0.0))
    return out


def main() -> None:
    """Read the command line and print the shares read right, by region."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--jitter", type=float, default=0.1, help="of the box's height")
    parser.add_argument("--wrong", action="store_true", help="list what was read wrong")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(options.model), settings, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    right: dict[str, list[tuple[bool, bool, bool]]] = defaultdict(list)
    for photograph in load_photographs(options.folder):
        crops = [cut(photograph, rng, options.jitter if k else 0.0) for k in range(JITTERS)]
        readings = read(session, crops)
        best = max(readings, key=lambda reading: reading[1])[0]
        truth = photograph.plate
        for text, _ in readings:
            right[photograph.region].append((text == truth, fold(text) == fold(truth), best == truth))
        if options.wrong and best != truth:
            logger.info("%s %s: %s", photograph.region, truth, readings)
    for region, rows in sorted(right.items()):
        single, folded, best_of = np.mean(rows, axis=0)
        logger.info("%s exact %.3f folded %.3f, the surest of %d crops %.3f", region, single, folded, JITTERS, best_of)


if __name__ == "__main__":
    main()
