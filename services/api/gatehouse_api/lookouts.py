"""What nobody tells of by a message, and the index knows: looked at now and then, and told when it is another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gatehouse_common.clock import SECOND, Clock

_LOOK_US = 2 * SECOND


@dataclass(frozen=True, slots=True)
class State:
    """What something is now.

    Attributes:
        name: of the event that it would be, e.g. ``camera.online``.
        data: what is told of it, as JSON.
        camera: whose it is.
        owner: number of the user whose it is; 0: of nobody in particular.
    """

    name: str
    data: str
    camera: str
    owner: int = 0


States = Callable[[], Mapping[str, State]]
"""Returns by its subject what each thing is now."""


class Lookout:
    """Compares what is with what was, at most every two seconds for all viewers together. Safe for many threads.

    Args:
        clock: the time.
        states: asked while somebody watches.
    """

    def __init__(self, clock: Clock, states: States) -> None:
        self._clock, self._states = clock, states
        self._looking = threading.Lock()
        self._known: dict[str, str] | None = None
        self._looked_us = 0

    def changes(self) -> dict[str, State]:
        """Return what is not as it was when somebody looked last; nothing if another looks, or has just done so."""
        if not self._looking.acquire(blocking=False):
            return {}
        try:
            now = self._clock.monotonic_us()
            if self._known is not None and now - self._looked_us < _LOOK_US:
                return {}
            self._looked_us = now
            states = self._states()
            before, self._known = self._known, {subject: one.name for subject, one in states.items()}
            if before is None:
                return {}
            return {subject: one for subject, one in states.items() if before.get(subject) != one.name}
        finally:
            self._looking.release()
