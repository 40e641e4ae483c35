"""What has come of age: counted from the sums of days, and chunk by chunk only on the day on which age begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gatehouse_common.db import AgedFiles, ChunkDay, FileClass, HoldRepository, RetentionReader
from gatehouse_common.db.chunk_days import DAY_US
from gatehouse_common.db.models import MAX_CHUNK_US

from .rules import CameraRules


@dataclass(frozen=True, slots=True)
class ClassDue:
    """What of a class has come of age: ``continuous``, ``event``, ``session``, ``upload`` or ``export``."""

    kind: str
    objects: int
    bytes: int


def chunks_due(
    rules: CameraRules, reader: RetentionReader, holds: HoldRepository, days: Sequence[ChunkDay], now_us: int
) -> ClassDue:
    """Return how many recordings are too old and not held; ``days``: what is stored of each day."""
    count = size = 0
    partly: list[tuple[str, int, int, int]] = []
    before = {camera: rules.of(camera).continuous_before(now_us) for camera in {day.camera for day in days}}
    for day in days:
        limit, start_us = before[day.camera], day.day * DAY_US
        if limit is None or start_us >= limit:
            continue
        if start_us + DAY_US + MAX_CHUNK_US <= limit:
            count, size = count + day.chunks, size + day.bytes
        else:
            partly.append((day.camera, start_us, start_us + DAY_US, limit))
    some, their_bytes = reader.sums(partly)
    held = holds.held_recordings(now_us, {camera: at for camera, at in before.items() if at is not None})
    return ClassDue("continuous", max(0, count + some - held.objects), max(0, size + their_bytes - held.bytes))


def clips_due(rules: CameraRules, reader: RetentionReader, now_us: int) -> ClassDue:
    """Return how many clips are so old that their files go, held ones included."""
    count = size = 0
    for camera in reader.cameras_with_clips():
        own = rules.of(camera)
        before = own.archived_before(now_us)
        if before is not None:
            totals = reader.clip_totals(camera, before - own.archive_us)
            count, size = count + totals.clips, size + totals.bytes
    return ClassDue("event", count, size)


def files_due(kept_us: Mapping[FileClass, int], files: AgedFiles, now_us: int) -> list[ClassDue]:
    """Return how many files of people are too old and not held; ``kept_us`` is how long each class is kept."""
    found = []
    for kind, kept in kept_us.items():
        totals = files.due(kind, now_us - kept, now_us)
        found.append(ClassDue(kind, totals.objects, totals.bytes))
    return found
