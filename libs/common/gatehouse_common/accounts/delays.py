"""How long somebody who guessed wrong has to wait before guessing again."""

from __future__ import annotations

from gatehouse_common.clock import HOUR, SECOND

FREE_TRIES = 5
FREE_TRIES_OF_ADDRESS = 20
"""More, for many people may share an address."""
LONGEST_US = 900 * SECOND
FORGOTTEN_US = 24 * HOUR
"""After so long without a failure all are forgotten."""


def delay_us(failures: int, free: int = FREE_TRIES) -> int:
    """Return the pause after so many failures in a row: none after the first few, then 1 s, 2 s, 4 s to 900 s."""
    beyond = failures - free
    if beyond < 0:
        return 0
    return min(LONGEST_US, SECOND << min(beyond, 30))
