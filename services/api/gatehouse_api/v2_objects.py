"""What clients of the older plate recorder know: its segments, detections and enhanced results, of the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gatehouse_common.clock import SECOND
from gatehouse_common.db import Clip, PlateEvent
from gatehouse_common.messages import ReadingFields

from .plate_views import box_of

_HIGH, _MEDIUM = 0.7, 0.4


def segment(clip: Clip) -> dict[str, Any]:
    """Return a clip as a video segment; ``file_path`` is below the data directory or the bucket."""
    return {
        "id": clip.id,
        "file_path": clip.key,
        "start_time": clip.start_us / SECOND,
        "end_time": clip.end_us / SECOND,
        "duration_seconds": (clip.end_us - clip.start_us) / SECOND,
        "file_size_bytes": clip.bytes,
        "resolution": f"{clip.width}x{clip.height}",
        "archived": clip.state in {"archived", "purged"},
        "detection_ids": list(clip.events),
    }


def detection(event: PlateEvent, clips: Sequence[Clip]) -> dict[str, Any]:
    """Return a plate event as a detection; ``state`` is the region whose syntax it fits, in capitals.

    The box is where the plate is in the picture of ``image_path``, and the timestamp that of this picture.
    """
    kept = [clip.key for clip in clips if clip.key]
    x, y = event.area[:2] or (0, 0)  # of that picture, in the camera's, in whose pixels the plate's corners are
    left, upper, right, lower = box_of(event.quad)
    return {
        "detection_id": event.id,
        "plate_text": event.text,
        "confidence": event.confidence,
        "timestamp": event.best_us / SECOND,
        "box": [round(left - x), round(upper - y), round(right - x), round(lower - y)],
        "state": event.region.upper(),
        "status": "rejected" if event.rejected else "active",
        "image_path": event.frame_key or None,
        "video_path": kept[0] if kept else None,
    }


def enhanced(event: PlateEvent) -> dict[str, Any]:
    """Return a plate event as an enhanced result: what became of its reads by vote, or by a person."""
    if event.corrected_us is not None:
        how, when = "corrected", event.corrected_us
    else:
        how, when = "consensus" if event.reads > 1 else "single_best", event.end_us
    return {
        "enhanced_id": event.id,
        "original_detection_id": event.id,
        "plate_text": event.text,
        "confidence": event.confidence,
        "timestamp": when / SECOND,
        "match_type": how,
        "confidence_category": category(event.confidence),
    }


def category(confidence: float) -> str:
    """Return a confidence in a word."""
    return "HIGH" if confidence >= _HIGH else "MEDIUM" if confidence >= _MEDIUM else "LOW"


def answered(request: str, reading: ReadingFields, time_us: int) -> dict[str, Any]:
    """Return what a detector found in a picture that it was asked about."""
    return {
        "detection_id": request,
        "plate_text": reading.text,
        "confidence": reading.confidence,
        "timestamp": time_us / SECOND,
        "box": [round(edge) for edge in box_of(reading.quad)],
        "state": reading.region.upper(),
    }
