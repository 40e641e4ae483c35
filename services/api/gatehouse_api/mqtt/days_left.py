"""For how many days the room is enough, asked beside what is told: on a large site the index takes its time."""

from __future__ import annotations

import threading

import structlog

from gatehouse_common.clock import HOUR, MINUTE
from gatehouse_common.errors import GatehouseError
from gatehouse_common.retention.outlook import look_ahead
from gatehouse_common.runtime import Core

log = structlog.get_logger(__name__)

_AGAIN_US = 10 * MINUTE
_SOON_US = MINUTE
"""It is asked again so soon while it is not known: nothing has been stored yet."""


class DaysLeft:
    """What was found last, and looks again now and then.

    Args:
        core: the settings, the index, the store, the time.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._known: float | None = None
        self._looked_us: int | None = None
        self._looking = threading.Lock()

    def now(self) -> float | None:
        """Return days of recording that the room takes at the present rate, with a tenth; None: not known.

        Does not wait: what is asked for now is told the next time.
        """
        now = self._core.clock.monotonic_us()
        pause = _SOON_US if self._known is None else _AGAIN_US
        is_due = self._looked_us is None or now - self._looked_us >= pause
        if is_due and self._looking.acquire(blocking=False):
            self._looked_us = now
            threading.Thread(target=self._look, name="mqtt-days-left", daemon=True).start()
        return self._known

    def _look(self) -> None:
        core = self._core
        try:
            capacity = core.store.capacity()
            found = look_ahead(core.settings.values, core.db, capacity, core.clock.now_us(), core.zone, most_next=1)
            reaches = found.forecast.reaches_us
            self._known = None if reaches is None else round(reaches / HOUR / 24, 1)
        except GatehouseError as error:
            log.debug("it is not known for how long the room is enough", reason=error.message)
        except Exception:  # a fault in this must not be the end of looking
            log.exception("it is not known for how long the room is enough")
        finally:
            self._looking.release()
