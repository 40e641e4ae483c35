"""What a reading process says of a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .reading.port import Quad, Reading

Outcome = Literal["analysed", "rejected", "failed"]


@dataclass(frozen=True, slots=True)
class Found:
    """A plate on a picture.

    Attributes:
        reading: what was read, where on the picture.
        clarity: how large and sharp it is, 0 to 1.
        crop: a JPEG of it.
    """

    reading: Reading
    clarity: float
    crop: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a picture.

    Attributes:
        outcome: ``analysed``; ``rejected``: it is no picture; ``failed``: the reader did not manage.
        reason: why, if it was not analysed.
        found: the plates.
        stages: seconds that parts of it took.
        unusable: how many more were found that are none, or too many.
    """

    outcome: Outcome
    reason: str = ""
    found: tuple[Found, ...] = ()
    stages: Mapping[str, float] = field(default_factory=dict)
    unusable: int = 0


def answer_of(header: Mapping[str, Any], crops: bytes) -> Answer:
    """Return what a reading process says.

    Raises:
        ValueError: it says nothing that can be understood.
    """
    outcome = header.get("outcome")
    reason = str(header.get("reason", ""))[:500]
    if outcome == "rejected":
        return Answer("rejected", reason)
    if outcome == "failed":
        return Answer("failed", reason)
    if outcome != "analysed":
        raise ValueError(f"outcome {str(outcome)[:40]!r}")
    found: list[Found] = []
    unusable = max(0, int(header.get("over", 0)))
    at = 0
    for fields in header["readings"]:
        size = int(fields["crop"])
        crop, at = crops[at : at + size], at + size
        reading = _reading(fields)
        if reading is None:
            unusable += 1
        else:
            found.append(Found(reading, min(1.0, max(0.0, float(fields["clarity"]))), crop))
    stages = {str(name): float(seconds) for name, seconds in header.get("stages", {}).items()}
    return Answer("analysed", "", tuple(found), stages, unusable)


def _reading(fields: Mapping[str, Any]) -> Reading | None:
    """Return a reading, None if it could be no plate: an empty text, one of forty characters, a place that is none."""
    text, quad = str(fields["text"]), _quad(fields["quad"])
    confidence = float(fields["confidence"])
    if quad is None or not 0 <= confidence <= 1 or not is_plate_text(text):
        return None
    characters = tuple(min(1.0, max(0.0, float(each))) for each in fields["characters"])
    alternatives = tuple((str(t), min(1.0, max(0.0, float(p)))) for t, p in fields["alternatives"])
    return Reading(
        text,
        confidence,
        characters if len(characters) == len(text) else (confidence,) * len(text),
        quad,
        str(fields["region"])[:16],
        str(fields["pattern"])[:32],
        tuple((t, p) for t, p in alternatives if is_plate_text(t) and t != text),
    )


def is_plate_text(text: str) -> bool:
    """Return whether a text could be one of a plate: 1 to 16 of A-Z and 0-9."""
    return 1 <= len(text) <= 16 and text.isascii() and text.isalnum() and text == text.upper()


def _quad(corners: Any) -> Quad | None:
    points = [(float(x), float(y)) for x, y in corners]
    if len(points) != 4 or not all(math.isfinite(value) for point in points for value in point):
        return None
    return points[0], points[1], points[2], points[3]
