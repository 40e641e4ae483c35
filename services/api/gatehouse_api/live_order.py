"""In which order somebody has put the cameras of the live page: kept with the user, so the same on every device."""

from __future__ import annotations

import json
from collections.abc import Sequence

from gatehouse_common.accounts import Principal
from gatehouse_common.clock import Clock
from gatehouse_common.db import Camera, Facts, Users

_NAME = "camera_order"
_OF_NOBODY = f"pages:{_NAME}"
"""Where nobody has to be known there is no user to keep it with."""


class LiveOrder:
    """Keeps orders, and puts cameras into them.

    Args:
        users: of a user it is among what pages remember.
        facts: of an installation without users.
        clock: the time.
    """

    def __init__(self, users: Users, facts: Facts, clock: Clock) -> None:
        self._users, self._facts, self._clock = users, facts, clock

    def sort(self, asks: Principal, cameras: Sequence[Camera]) -> list[Camera]:
        """Return cameras as somebody has put them; those that came since are at the end, by id."""
        places = {camera: place for place, camera in enumerate(self._told(asks))}
        return sorted(cameras, key=lambda camera: (places.get(camera.id, len(places)), camera.id))

    def keep(self, asks: Principal, cameras: Sequence[str]) -> None:
        """Keep an order of cameras, by id; an empty one is the order of their ids.

        Raises:
            NotFound: the user has been removed meanwhile.
        """
        if asks.user:
            self._users.remember(asks.user, {_NAME: list(cameras) or None})
        else:
            now_us = self._clock.now_us()
            self._facts.change({_OF_NOBODY: json.dumps(list(cameras)) if cameras else None}, now_us)

    def _told(self, asks: Principal) -> list[str]:
        told = self._users.get(asks.user).settings.get(_NAME) if asks.user else self._facts.get(_OF_NOBODY)
        return json.loads(told) if isinstance(told, str) else list(told or ())
