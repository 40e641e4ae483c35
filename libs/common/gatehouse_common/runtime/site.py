"""Where the site is, as far as everything has to know: its time zone, which may be set while Gatehouse runs."""

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
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone


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
