"""What everything has to know of the site and may be set while Gatehouse runs: its zone, where sessions' files go."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

from gatehouse_common.db import Facts
from gatehouse_common.errors import GatehouseError
from gatehouse_common.settings import Settings, site_zone
from gatehouse_common.settings.changeable import is_free

SET_ON_PAGE = "setting:"
"""How facts begin that are settings of the page."""


class Site:
    """The site of a process. May be read, and set, from any thread.

    Attributes:
        zone: its time zone by now.
        session_path: where below ``sessions/`` new files of recorder sessions are put by now, see ``keys.session``.
    """

    def __init__(self, zone: ZoneInfo, session_path: str) -> None:
        self.zone, self.session_path = zone, session_path


def zone_in_force(settings: Settings, facts: Facts) -> ZoneInfo:
    """Return the site's zone, that of the page where it decides: for commands, which look once.

    An index that does not answer, or holds what is no zone, changes nothing.
    """
    begun = site_zone(settings.values.timezone)
    if not is_free(settings, "timezone"):
        return begun
    try:
        told = facts.get(f"{SET_ON_PAGE}timezone")
        return begun if told is None else site_zone(str(json.loads(told)))
    except (GatehouseError, ValueError):
        return begun
