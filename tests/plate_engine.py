"""A reading process for tests: ``python plate_engine.py SCENES FD``. It reads the frame number burned into a picture.

SCENES is a JSON file: for each number the plates that are "read", or what goes wrong instead.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import simplejpeg

from gatehouse_common.errors import InvalidInput
from gatehouse_common.testing import barcode
from gatehouse_detector import worker
from gatehouse_detector.channel import Channel
from gatehouse_detector.reading.port import Engine, Image, Reading

WIDTH, HEIGHT = 640, 360


def picture(number: int, width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """Return a JPEG with a frame number burned in."""
    grey = np.full((height, width), 128, np.uint8)
    barcode.draw(grey, number)
    return simplejpeg.encode_jpeg(np.ascontiguousarray(grey[:, :, None]), quality=90, colorspace="GRAY")


def plate(text: str, x: float, y: float, *, width: float = 80, confidence: float = 0.8) -> dict[str, Any]:
    return {"text": text, "x": x, "y": y, "width": width, "confidence": confidence}


class ScriptedEngine:
    """Says of each picture what the scenes say."""

    def __init__(self, scenes: Mapping[str, Any]) -> None:
        self._scenes = scenes
        self.stages = {"find": 0.001}

    def read(self, image: Image, region: str = "") -> list[Reading]:
        number = barcode.read(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))
        scene = self._scenes.get(str(number), [])
        if isinstance(scene, str):
            _go_wrong(scene)
            return []
        return [_reading(one, region) for one in scene]


def _go_wrong(how: str) -> None:
    if how == "raise":
        raise RuntimeError("the network is confused")
    if how == "hang":
        time.sleep(3600)
    if how == "slow":
        time.sleep(0.2)
    if how == "die":
        os._exit(3)
    if how == "crash":
        ctypes.string_at(0)
    if how == "exit":
        sys.exit("a library that exits")
    if how == "print":
        os.write(1, b"noise of a library\n" * 1000)


def _reading(one: Mapping[str, Any], region: str) -> Reading:
    half, tall = one["width"] / 2, one["width"] / 8
    left, right, top, bottom = one["x"] - half, one["x"] + half, one["y"] - tall, one["y"] + tall
    text = one["text"]
    characters = tuple([0.9] * len(text))
    quad = ((left, top), (right, top), (right, bottom), (left, bottom))
    return Reading(text, one["confidence"], characters, quad, region)


def open_scripted(opening: Mapping[str, Any]) -> Engine:
    scenes = json.loads(Path(sys.argv[1]).read_text())
    if scenes.get("open") == "refuse":
        raise InvalidInput("the model file is none")
    if scenes.get("open") == "raise":
        raise ImportError("no module named magic")
    if scenes.get("open") == "die":
        os._exit(7)
    return ScriptedEngine(scenes)


def command(scenes: Path) -> list[str]:
    return [sys.executable, str(Path(__file__)), str(scenes)]


if __name__ == "__main__":
    sys.exit(worker.serve(Channel(socket.socket(fileno=int(sys.argv[2]))), open_scripted))
