"""What keeps cameras' files from being cut, and for how long each is left alone for it."""

from __future__ import annotations

import structlog

from gatehouse_common.clock import SECOND
from gatehouse_common.errors import GatehouseError

log = structlog.get_logger(__name__)

_FIRST_US, _LONGEST_US = SECOND // 5, 10 * SECOND


class CameraPauses:
    """Pauses of cameras, each longer than the one before until it is well; ``""`` is of all of them together.

    Args:
        event: what the log is told when something is waited for that was not before.
    """

    def __init__(self, event: str) -> None:
        self._event = event
        self._pauses: dict[str, int] = {}
        self._troubles: dict[str, str] = {}

    @property
    def trouble(self) -> str:
        """What is waited for somewhere; empty: nothing."""
        return next(iter(list(self._troubles.values())), "")

    def longer(self, camera: str, error: GatehouseError) -> int:
        """Note what is waited for, and log it once; return for how long, microseconds, each time longer."""
        if self._troubles.get(camera) != error.message:
            log.warning(self._event, camera=camera, reason=error.message)
        self._troubles[camera] = error.message
        pause_us = self._pauses[camera] = min(self._pauses.get(camera, _FIRST_US // 2) * 2, _LONGEST_US)
        return pause_us

    def well(self, camera: str) -> None:
        """Note that nothing is waited for."""
        self._pauses.pop(camera, None)
        self._troubles.pop(camera, None)
