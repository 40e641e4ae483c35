"""What may go wrong where a box holds JSON: anybody's bytes, or a flipped bit, may be in its place."""

from __future__ import annotations

UNREADABLE_JSON = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
"""What reading fields trips over: no JSON, no such field, another type, ``1e400``, ten thousand brackets."""

_EARLIEST_US = -62_135_000_000 * 1_000_000
_LATEST_US = 253_402_000_000 * 1_000_000
"""What lies outside of the years 1 to 9999 cannot be written in RFC 3339, or shown in any zone."""


def a_time(value: object) -> int:
    """Return a time of a box, microseconds UTC.

    Raises:
        ValueError: it is outside of the years 1 to 9999.
        TypeError: it is no number.
        OverflowError: it is infinite.
    """
    if not isinstance(value, int | float):
        raise TypeError(f"a time of type {type(value).__name__}")
    if not _EARLIEST_US <= int(value) <= _LATEST_US:
        raise ValueError("a time outside of the years 1 to 9999")
    return int(value)
