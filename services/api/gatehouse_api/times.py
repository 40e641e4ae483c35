"""Times and ranges as requests give them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from gatehouse_common.clock import SECOND
from gatehouse_common.errors import InvalidInput, NotFound, TooLarge
from gatehouse_common.intervals import Interval
from gatehouse_common.timefmt import parse, rfc3339, zone

from .auth.caller import caller
from .context import context


def request_zone(name: str | None) -> ZoneInfo:
    """Return the zone that a request names, else the site's."""
    return zone(name) if name else context().core.zone


def parse_range(start: str, end: str, tz: ZoneInfo) -> Interval:
    """Return the range ``[start, end)``; in the hour that comes twice it is the longest that is meant.

    Raises:
        InvalidInput: a time cannot be read, or the range is empty or reversed.
    """
    start_us, end_us = parse(start, tz, "from"), parse(end, tz, "to", fold=1)
    if end_us <= start_us:
        raise InvalidInput(f"'to' ({rfc3339(end_us)}) must be after 'from' ({rfc3339(start_us)}).", "to")
    return Interval(start_us, end_us)


def clamp(camera: str, wanted: Interval) -> tuple[Interval, bool]:
    """Return what of a range has happened and is not too old for who asks, and whether an end had to be moved.

    Raises:
        NotFound: all of it is in the future, or too old, which is as if it were not recorded.
    """
    now = context().core.clock.now_us()
    if wanted.start >= now:
        raise NotFound(f"the range begins at {rfc3339(wanted.start)}, which is in the future")
    since = caller().earliest_us(camera, now)
    if since is not None and wanted.end <= since:
        raise NotFound("nothing is recorded in that range")
    clamped = Interval(max(wanted.start, since or wanted.start), min(wanted.end, now))
    return clamped, clamped != wanted


def check_length(wanted: Interval) -> None:
    """Raise ``TooLarge`` for a range longer than one answer may be."""
    most = context().core.settings.values.api.max_range_seconds
    if wanted.duration > most * SECOND:
        hours = most / 3600
        raise TooLarge(
            f"one range is at most {hours:g} h: ask in parts, or play it as HLS (/api/v1/hls/{{camera}}/vod.m3u8)."
        )


def check_conversion(wanted: Interval) -> None:
    """Raise ``TooLarge`` for a range longer than one that is converted while it is sent."""
    most = context().core.settings.values.api.max_conversion_range_seconds
    if wanted.duration > most * SECOND:
        raise TooLarge(
            f"one range in another format is at most {most:g} s (setting api.max_conversion_range_seconds): "
            "ask in parts, or for format=mp4 as it was recorded."
        )
