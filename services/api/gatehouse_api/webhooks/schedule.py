"""When what was not heard is told again."""

from __future__ import annotations

import random
from email.utils import parsedate_to_datetime
from typing import Final

from gatehouse_common.clock import HOUR, MINUTE, SECOND
from gatehouse_common.db.webhooks import LONGEST_HOLD_US
from gatehouse_common.timefmt import from_datetime

DELAYS_US: Final = (
    0,
    5 * SECOND,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
)
"""How long before each try, microseconds; there are no more tries than these."""
JITTER: Final = 0.1
"""A delay is longer by up to this share of it: what failed together does not come again together."""
LONGEST_US: Final = tuple(round(delay_us * (1 + JITTER)) for delay_us in DELAYS_US)
"""How long each of them is at most."""
_LONGEST_WAIT_US = 24 * HOUR
_CHANCE: Final = random.SystemRandom()
"""Of its own: many threads draw from it."""


def next_try_us(tries: int, now_us: int) -> int | None:
    """Return when to try again after so many tries; None: it was the last."""
    if tries >= len(DELAYS_US):
        return None
    return now_us + round(DELAYS_US[tries] * _CHANCE.uniform(1, 1 + JITTER))


def held_until_us(not_before_us: int, now_us: int) -> int | None:
    """Return until when a webhook that asked for time is sent nothing; None: it is."""
    return not_before_us if now_us < not_before_us <= now_us + LONGEST_HOLD_US else None


def asked_wait_us(header: str, now_us: int) -> int:
    """Return for how long a ``Retry-After`` asks, at most a day (RFC 9110 section 10.2.3); 0: it cannot be read."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]) * SECOND, _LONGEST_WAIT_US)
    try:
        at_us = from_datetime(parsedate_to_datetime(text))
    except (ValueError, TypeError, OverflowError):
        return 0
    return max(0, min(at_us - now_us, _LONGEST_WAIT_US))
