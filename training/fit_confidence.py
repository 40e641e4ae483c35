"""Fits how features of a reading weigh for its confidence: ``python -m training.fit_confidence --help``.

Runs in the project's own environment. Photographs are split by picture, ten ways; the figures printed are those of the
pictures left out. What is written is fitted on all.
"""

from __future__ import annotations

import argparse
import json
import logging
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from gatehouse.plate_bench import Row, rows_of
from gatehouse_detector.reading import judge
from gatehouse_detector.reading.alphabet import folded
from gatehouse_detector.reading.builtin import Candidate, build
from gatehouse_detector.reading.images import decode

logger = logging.getLogger(__name__)
Vector = NDArray[np.float64]
FOLDS = 10
FOR_A_PLATE = {"agreement", "chance", "evidence", "score", "syntax", "weakest"}
"""Features of which more can only speak for a plate; they go together, and few readings could turn one round."""
RIDGE = 1.0
"""Weights are drawn to zero by so much: with a few hundred readings nothing may be trusted far."""


@dataclass(frozen=True)
class Seen:
    """A candidate: its picture, its features, whether it is on the plate and right."""

    picture: int
    values: dict[str, float]
    on_plate: bool
    right: bool


def main() -> None:
    """Read the photographs, fit, print, write."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("index", type=Path, help="index.csv of photographs with their plates")
    ask.add_argument("--empty", type=Path, nargs="*", default=[], help="folders of pictures without legible plates")
    ask.add_argument("--write", action="store_true", help="replace the engine's weights")
    options = ask.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    written = {}
    for recognisers, seen in look(options.index, options.empty).items():
        logger.info("after %d recognisers", recognisers)
        written[str(recognisers)] = weights_of(seen)
    logger.info("%s", json.dumps(written))
    if options.write:
        path = Path(judge.__file__).with_name("confidence.json")
        path.write_text(json.dumps(written, indent=1) + "\n")


def weights_of(seen: list[Seen]) -> dict[str, float]:
    """Fit, and tell how good the confidence is of pictures that were left out."""
    names = sorted(seen[0].values)
    for_a_plate = np.asarray([name in FOR_A_PLATE for name in [*names, "constant"]])
    x = np.asarray([[each.values[name] for name in names] for each in seen])
    mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-9
    x = np.hstack([(x - mean) / spread, np.ones((len(x), 1))])
    y = np.asarray([each.right for each in seen], float)
    folds = np.asarray([each.picture % FOLDS for each in seen])
    held = np.zeros(len(x))
    for fold in range(FOLDS):
        held[folds == fold] = chance(x[folds == fold], fit(x[folds != fold], y[folds != fold], for_a_plate))
    everything = fit(x, y, for_a_plate)
    tell("pictures left out", seen, held)
    tell("all", seen, chance(x, everything))
    weights = {name: round(float(w / s), 4) for name, w, s in zip(names, everything, spread, strict=False)}
    weights["constant"] = round(float(everything[-1] - (everything[:-1] * mean / spread).sum()), 4)
    return weights


def look(index: Path, empty: list[Path]) -> dict[int, list[Seen]]:
    """Return the candidates in all pictures, as one recogniser and as both see them."""
    engine = build()
    cv2.setNumThreads(1)
    seen: dict[int, list[Seen]] = {1: [], 2: []}
    pictures: list[tuple[Path, Row | None]] = [(index.parent / row.file, row) for row in rows_of(index)]
    pictures += [(path, None) for folder in empty for path in sorted(folder.glob("*.jpg"))]
    for number, (path, row) in enumerate(pictures):
        image = decode(path.read_bytes())
        for hint in [row.region, ""] if row else [""]:
            first = engine.first_look(image, hint)
            seen[1] += [_seen(number, row, each) for each in first]
            seen[2] += [_seen(number, row, each) for each in engine.second_look(image, hint, first[:3])]
    return seen


def _seen(number: int, row: Row | None, candidate: Candidate) -> Seen:
    x, y = candidate.line.corners.mean(axis=0)
    left, top, wide, high = row.box if row else (0, 0, 0, 0)
    on_plate = bool(left < x < left + wide and top < y < top + high)
    right = on_plate and row is not None and folded(candidate.hypothesis.text) == folded(row.plate)
    values = judge.features(candidate.hypothesis, candidate.line)
    return Seen(number, values, on_plate, right)


def fit(x: Vector, y: Vector, for_a_plate: NDArray[np.bool_]) -> Vector:
    """Return weights of which none that must speak for a plate speaks against it: such a feature is left out."""
    used = np.ones(x.shape[1], bool)
    while True:
        weights = np.zeros(x.shape[1])
        weights[used] = regression(x[:, used], y)
        wrong = for_a_plate & (weights < 0)
        if not wrong.any():
            return weights
        used &= ~wrong


def regression(x: Vector, y: Vector) -> Vector:
    """Return the weights of a logistic regression, the last one being the constant (Newton's method)."""
    weights = np.zeros(x.shape[1])
    pull = np.full(x.shape[1], RIDGE)
    pull[-1] = 1e-6
    for _ in range(40):
        p = chance(x, weights)
        slope = x.T @ (p - y) + pull * weights
        curve = (x * (p * (1 - p))[:, None]).T @ x + np.diag(pull)
        step = np.linalg.solve(curve, slope)
        weights -= step
        if np.abs(step).max() < 1e-6:
            break
    return weights


def chance(x: Vector, weights: Vector) -> Vector:
    """Return the fitted probabilities."""
    answer: Vector = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
    return answer


def tell(name: str, seen: list[Seen], p: Vector) -> None:
    """Print how good the confidence is."""
    sure = p > 0.5
    on_plate = np.asarray([each.on_plate for each in seen])
    right = np.asarray([each.right for each in seen])
    logger.info(
        "%s: %d sure of %d, on the plate %.3f, right %.3f",
        name, sure.sum(), len(seen), on_plate[sure].mean(), right[sure].mean(),
    )  # fmt: skip
    for low, high in ((0, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 0.9), (0.9, 0.97), (0.97, 1.0)):
        band = (p > low) & (p <= high)
        if band.any():
            said, told = p[band].mean(), right[band].mean()
            logger.info("  %.2f-%.2f: n %4d, said %.2f, right %.2f", low, high, band.sum(), said, told)


if __name__ == "__main__":
    main()
