"""All services in one process: the one place where they meet. Built in order, stopped in reverse."""

from __future__ import annotations

import structlog

from gatehouse_api.service import ApiService
from gatehouse_api.service import build as build_api
from gatehouse_capture.service import build as build_capture
from gatehouse_common.errors import GatehouseError, Kind
from gatehouse_common.runtime import Build, Core, DataLock, Supervisor
from gatehouse_common.settings import Settings
from gatehouse_indexer.service import build as build_indexer
from gatehouse_segmenter.service import build as build_segmenter

from .roster import CameraArgument, begin_states, enrol
from .startup import check_room, check_startup

log = structlog.get_logger(__name__)

SERVICES: tuple[tuple[str, Build], ...] = (
    ("indexer", build_indexer),
    ("segmenter", build_segmenter),  # recovers the spool when built: before capture writes to it
    ("api", build_api),
    ("capture", build_capture),
)
"""Consumers before producers. A service's ``build`` may use what those above it made durable."""

STOP_S = 8.0


class Gatehouse:
    """A running Gatehouse on one data directory.

    Args:
        settings: the settings.
        cameras: cameras of the command line, added to those that the index knows.

    Raises:
        Conflict: another process holds the data directory, the port is taken, or the index is of a newer version.
        ResourceExhausted: the disk is full.
        GatehouseError: something else would keep it from recording; nothing has been recorded then.
    """

    def __init__(self, settings: Settings, cameras: list[CameraArgument]) -> None:
        check_room(settings)
        self._lock = DataLock(settings.values.data_dir.absolute())
        try:
            self.settings = check_startup(settings)
            self.core = Core.open(self.settings)
        except BaseException:
            self._lock.release()
            raise
        try:
            self._upgrade()
            enrol(self.core, cameras)
            begin_states(self.core)
            self.services = [build(self.core) for _, build in SERVICES]
        except BaseException:
            self.core.close()
            self._lock.release()
            raise
        self._supervisor = Supervisor(self.services, self.core.clock)
        for service in self.services:
            if isinstance(service, ApiService):
                service.watch(self._supervisor.health)

    def start(self) -> None:
        """Start every service."""
        self._supervisor.start()

    def stop(self) -> bool:
        """Stop every service, newest first; return whether all ended in time."""
        ended = self._supervisor.stop(STOP_S)
        self.core.close()
        self._lock.release()
        return ended

    def _upgrade(self) -> None:
        """Bring the index up to date; one that does not answer now is waited for while recording goes on."""
        try:
            self.core.db.upgrade()
        except GatehouseError as error:
            if error.kind is not Kind.UNAVAILABLE:
                raise
            log.warning("the database does not answer: recording begins without it", reason=error.message)
