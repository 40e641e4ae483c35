"""The services of one process: the one place where they meet. Built in order, stopped in reverse."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import structlog

from gatehouse_api.service import ApiService
from gatehouse_api.service import build as build_api
from gatehouse_capture.service import build as build_capture
from gatehouse_capture.spool_keeper import build as build_spool
from gatehouse_common.errors import GatehouseError, Kind
from gatehouse_common.observability.exporting import registry_of
from gatehouse_common.runtime import Build, Core, DataLock, Service, SettingsFollower, Supervisor
from gatehouse_common.runtime.inner_address import InnerAddress
from gatehouse_common.settings import Settings
from gatehouse_detector.service import build as build_detector
from gatehouse_indexer.service import build as build_indexer
from gatehouse_janitor.service import build as build_janitor
from gatehouse_segmenter.service import build as build_segmenter
from gatehouse_transcoder.service import build as build_transcoder

from .roster import CameraArgument, begin_states, enrol, seal
from .startup import check_startup, find_room

log = structlog.get_logger(__name__)

SERVICES: tuple[tuple[str, Build], ...] = (
    ("capture", build_spool),  # recovers the spool when built: before capture writes to it
    ("indexer", build_indexer),
    ("segmenter", build_segmenter),
    ("detector", build_detector),
    ("janitor", build_janitor),
    ("transcoder", build_transcoder),
    ("api", build_api),
    ("capture", build_capture),
)
"""By the names that `gatehouse run` takes. Consumers before producers; a ``build`` may use what those above it made
durable."""

NAMES = ("capture", "segmenter", "indexer", "detector", "janitor", "transcoder", "api")
STOP_S = 8.0


class Gatehouse:
    """Running services on one data directory.

    Args:
        settings: the settings.
        cameras: cameras of the command line, added to those that the index knows.
        names: which services; all of them are a recorder that needs nobody else.

    Raises:
        Conflict: another process holds the data directory, a port is taken, or the index is of a newer version.
        ResourceExhausted: the disk is full.
        GatehouseError: something else would keep it from recording; nothing has been recorded then.
    """

    def __init__(
        self, settings: Settings, cameras: Sequence[CameraArgument] = (), names: Collection[str] = NAMES
    ) -> None:
        find_room(settings)
        self._lock = DataLock(settings.values.data_dir.absolute())
        self.inner: InnerAddress | None = None
        try:
            self.settings = check_startup(settings, names)
            if settings.values.service.listen:
                self.inner = InnerAddress(settings)
            self.core = Core.open(self.settings, inner=self.inner)
        except BaseException:
            self._release()
            raise
        try:
            self._upgrade()
            follower = SettingsFollower(self.core)
            if self._is_upgraded:
                follower.follow()  # before the first file is named
            seal(self.core)
            enrol(self.core, cameras)
            if set(names) == set(NAMES):
                begin_states(self.core)
            self.services: list[Service] = [build(self.core) for name, build in SERVICES if name in names]
        except BaseException:
            self.core.close()
            self._release()
            raise
        self.services.insert(0, follower)
        if self.inner is not None:
            self.services.insert(0, self.inner)  # it answers until everything else has ended
        self._supervisor = Supervisor(self.services, self.core.clock)
        registry = registry_of(names)
        for service in self.services:
            if isinstance(service, ApiService | InnerAddress):
                service.watch(self._supervisor.health)
                service.export(registry)

    def start(self) -> None:
        """Start every service."""
        self._supervisor.start()

    def stop(self) -> bool:
        """Stop every service, newest first; return whether all ended in time."""
        ended = self._supervisor.stop(STOP_S)
        self.core.close()
        self._lock.release()
        return ended

    def _release(self) -> None:
        if self.inner is not None:
            self.inner.close()
        self._lock.release()

    def _upgrade(self) -> None:
        """Bring the index up to date; one that does not answer now is waited for while recording goes on."""
        self._is_upgraded = False
        try:
            self.core.db.upgrade()
            self._is_upgraded = True
        except GatehouseError as error:
            if error.kind is not Kind.UNAVAILABLE:
                raise
            log.warning("the database does not answer: recording begins without it", reason=error.message)
