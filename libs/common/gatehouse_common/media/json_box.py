"""What may go wrong where a box holds JSON: anybody's bytes, or a flipped bit, may be in its place."""

from __future__ import annotations

from gatehouse_common.timefmt import EARLIEST_US, LATEST_US

UNREADABLE_JSON = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
"""What reading fields trips over: no JSON, no such field, another type, ``1e400``, ten thousand brackets."""


def a_time(value: object) -> int:
    """Return a time of a box, microseconds UTC.

    Raises:
        ValueError: it is outside of the years 1 to 9999: it could not be written in RFC 3339, or shown in any zone.
        TypeError: it is no number.
        OverflowError: it is infinite.
    """
    if not isinstance(value, int | float):
        raise TypeError(f"a time of type {type(value).__name__}")
    if not EARLIEST_US <= int(value) <= LATEST_US:
        raise ValueError("a time outside of the years 1 to 9999")
    return int(value)
