"""Sees which cameras are not recorded that should be, also where whoever recorded them is gone and cannot say so."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import structlog

from gatehouse_common.clock import SECOND
from gatehouse_common.db import Camera, CameraRepository, LeaseRepository, Sight, present_cause
from gatehouse_common.errors import GatehouseError
from gatehouse_common.messages import CameraState, GapCause
from gatehouse_common.observability.metrics import RECORDING_ALARM, RECORDING_WANTED
from gatehouse_common.observability.secrets import mask
from gatehouse_common.runtime import Check, Core
from gatehouse_common.runtime.buses import is_shared
from gatehouse_common.sharing.share import TTL_US
from gatehouse_common.sharing.watching import Watch

log = structlog.get_logger(__name__)

_LOOK_S = 1.0
_LONGEST_S = 1.5
_STARTING_US = 8 * SECOND
_NOBODY = "nobody records it: the worker that did gives no sign of life"
_NO_WORKER = "nobody records it: the service that does has failed"
_BEGINNING_US = 3 * SECOND
"""Who was just told to record a camera, or is started again by who keeps services running, has taken it up by then."""


@dataclass(frozen=True, slots=True)
class _Unseen:
    """Why a camera is not recorded, what its report in the index says notwithstanding; since when, microseconds UTC."""

    cause: str
    detail: str
    since_us: int


class RecordingWatch:
    """Looks at cameras, and at those who record them, once a second.

    What a camera last reported stays in the index when its worker is killed. Where workers share the cameras, a lease
    that is not renewed for ``TTL_US`` says what the report does not. Where they do not, they live and die with this
    process, and are asked: a report may be on its way for as long as the disk takes no messages.

    Args:
        core: adapters and settings.
        checks: what the services of this process say of themselves.
    """

    def __init__(self, core: Core, checks: Callable[[], list[Check]]) -> None:
        self._core, self._checks = core, checks
        self._cameras = CameraRepository(core.signs)
        self._leases = LeaseRepository(core.signs, "camera") if is_shared(core.settings) else None
        self._watch, self._workers = Watch(), Watch()
        self._fresh = threading.Event()
        self._known: list[Camera] = []
        self._silent: dict[str, _Unseen] = {}
        self._unseen: dict[str, _Unseen] = {}
        self._alarms: dict[str, str] = {}

    def run(self, stop: threading.Event) -> None:
        """Look until told to stop."""
        # Apart: an index on a disk that does not answer must not keep this process from saying so.
        reading = threading.Thread(target=self._go_on_reading, args=(stop,), name="camera-states", daemon=True)
        reading.start()
        while not stop.is_set():
            self._core.clock.wait(self._fresh, _LONGEST_S)
            self._fresh.clear()
            _guarded(self._judge)
        reading.join(_LOOK_S)

    def look(self) -> None:
        """See how cameras and leases stand, and tell the metric."""
        self._read()
        self._judge()

    def _go_on_reading(self, stop: threading.Event) -> None:
        while True:
            _guarded(self._read)
            self._fresh.set()
            if self._core.clock.wait(stop, _LOOK_S):
                self._fresh.set()
                return

    def _read(self) -> None:
        """Read what the index says. While it is away, nothing of it is known anew."""
        try:
            cameras = self._cameras.list()
            if self._leases is not None:
                self._silent = self._watch_leases(cameras, self._leases.look())
            self._known = cameras
        except GatehouseError as error:
            log.debug("cameras were not looked at", reason=error.message)
            self._watch.blind()

    def _judge(self) -> None:
        cameras = self._known
        found = self._ask(cameras) if self._leases is None else self._silent
        # What goes on goes on since it was seen first.
        self._unseen = {c: replace(why, since_us=self._unseen.get(c, why).since_us) for c, why in found.items()}
        alarms = {}
        for camera in map(self.seen, cameras):
            should = camera.enabled and camera.state != CameraState.ENDED
            missing = should and present_cause(camera) is not None and not self._just_begun(camera)
            RECORDING_WANTED.labels(camera.id).set(should)
            RECORDING_ALARM.labels(camera.id).set(missing)
            alarms[camera.id] = mask(camera.state_detail) or str(camera.state_cause) if missing else ""
        for gone in self._alarms.keys() - alarms.keys():
            RECORDING_ALARM.remove(gone)
            RECORDING_WANTED.remove(gone)
        self._alarms = alarms

    def seen(self, camera: Camera) -> Camera:
        """Return a camera as it is seen to be: not recorded, whatever it reported last, if nobody is there to do it."""
        why = self._unseen.get(camera.id)
        if why is None or not camera.enabled:
            return camera
        return replace(
            camera,
            state=CameraState.RECONNECTING.value,
            state_cause=why.cause,
            state_detail=why.detail,
            state_since_us=max(why.since_us, camera.created_us),
            fps=0.0,
            dropped=0.0,
        )

    def checks(self) -> list[Check]:
        """Return for each camera whether it is recorded as it should be, where no service of this process knows."""
        if self._leases is None:
            return []
        return [Check(f"camera {camera}", not why, why) for camera, why in sorted(self._alarms.items())]

    def _just_begun(self, camera: Camera) -> bool:
        """Return whether a camera is being connected to for the first time, and that takes no longer than it may."""
        begun_us = max(camera.state_since_us or 0, camera.created_us)
        return camera.state == CameraState.STARTING and self._core.clock.now_us() - begun_us < _STARTING_US

    def _ask(self, cameras: list[Camera]) -> dict[str, _Unseen]:
        """Return what the index does not know yet of cameras that this process records."""
        checks = {check.name: check for check in self._checks()}
        said = {c.id: checks.get(f"camera {c.id}") for c in cameras if c.enabled and c.state == CameraState.RECORDING}
        now, clock_us = self._core.clock.monotonic_us(), self._core.clock.now_us()
        self._workers.see({camera: check is None for camera, check in said.items()}, now)
        found = {}
        for camera, check in said.items():
            if check is None and self._workers.same_for_us(camera, now) >= _BEGINNING_US:
                found[camera] = _Unseen(GapCause.SERVICE_DOWN.value, _NO_WORKER, clock_us)
            elif check is not None and not check.ok:
                found[camera] = _Unseen(check.cause or GapCause.CAMERA_OFFLINE.value, check.detail, clock_us)
        return found

    def _watch_leases(self, cameras: list[Camera], sight: Sight) -> dict[str, _Unseen]:
        """Return the cameras of which nobody gives a sign of life."""
        now, clock_us = self._core.clock.monotonic_us(), self._core.clock.now_us()
        leases: Mapping[str, object] = {one.resource: (one.owner, one.epoch, one.renewals) for one in sight.leases}
        wanted = [camera.id for camera in cameras if camera.enabled]
        # No lease is a look of its own: a camera that was just added has nobody for a second.
        self._watch.see({camera: str(leases.get(camera)) for camera in wanted}, now)
        silent = {camera: self._watch.same_for_us(camera, now) for camera in wanted}
        return {
            camera: _Unseen(GapCause.SERVICE_DOWN.value, _NOBODY, clock_us - for_us)
            for camera, for_us in silent.items()
            if for_us >= TTL_US
        }


def _guarded(look: Callable[[], None]) -> None:
    try:
        look()
    except Exception:  # a fault in one look must not end the looking
        log.exception("cameras could not be looked at")
