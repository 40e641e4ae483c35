"""``python -m gatehouse_detector.worker FD``: reads plates on the pictures that come over the socket FD.

A process of its own can be ended when it hangs, takes no more than itself with it when it dies, and leaves the
processor to what records.
"""

from __future__ import annotations

import faulthandler
import math
import os
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2

from gatehouse_common.clock import SECOND, SystemClock
from gatehouse_common.errors import GatehouseError, InvalidInput, Unavailable

from .channel import Channel
from .cropping import clarity_of, crop_of
from .reading.engines import open_engine
from .reading.images import decode
from .reading.port import Engine, Image, Reading

OpenEngine = Callable[[Mapping[str, Any]], Engine]
"""Makes an engine of what the detector says of it."""

MOST_READINGS = 32
_NICE = 10
_OPENING_S = 300.0


def serve(channel: Channel, opener: OpenEngine) -> int:
    """Open an engine, then read until the other end is gone.

    Returns:
        0, or 1 if the engine could not be opened.
    """
    os.nice(_NICE)
    cv2.setNumThreads(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)  # as long as the process
    try:
        opening, _ = _next(channel, _OPENING_S, nowhere)
        engine, reason = _open(opener, opening)
        if engine is None:
            channel.send({"trouble": reason})
            return 1
        channel.send({"ready": True})
        while True:
            header, body = _next(channel, _OPENING_S, nowhere)
            answer, crops = look(engine, header, body)
            channel.send(answer, crops)
    except Unavailable:  # the detector has ended
        return 0


def _next(channel: Channel, limit_s: float, nowhere: int) -> tuple[dict[str, Any], bytes]:
    """Wait for what is to be done, and see to it that this process does not outlive it by much.

    Whoever waits for us kills us when we hang; but if they are gone, nobody does. This alarm needs no interpreter.
    """
    faulthandler.cancel_dump_traceback_later()
    message = channel.receive()
    if message is None:
        raise Unavailable("nothing came")
    seconds = float(message[0].get("seconds", limit_s))
    faulthandler.dump_traceback_later(2 * seconds + 5, exit=True, file=nowhere)
    return message


def _open(opener: OpenEngine, opening: Mapping[str, Any]) -> tuple[Engine | None, str]:
    try:
        return opener(opening), ""
    except GatehouseError as error:
        return None, error.message
    except (Exception, SystemExit) as error:  # noqa: BLE001 - libraries fail in their own ways; the detector tells it
        return None, f"the reader cannot be opened: {_told(error)}"


def look(engine: Engine, header: Mapping[str, Any], jpeg: bytes) -> tuple[dict[str, Any], bytes]:
    """Return what is on a picture, as the detector is told it, and the crops of the plates."""
    clock = SystemClock()
    begun = clock.monotonic_us()
    try:
        image = decode(jpeg)
        _check_size(image, header)
    except GatehouseError as error:
        return {"outcome": "rejected", "reason": error.message}, b""
    decoded = clock.monotonic_us()
    try:
        readings = engine.read(image, str(header.get("region", "")))
        fields, crops = _fields(image, readings)
    except GatehouseError as error:
        return {"outcome": "failed", "reason": error.message}, b""
    except (Exception, SystemExit) as error:  # noqa: BLE001 - an engine's fault costs one picture
        return {"outcome": "failed", "reason": f"the reader failed: {_told(error)}"}, b""
    stages = {
        "decode": (decoded - begun) / SECOND,
        "read": (clock.monotonic_us() - decoded) / SECOND,
        **_stages(engine),
    }
    return {"outcome": "analysed", "readings": fields, "stages": stages, "over": len(readings) - len(fields)}, crops


def _check_size(image: Image, header: Mapping[str, Any]) -> None:
    rows, columns = image.shape[:2]
    width, height = header.get("width", columns), header.get("height", rows)
    if (columns, rows) != (width, height):
        # What is read on it would be placed wrongly in the whole picture.
        raise InvalidInput(f"the picture is {columns}x{rows} and not {width}x{height} as its message says")


def _fields(image: Image, readings: list[Reading]) -> tuple[list[dict[str, Any]], bytes]:
    fields: list[dict[str, Any]] = []
    crops: list[bytes] = []
    for reading in sorted(readings, key=lambda r: -r.confidence)[:MOST_READINGS]:
        usable = all(math.isfinite(value) for corner in reading.quad for value in corner)
        crops.append(crop_of(image, reading.quad) if usable else b"")
        fields.append(
            {
                "text": reading.text,
                "confidence": float(reading.confidence),
                "characters": [float(each) for each in reading.characters],
                "quad": [[float(x), float(y)] for x, y in reading.quad],
                "region": reading.region,
                "pattern": reading.pattern,
                "alternatives": [[text, float(sure)] for text, sure in reading.alternatives],
                "clarity": clarity_of(image, reading.quad) if usable else 0.0,
                "crop": len(crops[-1]),
            }
        )
    return fields, b"".join(crops)


def _stages(engine: Engine) -> dict[str, float]:
    """Return the seconds that parts of reading took, where the engine tells."""
    told = getattr(engine, "stages", None)
    return {str(k)[:32]: float(v) for k, v in told.items()} if isinstance(told, Mapping) else {}


def _told(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def engine_of(opening: Mapping[str, Any]) -> Engine:
    """Return the engine that the settings name.

    Raises:
        GatehouseError: it cannot be opened; the sentence says why.
    """
    detector, recogniser = opening.get("detector_model"), opening.get("recogniser_model")
    return open_engine(
        str(opening["reader"]),
        detector_model=Path(detector) if detector else None,
        recogniser_model=Path(recogniser) if recogniser else None,
    )


def main(opener: OpenEngine = engine_of) -> int:
    """Serve the detector that started this process."""
    return serve(Channel(socket.socket(fileno=int(sys.argv[1]))), opener)


if __name__ == "__main__":
    sys.exit(main())
