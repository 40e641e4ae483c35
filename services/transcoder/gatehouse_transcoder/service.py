"""The transcoder as a service: looks for jobs, and does them."""

from __future__ import annotations

import threading

from gatehouse_common.runtime import Check, Core
from gatehouse_common.runtime.database import check, wait_for

NAME = "transcoder"
_LOOK_S = 2.0


class Transcoder:
    """Does the jobs of media."""

    name = NAME

    def __init__(self, core: Core) -> None:
        self._core = core

    def run(self, stop: threading.Event) -> None:
        """Look for jobs until told to stop."""
        if not wait_for(self._core.db, stop, self._core.clock):
            return
        while not self._core.clock.wait(stop, _LOOK_S):
            pass

    def health(self) -> list[Check]:
        """Return whether the database answers."""
        return [check(self._core.db)]


def build(core: Core) -> Transcoder:
    """Return the transcoder."""
    return Transcoder(core)
