"""From a network's answer to corners, and pictures straightened."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from gatehouse_detector.reading.plate_lines import PlateLines, lines_in
from gatehouse_detector.reading.quads import around, grown, ordered, shared, size, straightened
from gatehouse_detector.reading.text_boxes import lines_of

SLANTED = np.asarray([[40, 60], [200, 40], [204, 72], [44, 92]], np.float32)


def answer_for(corners: np.ndarray, cells: int = 64) -> np.ndarray:
    """Return what a network that is sure would answer for a line."""
    answer = np.zeros((9, cells, cells), np.float32)
    mask = np.zeros((cells, cells), np.uint8)
    cv2.fillPoly(mask, [(grown(corners, -0.16, -0.16) / 4).round().astype(np.int32)], 1)
    answer[0] = np.where(mask > 0, 4.0, -6.0)
    rows, columns = np.mgrid[0:cells, 0:cells] * 4 + 1.5
    for corner in range(4):
        answer[1 + 2 * corner] = (corners[corner, 0] - columns) / 32
        answer[2 + 2 * corner] = (corners[corner, 1] - rows) / 32
    return answer


def test_the_corners_that_the_cells_agree_on_are_the_lines() -> None:
    (line,) = lines_in(answer_for(SLANTED))
    assert line.corners == pytest.approx(SLANTED, abs=0.6)
    assert line.score > 0.9


def test_cells_far_from_an_end_do_not_pull_it_in() -> None:
    answer = answer_for(SLANTED)
    columns = np.arange(64) * 4 + 1.5
    for corner, side in ((0, -1), (3, -1), (1, 1), (2, 1)):
        far = np.abs(columns - SLANTED[corner, 0]) > 60
        answer[1 + 2 * corner][:, far] += -side * 40 / 32
    (line,) = lines_in(answer)
    assert size(line.corners)[0] == pytest.approx(size(SLANTED)[0], rel=0.12)


def test_where_nothing_is_seen_there_is_no_line() -> None:
    assert lines_in(np.full((9, 16, 16), -5.0, np.float32)) == []
    assert PlateLines().find(np.full((100, 160, 3), 128, np.uint8)) == []


def test_a_map_of_text_becomes_boxes() -> None:
    chances = np.zeros((100, 200), np.float32)
    chances[40:50, 50:120] = 0.9
    chances[5:7, 5:7] = 0.2
    (line,) = lines_of(chances)
    width, height = size(line.corners)
    assert width > 70
    assert 10 < height < 40


def test_a_slanted_line_is_straightened() -> None:
    picture = np.zeros((140, 260, 3), np.uint8)
    cv2.fillPoly(picture, [SLANTED.astype(np.int32)], (255, 255, 255))
    straight = straightened(picture, SLANTED, 32, 400)
    assert straight.shape[0] == 32
    assert straight.mean() > 240
    assert straightened(picture, grown(SLANTED, 0.5, 0.5), 32, 400).mean() < 200


def test_corners_come_clockwise_from_the_upper_left() -> None:
    assert ordered(SLANTED[[2, 0, 3, 1]]).tolist() == SLANTED.tolist()
    found = around(SLANTED)
    assert found is not None
    assert found[0].tolist() == pytest.approx([40, 60], abs=8)
    assert around(np.asarray([[0, 0], [6, 0], [6, 90], [0, 90]], np.float32)) is None
    assert shared(SLANTED, SLANTED) == pytest.approx(1)
    assert shared(SLANTED, SLANTED + 500) == 0
