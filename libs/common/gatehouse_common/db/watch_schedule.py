"""When in a week an entry of a watch list matches, as people write it: ``Mon-Fri 08:00-18:00; Sat 22:00-02:00``.

Times are those of the site's clocks. A span begins on its days and ends before its end, which lies on the next day
where it is not after its beginning; ``24:00`` is the end of the day. On the two days on which clocks are changed it is
what clocks show that counts.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import Final

from gatehouse_common.errors import InvalidInput

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MOST: Final = 500
_DAY: Final = 24 * 60
_WEEK: Final = 7 * _DAY
_SPAN = re.compile(r"(?P<days>[A-Za-z ,-]+?)\s+(?P<from>\d{1,2}:\d\d)\s*-\s*(?P<to>\d{1,2}:\d\d)")
_FORM: Final = "write it as `Mon-Fri 08:00-18:00; Sat 22:00-02:00`"


def parse_schedule(text: str) -> str:
    """Return a schedule as it is kept, tidied; empty: always.

    Raises:
        InvalidInput: it cannot be read.
    """
    if len(text) > MOST:
        raise InvalidInput(f"a schedule has {MOST} characters at most.", "schedule")
    found = [_read(part.strip()) for part in text.split(";") if part.strip()]
    tidied = "; ".join(f"{_days_text(days)} {_clock(start)}-{_clock(end)}" for days, start, end in found)
    if len(tidied) > MOST:
        raise InvalidInput(f"a schedule has {MOST} characters at most.", "schedule")
    return tidied


def is_within(schedule: str, local: datetime) -> bool:
    """Return whether a schedule that :func:`parse_schedule` gave out has an instant in it, as clocks show it."""
    if not schedule:
        return True
    minute = local.weekday() * _DAY + local.hour * 60 + local.minute
    return any((minute - start) % _WEEK < length for start, length in _spans(schedule))


@lru_cache(maxsize=1024)
def _spans(schedule: str) -> tuple[tuple[int, int], ...]:
    """Return where spans begin in a week, and how long they are, in minutes."""
    found = (_read(part.strip()) for part in schedule.split(";"))
    return tuple((day * _DAY + start, (end - start - 1) % _DAY + 1) for days, start, end in found for day in days)


def _read(part: str) -> tuple[tuple[int, ...], int, int]:
    match = _SPAN.fullmatch(part)
    if match is None:
        raise InvalidInput(f"a schedule cannot be read at {part[:40]!r}: {_FORM}.", "schedule")
    return _read_days(match["days"]), _read_clock(match["from"]), _read_clock(match["to"], last=_DAY)


def _read_days(text: str) -> tuple[int, ...]:
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        start = _read_day(first)
        end = _read_day(last) if dash else start
        found.update((start + n) % 7 for n in range((end - start) % 7 + 1))
    return tuple(sorted(found))


def _read_day(text: str) -> int:
    name = text.strip()[:3].capitalize()
    if name not in DAYS or len(text.strip()) != len(name):
        raise InvalidInput(f"{text.strip()[:40]!r} is no day: there are {', '.join(DAYS)}; {_FORM}.", "schedule")
    return DAYS.index(name)


def _read_clock(text: str, last: int = _DAY - 1) -> int:
    hour, _, minute = text.partition(":")
    found = int(hour) * 60 + int(minute)
    if int(minute) > 59 or found > last:
        raise InvalidInput(f"{text!r} is no time of a day; {_FORM}.", "schedule")
    return found


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _days_text(days: tuple[int, ...]) -> str:
    """Return days with those that follow one another as a range: ``Mon-Fri``, ``Mon,Wed``."""
    runs: list[list[int]] = []
    for day in days:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    if len(runs) > 1 and runs[0][0] == 0 and runs[-1][-1] == 6:  # a week goes round
        runs[0] = runs.pop() + runs[0]
    return ",".join(DAYS[run[0]] if len(run) == 1 else f"{DAYS[run[0]]}-{DAYS[run[-1]]}" for run in runs)
