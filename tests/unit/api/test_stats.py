"""Days, shares and lengths on the page of statistics."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from gatehouse_api.stats import camera_rows, in_words, last_days, longest_gaps
from gatehouse_common.clock import HOUR, MINUTE, SECOND
from gatehouse_common.db import Camera
from gatehouse_common.db.coverage import Coverage, Stretch
from gatehouse_common.intervals import Interval
from gatehouse_common.timefmt import parse

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-05-17", 24)])
def test_days_are_as_long_as_they_are(day: str, hours: int) -> None:
    """S0-17, C-13: of 23 and 25 hours, and the last is today, however late or early it is."""
    for clock in ("00:00:00", "12:00:00", "23:59:59"):
        days = last_days(3, parse(f"{day} {clock}", BERLIN), BERLIN)
        assert days.dates[-1] == date.fromisoformat(day)
        assert len(days.dates) == 3
        assert days.edges[3] - days.edges[2] == hours * HOUR


def test_a_share_is_of_what_should_be_recorded() -> None:
    """S0-17: what was switched off, or let go of, is missed by nobody; 100 is said of nothing that has a hole."""
    days = last_days(2, parse("2026-05-17 06:00", BERLIN), BERLIN)
    first, today = days.edges[0], days.edges[1]
    stretches = (
        Stretch(first, first + 12 * HOUR, "purged"),
        Stretch(first + 12 * HOUR, today - HOUR),
        Stretch(today - HOUR, today + HOUR, "camera_offline"),
        Stretch(today + HOUR, today + 6 * HOUR - 10),
        Stretch(today + 6 * HOUR - 10, today + 6 * HOUR, "disabled"),
    )
    camera = Camera(id="gate", url="synthetic:", name="Gate")
    found = {"gate": Coverage(Interval(first, today + 6 * HOUR), stretches)}
    (row,) = camera_rows([camera], found, days)
    assert [cell.shown for cell in row.days] == ["91.7", "83.3"]
    assert [cell.grade for cell in row.days] == ["most", "some"]
    assert (row.total.shown, row.total.grade) == ("88.9", "some")
    gaps = longest_gaps([camera], found, BERLIN)
    assert [(gap.name, gap.length, gap.cause) for gap in gaps] == [("Gate", "2 h 0 min", "camera offline")]
    assert gaps[0].start.startswith("2026-05-16 23:00")


@pytest.mark.parametrize(
    ("missing", "shown", "grade"), [(0, "100", "all"), (2, "100", "all"), (30, "99.9", "all"), (24 * 3600, "0", "some")]
)
def test_all_of_a_day_is_said_of_all_of_it(missing: int, shown: str, grade: str) -> None:
    """S0-17: two seconds of a day are less than the last digit; half a minute is not."""
    days = last_days(1, parse("2026-05-17 23:59:59", BERLIN), BERLIN)
    start, end = days.edges
    stretches = (Stretch(start, end - missing * SECOND), Stretch(end - missing * SECOND, end, "dropped"))
    camera = Camera(id="gate", url="synthetic:")
    (row,) = camera_rows([camera], {"gate": Coverage(Interval(start, end), stretches)}, days)
    assert (row.days[0].shown, row.days[0].grade) == (shown, grade)


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (SECOND, "1 s"),
        (59 * SECOND, "59 s"),
        (MINUTE, "1 min 0 s"),
        (200 * MINUTE, "3 h 20 min"),
        (50 * HOUR, "2 days 2 h"),
    ],
)
def test_lengths_in_words(length: int, words: str) -> None:
    assert in_words(length) == words
