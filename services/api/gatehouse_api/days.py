"""Days as forms name them: of the site's zone, the last of a range included."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from gatehouse_common.errors import InvalidInput
from gatehouse_common.timefmt import midnight


def parse_days(first: str, last: str, zone: ZoneInfo, names: tuple[str, str]) -> tuple[int | None, int | None]:
    """Return from when to when two days reach, microseconds UTC, ``[from, to)``: all of the last day is in it.

    Args:
        first: ``YYYY-MM-DD``; empty: since ever.
        last: the same; empty: until now.
        zone: where those days are; one may have 23 or 25 hours.
        names: of the two fields.

    Raises:
        InvalidInput: one of them is no day, or the last is before the first; its field is the one to correct.
    """
    begin, end = _day(first, names[0]), _day(last, names[1])
    if begin is not None and end is not None and end < begin:
        raise InvalidInput(f"the last day ({end}) is before the first ({begin}).", names[1])
    start_us = None if begin is None else midnight(begin, zone)
    return start_us, None if end is None else midnight(end + timedelta(days=1), zone)


def _day(text: str, field: str) -> date | None:
    written = text.strip()
    if not written:
        return None
    try:
        found = date.fromisoformat(written)
    except ValueError as error:
        raise InvalidInput(f"{written[:40]!r} is no day: write it as 2026-05-17.", field) from error
    if not 1970 <= found.year <= 9000:
        raise InvalidInput(f"there is nothing of the year {found.year}.", field)
    return found
