"""Sees which cameras are not recorded that should be, also where whoever recorded them is gone and cannot say so."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace

import structlog

from gatehouse_common.db import Camera, CameraRepository, LeaseRepository, Sight, present_cause
from gatehouse_common.errors import GatehouseError
from gatehouse_common.messages import CameraState, GapCause
from gatehouse_common.observability.metrics import RECORDING_ALARM
from gatehouse_common.observability.secrets import mask
from gatehouse_common.runtime import Check, Core
from gatehouse_common.runtime.buses import is_shared
from gatehouse_common.sharing.share import TTL_US
from gatehouse_common.sharing.watching import Watch

log = structlog.get_logger(__name__)

_LOOK_S = 1.0
_NOBODY = "nobody records it: the worker that did gives no sign of life"


class RecordingWatch:
    """Looks at cameras, and at the leases of those who record them, once a second.

    What a camera last reported stays in the index when its worker is killed. Where workers share the cameras, a lease
    that is not renewed for ``TTL_US`` says what the report does not; where they do not, they live and die with this
    process.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._cameras = CameraRepository(core.signs)
        self._leases = LeaseRepository(core.signs, "camera") if is_shared(core.settings) else None
        self._watch = Watch()
        self._unattended: dict[str, int] = {}
        self._alarms: dict[str, str] = {}

    def run(self, stop: threading.Event) -> None:
        """Look until told to stop."""
        while True:
            try:
                self.look()
            except Exception:  # a fault in one look must not end the looking
                log.exception("cameras could not be looked at")
            if self._core.clock.wait(stop, _LOOK_S):
                return

    def look(self) -> None:
        """See how cameras and leases stand, and tell the metric. While the index is away, nothing is known anew."""
        try:
            cameras = self._cameras.list()
            if self._leases is not None:
                self._see(cameras, self._leases.look())
        except GatehouseError as error:
            log.debug("cameras were not looked at", reason=error.message)
            self._watch.blind()
            return
        alarms = {}
        for camera in map(self.seen, cameras):
            should = camera.enabled and camera.state != CameraState.ENDED
            missing = should and present_cause(camera) is not None
            RECORDING_ALARM.labels(camera.id).set(missing)
            alarms[camera.id] = mask(camera.state_detail) or str(camera.state_cause) if missing else ""
        for gone in self._alarms.keys() - alarms.keys():
            RECORDING_ALARM.remove(gone)
        self._alarms = alarms

    def seen(self, camera: Camera) -> Camera:
        """Return a camera as it is seen to be: not recorded, whatever it reported last, if nobody is there to do it."""
        since_us = self._unattended.get(camera.id)
        if since_us is None or not camera.enabled:
            return camera
        return replace(
            camera,
            state=CameraState.RECONNECTING.value,
            state_cause=GapCause.SERVICE_DOWN.value,
            state_detail=_NOBODY,
            state_since_us=max(since_us, camera.created_us),
            fps=0.0,
        )

    def checks(self) -> list[Check]:
        """Return for each camera whether it is recorded as it should be, where no service of this process knows."""
        if self._leases is None:
            return []
        return [Check(f"camera {camera}", not why, why) for camera, why in sorted(self._alarms.items())]

    def _see(self, cameras: list[Camera], sight: Sight) -> None:
        now, clock_us = self._core.clock.monotonic_us(), self._core.clock.now_us()
        leases: Mapping[str, object] = {one.resource: (one.owner, one.epoch, one.renewals) for one in sight.leases}
        wanted = [camera.id for camera in cameras if camera.enabled]
        # No lease is a look of its own: a camera that was just added has nobody for a second.
        self._watch.see({camera: str(leases.get(camera)) for camera in wanted}, now)
        silent = {camera: self._watch.same_for_us(camera, now) for camera in wanted}
        self._unattended = {
            camera: self._unattended.get(camera, clock_us - for_us)
            for camera, for_us in silent.items()
            if for_us >= TTL_US
        }
