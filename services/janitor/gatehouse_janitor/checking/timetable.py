"""When checks are due by themselves: every day at a time of the site's zone, and every so often what is new."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from gatehouse_common.clock import MINUTE
from gatehouse_common.db import Facts, JobRepository
from gatehouse_common.db.jobs import CONSISTENCY_CHECK
from gatehouse_common.runtime import Core
from gatehouse_common.settings import time_of_day
from gatehouse_common.timefmt import from_datetime, to_datetime

DAILY = "check.daily"
"""The fact that says for which moment everything was compared last: of a day only once, whoever leads by then."""
CHECKED_UNTIL = "check.until"
"""The fact that says up to when what was stored has been compared."""


class Timetable:
    """Asks for the checks that are due.

    Args:
        core: settings, index and clock.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._facts, self._jobs = Facts(core.db), JobRepository(core.db)

    def look(self) -> None:
        """Ask for what is due now; one that was slept through is made up for.

        Raises:
            Unavailable: the index does not answer.
        """
        settings, now_us = self._core.settings.values.maintenance, self._core.clock.now_us()
        at = time_of_day(settings.check_at)
        if at is not None and self._is_due(DAILY, last_due(now_us, at, self._core.zone)):
            self._ask("all")
        period_us = round(settings.check_new_minutes * MINUTE)
        if period_us and now_us - self.checked_until() >= period_us:
            self._ask("new")

    def checked_until(self) -> int:
        """Return up to when what was stored has been compared; the first time, that begins now."""
        now_us = self._core.clock.now_us()
        until_us = int(self._facts.first(CHECKED_UNTIL, str(now_us), now_us))
        if until_us > now_us:  # the clock was ahead then
            self.checked(now_us)
        return min(now_us, until_us)

    def checked(self, until_us: int) -> None:
        """Keep up to when what was stored has been compared."""
        self._facts.put(CHECKED_UNTIL, str(until_us), self._core.clock.now_us())

    def _is_due(self, fact: str, moment_us: int) -> bool:
        """Return whether a moment has come that nothing has been done for; a new installation waits for the next."""
        now_us = self._core.clock.now_us()
        done_us = int(self._facts.first(fact, str(moment_us), now_us))
        if moment_us <= done_us <= now_us:  # what was done at a time that is still to come says nothing
            return False
        self._facts.put(fact, str(moment_us), now_us)
        return True

    def _ask(self, scope: str) -> None:
        repair = self._core.settings.values.maintenance.repair
        wanted = {"repair": repair, "quick": False, "scope": scope}
        self._jobs.ask(CONSISTENCY_CHECK, wanted, self._core.clock.now_us())


def last_due(now_us: int, at: tuple[int, int], zone: ZoneInfo) -> int:
    """Return the last moment, not after now, at which the clocks of a zone showed a time of day; microseconds UTC.

    On a day that skips it, the moment at which they would have; where they show it twice, the first time.
    """
    today = to_datetime(now_us, zone).date()
    for day in (today, today - timedelta(days=1)):
        moment = from_datetime(datetime.combine(day, time(*at), zone))
        if moment <= now_us:
            return moment
    return from_datetime(datetime.combine(today - timedelta(days=2), time(*at), zone))
