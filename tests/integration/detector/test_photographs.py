"""Real photographs, read as `gatehouse plates bench` reads them: right answers, and nothing else (A1-A3)."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from gatehouse.plate_bench import Bench, Row, rows_of
from gatehouse_detector.reading.engines import open_engine
from gatehouse_detector.reading.images import decode
from gatehouse_detector.reading.port import Engine

EVERY = {"us": 4, "eu": 3, "br": 3}
"""One of so many photographs of a region is read here; the command reads all."""


def photographs() -> Path:
    data = os.environ.get("GATEHOUSE_TEST_DATA")
    if not data:
        pytest.skip("GATEHOUSE_TEST_DATA names no folder with photographs of plates")
    return Path(data) / "plates"


def sample(folder: Path) -> list[Row]:
    rows = rows_of(folder / "index.csv")
    return [row for region, step in EVERY.items() for row in [r for r in rows if r.region == region][::step]]


@cache
def measured(folder: Path, *, hinted: bool) -> Bench:
    bench = Bench(open_engine(), baseline=False)
    for row in sample(folder):
        bench.read(row, decode((folder / row.file).read_bytes()), row.region if hinted else "")
    return bench


@pytest.mark.slow
@pytest.mark.parametrize(("region", "exact", "folded"), [("us", 0.85, 0.85), ("eu", 0.83, 0.94), ("br", 0.92, 0.92)])
def test_plates_are_read_to_the_letter(region: str, exact: float, folded: float) -> None:
    """A1, A2."""
    score = measured(photographs(), hinted=True).regions[region]
    assert score.exact >= exact
    assert score.folded >= folded


@pytest.mark.slow
def test_sure_answers_are_plates() -> None:
    """A3."""
    bench = measured(photographs(), hinted=True)
    assert bench.sure >= 40
    assert bench.share(bench.sure_on_plate) >= 0.95


@pytest.mark.slow
def test_no_region_has_to_be_named() -> None:
    bench = measured(photographs(), hinted=False)
    hinted = measured(photographs(), hinted=True)
    right = sum(score.folded_n for score in bench.regions.values())
    assert right >= 0.9 * sum(score.folded_n for score in hinted.regions.values())


def street(seed: int) -> np.ndarray:
    """Return a picture of panels, edges and noise, as large as a moving region."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(30, 220, (5, 7, 3)).astype(np.float32)
    picture = cv2.resize(coarse, (640, 480), interpolation=cv2.INTER_CUBIC)
    for _ in range(8):
        x, y, w, h = (int(v) for v in rng.integers(20, 300, 4))
        cv2.rectangle(picture, (x, y), (x + w, y + h), tuple(float(v) for v in rng.uniform(0, 255, 3)), -1)
    return np.clip(picture + rng.normal(0, 3, picture.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "words",
    [
        "2024-05-17 10:23:45",
        "17/05/2024 22:41",
        "10:23:45",
        "CAM 01",
        "Cam2 2024-05-17",
        "HYBRID",
        "TURBO 4X4",
        "OPEN 24H",
        "CALL 555-0199",
        "SALE 50%",
        "PIZZA",
        "EXIT 12",
    ],
)
@pytest.mark.parametrize("scale", [0.7, 1.3])
def test_dates_badges_and_signs_are_no_plates(words: str, scale: float) -> None:
    """A3: what cameras and shops write is not answered for a plate."""
    picture = street(len(words))
    at = (30, 60) if words[0].isdigit() or words.startswith(("CAM", "Cam")) else (90, 300)
    cv2.putText(picture, words, at, cv2.FONT_HERSHEY_SIMPLEX, scale, (0, 0, 0), 5, cv2.LINE_AA)
    cv2.putText(picture, words, at, cv2.FONT_HERSHEY_SIMPLEX, scale, (255, 255, 255), 2, cv2.LINE_AA)
    sure = [reading.text for reading in engine().read(picture) if reading.confidence > 0.5]
    assert sure == []


@cache
def engine() -> Engine:
    return open_engine()


def test_a_picture_without_anything_has_no_plate() -> None:
    for level in (0, 127, 255):
        assert open_engine().read(np.full((360, 640, 3), level, np.uint8)) == []


def test_tiny_and_slim_pictures_are_survived() -> None:
    for rows, columns in ((16, 16), (16, 3000), (3000, 16), (33, 65)):
        picture = np.random.default_rng(2).integers(0, 255, (rows, columns, 3), np.uint8)
        assert all(reading.confidence <= 0.5 for reading in open_engine().read(picture))
