"""When in a week an entry matches, as people write it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from gatehouse_common.db.watch_schedule import is_within, parse_schedule
from gatehouse_common.errors import InvalidInput

MONDAY = datetime(2024, 5, 13)  # noqa: DTZ001 - what clocks show


def at(day: int, clock: str) -> datetime:
    hour, minute = clock.split(":")
    return MONDAY + timedelta(days=day, hours=int(hour), minutes=int(minute))


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("", ""),
        (" ; ", ""),
        ("mon-fri 8:00 - 18:00", "Mon-Fri 08:00-18:00"),
        ("Sat,Sun 00:00-24:00;Mon 07:30-08:00", "Sat-Sun 00:00-24:00; Mon 07:30-08:00"),
        ("Fri-Mon 22:00-02:00", "Fri-Mon 22:00-02:00"),
        ("Wed, Mon 09:00-10:00", "Mon,Wed 09:00-10:00"),
        ("Mon-Sun 09:00-10:00", "Mon-Sun 09:00-10:00"),
    ],
)
def test_it_is_kept_tidied_and_reads_the_same_again(written: str, kept: str) -> None:
    assert parse_schedule(written) == kept
    assert parse_schedule(kept) == kept


@pytest.mark.parametrize(
    "written",
    [
        *("Mon", "08:00-18:00", "Mon 08:00", "Mon 8-18", "Foo 08:00-09:00", "Monday 08:00-09:00", "Mon 24:00-25:00"),
        *("Mon 08:60-09:00", "Mon- 08:00-09:00", "Mon 08:00-09:00, Tue 08:00-09:00", "Mon 08:00-09:00; " * 40),
    ],
)
def test_what_cannot_be_read_is_refused(written: str) -> None:
    with pytest.raises(InvalidInput, match=r"schedule|day|time"):
        parse_schedule(written)


def test_it_begins_to_the_minute_and_ends_before_its_end() -> None:
    found = [is_within("Mon-Fri 08:00-18:00", at(4, clock)) for clock in ("07:59", "08:00", "17:59", "18:00")]
    assert found == [False, True, True, False]
    assert not is_within("Mon-Fri 08:00-18:00", at(5, "12:00"))


def test_a_span_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    night = "Sun 22:00-02:00"
    assert [is_within(night, at(day, clock)) for day, clock in ((6, "21:59"), (6, "22:00"))] == [False, True]
    assert [is_within(night, at(day, clock)) for day, clock in ((0, "01:59"), (0, "02:00"))] == [True, False]
    assert not is_within(night, at(6, "01:00"))


def test_a_whole_day() -> None:
    assert [is_within("Tue 00:00-24:00", at(day, "00:00")) for day in (0, 1, 2)] == [False, True, False]
    assert is_within("Tue 00:00-24:00", at(1, "23:59"))
    assert is_within("Tue 06:00-06:00", at(2, "05:59"))
    assert is_within("", at(3, "12:00"))
