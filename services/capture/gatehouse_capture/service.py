"""The capture service: a worker per enabled camera, and what keeps them right."""

from __future__ import annotations

import threading

import structlog

from gatehouse_common.bus import Delivery
from gatehouse_common.clock import SECOND
from gatehouse_common.db import CameraRepository, FootageReader
from gatehouse_common.media.chunk_file import FsyncPolicy
from gatehouse_common.media.recorder import ChunkPolicy
from gatehouse_common.messages import CameraState, GapCause, LiveRequested
from gatehouse_common.runtime import Check, Core
from gatehouse_common.runtime.database import wait_for
from gatehouse_common.settings import fsync_every_us

from .camera import CameraWorker, Timing
from .live import LiveTap
from .notices import Outbox
from .roster import Assignment, Roster
from .run_notices import Desk

log = structlog.get_logger(__name__)

_STOP_S = 8.0
_LOOK_S = 10.0
_DATABASE_S = 3.0
"""Recording waits for the database for so long only; then it records the cameras of the last time."""


def build(core: Core) -> CaptureService:
    """Return the service."""
    return CaptureService(core)


class CaptureService:
    """Records every enabled camera."""

    name = "capture"

    def __init__(self, core: Core) -> None:
        self._core = core
        self._roster = Roster(CameraRepository(core.db), FootageReader(core.db), core.data_dir / "cameras.json")
        self._workers: dict[str, CameraWorker] = {}
        self._taps: dict[str, LiveTap] = {}
        self._ends: dict[str, int | None] = {}
        self._changed = threading.Event()
        recording = core.settings.values.recording
        self._policy = ChunkPolicy(
            part_us=round(recording.part_seconds * SECOND),
            chunk_us=round(recording.chunk_seconds * SECOND),
            fsync=FsyncPolicy(fsync_every_us(recording.fsync)),
        )
        self._timing = Timing(recording.idle_seconds)
        self._fragment_us = round(recording.live_fragment_seconds * SECOND)

    def run(self, stop: threading.Event) -> None:
        """Record until told to stop; then finish every chunk file."""
        soon = threading.Event()
        threading.Timer(_DATABASE_S, soon.set).start()
        wait_for(self._core.db, soon, self._core.clock)
        threading.Thread(target=self._wake_when, args=(stop,), name="capture-stop", daemon=True).start()
        outbox = Outbox(self._core.bus)
        changes = self._core.bus.subscribe("capture", self._on_change)
        live = self._core.bus.subscribe_transient([LiveRequested], self._on_live)
        try:
            while not stop.is_set():
                self._changed.clear()
                self._follow(self._roster.load(), outbox)
                self._changed.wait(_LOOK_S)
        finally:
            changes.close()
            live.close()
            self._stop_all(list(self._workers), GapCause.SERVICE_DOWN)
            outbox.close()

    def health(self) -> list[Check]:
        """Return whether every camera that should record does."""
        checks = []
        for worker in list(self._workers.values()):
            status = worker.status
            ok = status.state in {CameraState.RECORDING, CameraState.STARTING, CameraState.ENDED}
            checks.append(Check(f"camera {worker.id}", ok, "" if ok else status.detail))
        return checks

    def _wake_when(self, stop: threading.Event) -> None:
        stop.wait()
        self._changed.set()

    def _on_change(self, _delivery: Delivery) -> None:
        self._changed.set()

    def _on_live(self, delivery: Delivery) -> None:
        tap = self._taps.get(delivery.message.camera)
        if tap is not None and isinstance(delivery.message, LiveRequested):
            tap.request(delivery.message)

    def _follow(self, wanted: list[Assignment], outbox: Outbox) -> None:
        """Start, restart and stop workers so that exactly ``wanted`` is recorded."""
        urls = {a.id: a.url for a in wanted}
        gone = [i for i, w in self._workers.items() if urls.get(i) != w.url]
        self._stop_all(gone, GapCause.DISABLED)
        for one in wanted:
            if one.id not in self._workers:
                self._start(one, outbox)

    def _start(self, one: Assignment, outbox: Outbox) -> None:
        tap = LiveTap(self._core.bus, self._core.clock, one.id, self._fragment_us)
        desk = Desk(one.id, self._core.data_dir, self._policy, self._core.clock, outbox.send, tap)
        known = max((e for e in (one.end_us, self._ends.get(one.id)) if e is not None), default=None)
        worker = CameraWorker(one.url, desk, self._timing, lambda: known)
        self._taps[one.id], self._workers[one.id] = tap, worker
        worker.start()

    def _stop_all(self, ids: list[str], cause: GapCause) -> None:
        workers = [self._workers.pop(i) for i in ids]
        for worker in workers:
            worker.stop(cause)
            self._taps.pop(worker.id, None)
        for worker in workers:
            if not worker.join(_STOP_S):
                log.error("camera did not stop in time", camera=worker.id)
            self._ends[worker.id] = worker.end_us
