"""Whether whoever asked for something endless may still have it: users, tokens, sessions and grants come to an end."""

from __future__ import annotations

from flask import Request

from gatehouse_common.accounts import Permission, Principal, Scope
from gatehouse_common.clock import SECOND, Clock
from gatehouse_common.errors import GatehouseError, Unauthenticated

from .doorkeeper import Doorkeeper

AGAIN_US = 5 * SECOND


class Standing:
    """Knows who asked, and finds out anew every few seconds; for one thread, while an answer is sent.

    Args:
        keeper: knows users by what they show.
        clock: the time.
        request: what was shown; not the stand-in for it that there is only while it is answered.
        asks: who that was.
    """

    def __init__(self, keeper: Doorkeeper, clock: Clock, request: Request, asks: Principal) -> None:
        self._keeper, self._clock, self._request = keeper, clock, request
        self._asks: Principal | None = asks
        self._found_us = clock.monotonic_us()

    def principal(self) -> Principal | None:
        """Return who asked as they are by now, None if they are not let in any more."""
        now = self._clock.monotonic_us()
        if self._asks is not None and now - self._found_us >= AGAIN_US:
            self._found_us = now
            try:
                self._asks = self._keeper.find(self._request)
            except Unauthenticated:
                self._asks = None
            except GatehouseError:  # the index is away: what goes on does so, as recording does
                pass
        return self._asks

    def may(self, scope: Scope, camera: str, permission: Permission) -> bool:
        """Return whether something may still be done with a camera."""
        asks = self.principal()
        return asks is not None and asks.may(scope) and asks.sees(camera, permission)
