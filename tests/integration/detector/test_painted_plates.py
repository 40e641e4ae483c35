"""The camera that paints its own pictures shows plates that can be read: a first try needs no car."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from gatehouse_capture.drawing import Street
from gatehouse_detector.reading.engines import open_engine


@pytest.mark.parametrize("size", [(640, 360), (1280, 720), (1920, 1080)])
def test_the_plate_of_the_synthetic_car_is_read(size: tuple[int, int]) -> None:
    street = Street(*size, "GATE123")
    planes = [plane.ravel() for plane in street.draw(7, 1_700_000_000_000_000, 4.0)]
    picture = cv2.cvtColor(np.concatenate(planes).reshape(size[1] * 3 // 2, size[0]), cv2.COLOR_YUV2BGR_I420)
    (reading,) = open_engine().read(np.asarray(picture, np.uint8))
    assert reading.text == "GATE123"
    assert reading.confidence > 0.9
