"""Has a process go by the zone and the place for sessions that the page has, though it reads no other such setting."""

from __future__ import annotations

import threading

from .core import Core
from .page_settings import PageSettings
from .service import Check

_AGAIN_S = 3.0


class SettingsFollower:
    """Reads now and then what was set.

    Args:
        core: whose site follows.
    """

    name = "settings"

    def __init__(self, core: Core) -> None:
        self._page = PageSettings(core)

    def follow(self) -> None:
        """Read what was set; an index that does not answer changes nothing."""
        self._page.refresh()

    def run(self, stop: threading.Event) -> None:
        """Read it until ``stop`` is set."""
        while not stop.wait(_AGAIN_S):
            self.follow()

    def health(self) -> list[Check]:
        """Return nothing: whether the index answers, others tell."""
        return []
