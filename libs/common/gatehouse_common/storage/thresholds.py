"""When cameras stop for want of room, and come back: pure arithmetic on bytes.

Capture stops them, the janitor makes room: it has to keep more free than what cameras come back at.
"""

from __future__ import annotations

GUESSED_RATE = 250_000.0
"""Bytes a second of a camera of which nothing is known yet: two million bits."""
_STOP_S = 3.0
"""Recording stops before there is less room than for so many seconds of it."""
_RESUME_S = 6.0
"""It is resumed only where there is room for more: what is freed for one second must not switch it on and off."""
_LEAST_FLOOR, _MOST_FLOOR = 1 << 20, 64 << 20
_FLOOR_PARTS = 50
_STOP_PARTS, _RESUME_PARTS = 12, 10
_MOST_STOP, _MOST_RESUME = 200_000_000, 250_000_000
"""Never more than what is kept free of a disk that nobody writes to: else cameras that have stopped would wait for room
that nobody makes."""


def stop_below(rate: float, total: int) -> int:
    """Return the free bytes below which cameras that write ``rate`` bytes a second are too many.

    On a small disk it is a part of it at most, so that recording is possible at all.
    """
    return min(floor(total) + round(rate * _STOP_S), max(total // _STOP_PARTS, _LEAST_FLOOR), _MOST_STOP)


def resume_above(rate: float, total: int) -> int:
    """Return the free bytes from which on cameras that write ``rate`` bytes a second may be recorded again."""
    enough = min(2 * floor(total) + round(rate * _RESUME_S), total // _RESUME_PARTS, _MOST_RESUME)
    return max(enough, stop_below(rate, total))


def floor(total: int) -> int:
    """Return what is left free for the ends of chunk files, messages and the index, which may be on the same disk."""
    return min(max(total // _FLOOR_PARTS, _LEAST_FLOOR), _MOST_FLOOR)
