"""What is stored, how old it is, and how old it should become: figures for dashboards and alarms."""

from __future__ import annotations

from gatehouse_common.clock import SECOND, Clock
from gatehouse_common.db import ChunkDays, Database, HoldRepository, MediaTrash, RetentionReader, SessionTrash
from gatehouse_common.messages import CameraState, GapCause
from gatehouse_common.observability.metrics import (
    CONSISTENCY_ISSUES,
    HELD_BYTES,
    HOLDS,
    OLDEST_RECORDING,
    RETENTION_LEFT,
    RETENTION_RESERVE,
    RETENTION_TARGET,
    STORAGE_BYTES,
)
from gatehouse_common.retention import CameraRules


class Gauges:
    """Sets the figures; for the leader alone, who looks at all of it anyway."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._clock = clock
        self._days, self._reader, self._holds = ChunkDays(db), RetentionReader(db), HoldRepository(db)
        self._files, self._media = SessionTrash(db), MediaTrash(db)
        self._shown: set[str] = set()

    def show(self, rules: CameraRules) -> None:
        """Set them as things stand.

        Raises:
            Unavailable: the database does not answer.
        """
        now_us = self._clock.now_us()
        sizes: dict[str, int] = {}
        for day in self._days.all():
            sizes[day.camera] = sizes.get(day.camera, 0) + day.bytes
        for camera in rules.recorded - sizes.keys():
            one = rules.cameras[camera]
            if one.state == CameraState.RECORDING or one.state_cause == GapCause.STORAGE_FULL:
                sizes[camera] = 0  # nothing is left: that is as far as can be from the age that it should have
        holds = self._holds.list(now_us)
        oldest = self._reader.oldest_starts(sizes, holds)
        for camera, size in sizes.items():
            STORAGE_BYTES.labels("continuous", camera).set(size)
            OLDEST_RECORDING.labels(camera).set(max(0, now_us - oldest.get(camera, now_us)) / SECOND)
            RETENTION_TARGET.labels(camera).set((rules.of(camera).continuous_us or 0) / SECOND)
        for camera in self._shown - sizes.keys():
            STORAGE_BYTES.remove("continuous", camera)
            OLDEST_RECORDING.remove(camera)
            RETENTION_TARGET.remove(camera)
        self._shown = set(sizes)
        STORAGE_BYTES.labels("event", "").set(self._reader.clip_totals().bytes)
        STORAGE_BYTES.labels("session", "").set(self._files.bytes())
        STORAGE_BYTES.labels("upload", "").set(self._media.bytes())
        HOLDS.set(len(holds))
        HELD_BYTES.set(self._holds.held_bytes(now_us))

    def forget(self) -> None:
        """Show nothing any more: another process leads."""
        for gauge in (STORAGE_BYTES, OLDEST_RECORDING, RETENTION_TARGET, CONSISTENCY_ISSUES):
            gauge.clear()
        for figure in (HOLDS, HELD_BYTES, RETENTION_RESERVE, RETENTION_LEFT):
            figure.set(0)
        self._shown.clear()
