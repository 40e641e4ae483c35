"""Wall time as text: RFC 3339 outside, ``YYYYMMDD_HHMMSS`` in file names and the compat routes."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .errors import InvalidInput

COMPACT = "%Y%m%d_%H%M%S"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_SECONDS = re.compile(r"-?[0-9]{9,11}(\.[0-9]{1,12})?")  # Python prints its clock with seven digits
_COMPACT = re.compile(r"\d{8}_\d{6}")
_MICROSECOND = timedelta(microseconds=1)
# What `datetime` can show in every zone, with room for arithmetic on ranges.
EARLIEST_US = -62_135_000_000 * 1_000_000
LATEST_US = 253_402_000_000 * 1_000_000


def zone(name: str) -> ZoneInfo:
    """Return the time zone called ``name`` (an IANA name such as ``Europe/Berlin``).

    Raises:
        InvalidInput: there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidInput(
            f"time zone {name[:60]!r} is not known: use an IANA name, e.g. 'Europe/Berlin'.", "tz"
        ) from error


def to_datetime(us: int, tz: ZoneInfo | None = None) -> datetime:
    """Return ``us`` microseconds UTC as an aware datetime, in ``tz`` or UTC."""
    return (_EPOCH + timedelta(microseconds=us)).astimezone(tz or UTC)


def midnight(day: date, tz: ZoneInfo) -> int:
    """Return where a day of a zone begins, microseconds UTC; days of 23 and 25 hours are what they are."""
    return from_datetime(datetime.combine(day, time(), tz))


def from_datetime(moment: datetime) -> int:
    """Return an aware datetime as microseconds UTC, without passing through a float."""
    return (moment - _EPOCH) // _MICROSECOND


def rfc3339(us: int, tz: ZoneInfo | None = None) -> str:
    """Return ``us`` as RFC 3339 with six digits, ``Z`` for UTC, e.g. ``2024-05-17T10:23:00.000000Z``."""
    text = to_datetime(us, tz).isoformat(timespec="microseconds")
    return text.removesuffix("+00:00") + "Z" if tz is None else text


def compact(us: int, tz: ZoneInfo) -> str:
    """Return ``us`` as ``YYYYMMDD_HHMMSS`` in ``tz``; fractions are cut off."""
    return to_datetime(us, tz).strftime(COMPACT)


def parse(text: str, tz: ZoneInfo, field: str = "time", *, fold: int = 0) -> int:
    """Return the microseconds UTC that ``text`` names.

    RFC 3339 with an offset or without one (then in ``tz``), ``YYYYMMDD_HHMMSS`` (in ``tz``), or seconds
    since 1970 with an optional fraction. In the hour that a clock runs through twice, ``fold`` 0 is the
    earlier instant and 1 the later: callers take 0 for a range's start and 1 for its end, so that no
    footage is lost. A local time that a clock skips moves forward (PEP 495), whatever ``fold`` is.

    Raises:
        InvalidInput: it is none of these, with ``field`` in the message.
    """
    try:
        if _EPOCH_SECONDS.fullmatch(text):
            whole, _, fraction = text.partition(".")
            sign = -1 if whole.startswith("-") else 1
            return _within_reach(int(whole) * 1_000_000 + sign * int(fraction[:6].ljust(6, "0")))
        if _COMPACT.fullmatch(text):
            moment = datetime.strptime(text, COMPACT).replace(tzinfo=tz)
        else:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=tz)
        # Of a time that comes twice the second is the later, of one that is skipped the earlier: that would move back.
        return _within_reach(max(from_datetime(moment), from_datetime(moment.replace(fold=fold))))
    except (ValueError, OverflowError) as error:
        shown = text if len(text) <= 40 else text[:40] + "…"
        raise InvalidInput(
            f"{field} {shown!r} is not a time: use RFC 3339 (2024-05-17T10:23:00+02:00), "
            "YYYYMMDD_HHMMSS or seconds since 1970.",
            field,
        ) from error


def _within_reach(us: int) -> int:
    if not EARLIEST_US <= us <= LATEST_US:
        raise ValueError("the time is outside the years 1 to 9999")
    return us
