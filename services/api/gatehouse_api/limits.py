"""How often somebody may ask: `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers), and 429.

Each process counts for itself: with several web servers somebody may ask each of them as often. Enough against a
client that has gone wild, for which this is. Guesses of passwords are counted in the index (``login_desk``).
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from flask import Flask, Response, g, request

from gatehouse_common.accounts.addresses import network_of
from gatehouse_common.clock import MINUTE, SECOND, Clock
from gatehouse_common.errors import TooOften
from gatehouse_common.settings.limits import LimitSettings

from .auth.caller import known_caller

_LIVE: Final = frozenset(
    {
        "/",
        "/live/<camera>.mjpg",
        "/api/v1/cameras/<camera>/stream.mjpg",
        "/api/v1/live/<camera>.mp4",
        "/api/v1/live/grid",
        "/api/v1/events/stream",
        "/v2/stream/video-feed",
    }
)
_EXPORTS: Final = frozenset(
    {
        "/api/v1/footage",
        "/api/v1/cameras/<string:camera>/export",
        "/api/v1/links",
        "/footage",
        "/s/<secret>/footage.mp4",
        "/v2/video/segments/<segment>/download",
        "/api/v1/media/chunks/<chunk>.mp4",
        "/api/v1/clips/<clip>/media",
        "/api/video/<int:chunk>/download",
    }
)
_UNCOUNTED: Final = frozenset({"static", "pages.get_icon", "system.get_livez", "system.get_readyz"})
_MOST_ASKING: Final = 10_000
_OF_ADDRESS: Final = 4


@dataclass(slots=True)
class _Bucket:
    left: float
    at_us: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What is left after a request.

    Attributes:
        allowed: whether there was anything left for it.
        left: how many more requests there may be at once.
        after_s: in how many seconds there is one more; 0: there is one.
        full_s: in how many there is all of it again.
    """

    allowed: bool
    left: int
    after_s: float
    full_s: int


class Buckets:
    """So many requests a minute for each who asks; what was not used is there at once, a minute's worth at most.

    Args:
        per_minute: how many.
        clock: the time.
    """

    def __init__(self, per_minute: int, clock: Clock) -> None:
        self.per_minute, self._clock = per_minute, clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, who: str) -> Taken:
        """Count a request of somebody, if there is anything left for it."""
        now, most = self._clock.monotonic_us(), float(self.per_minute)
        with self._lock:
            bucket = self._buckets.pop(who, None) or _Bucket(most, now)
            bucket.left = min(most, bucket.left + (now - bucket.at_us) * most / MINUTE)
            bucket.at_us = now
            allowed = bucket.left >= 1
            if allowed:
                bucket.left -= 1
            self._buckets[who] = bucket
            if len(self._buckets) > _MOST_ASKING:  # who has not asked for longest has most of it left anyway
                self._buckets.popitem(last=False)
            left = bucket.left
        after_s = 0.0 if left >= 1 else (1 - left) * MINUTE / most / SECOND
        return Taken(allowed, int(left), after_s, math.ceil((most - left) * MINUTE / most / SECOND))

    def give_back(self, who: str) -> None:
        """Let a request of somebody not have counted."""
        with self._lock:
            bucket = self._buckets.get(who)
            if bucket is not None:
                bucket.left = min(float(self.per_minute), bucket.left + 1)


@dataclass(frozen=True, slots=True)
class _Policy:
    name: str
    of_callers: Buckets
    of_addresses: Buckets


class Limits:
    """Counts every request, and refuses what is too much.

    Args:
        settings: how much that is.
        clock: the time.
    """

    def __init__(self, settings: LimitSettings, clock: Clock) -> None:
        rates = {
            "requests": settings.requests_per_minute,
            "exports": settings.exports_per_minute,
            "live": settings.live_per_minute,
        }
        self._policies = {
            name: _Policy(name, Buckets(rate, clock), Buckets(rate * _OF_ADDRESS, clock))
            for name, rate in rates.items()
            if rate
        }

    def install_for_addresses(self, app: Flask) -> None:
        """Count by address; comes before the door, so that forged tokens are not looked up without end."""

        @app.before_request
        def count_address() -> None:
            policy = self._policy()
            if policy is not None:
                _take(policy, policy.of_addresses, network_of(request.remote_addr or ""))

        @app.after_request
        def tell(answer: Response) -> Response:
            limit: tuple[_Policy, Buckets, Taken] | None = g.pop("limit", None)
            if limit is not None:
                policy, buckets, taken = limit
                answer.headers["RateLimit-Policy"] = f'"{policy.name}";q={buckets.per_minute};w=60'
                answer.headers["RateLimit"] = f'"{policy.name}";r={taken.left};t={taken.full_s}'
            return answer

    def install_for_callers(self, app: Flask) -> None:
        """Count by user or token; comes after the door, which knows them."""

        @app.before_request
        def count_caller() -> None:
            asks, policy = known_caller(), self._policy()
            if asks is None or not asks.user or policy is None:
                return
            try:
                _take(policy, policy.of_callers, f"{asks.user}/{asks.token or ''}")
            except TooOften:  # what one is refused is not taken from all behind the same address
                policy.of_addresses.give_back(network_of(request.remote_addr or ""))
                raise

    def _policy(self) -> _Policy | None:
        return None if request.endpoint in _UNCOUNTED else self._policies.get(_kind())


def _kind() -> str:
    rule = request.url_rule.rule if request.url_rule else ""
    if rule in _LIVE:
        return "live"
    return "exports" if rule in _EXPORTS else "requests"


def _take(policy: _Policy, buckets: Buckets, who: str) -> None:
    """Count a request.

    Raises:
        TooOften: there have been too many.
    """
    taken = buckets.take(who)
    g.limit = (policy, buckets, taken)
    if not taken.allowed:
        told = f"more than {buckets.per_minute} {policy.name} a minute: ask again in {math.ceil(taken.after_s)} s."
        raise TooOften(told, taken.after_s)
