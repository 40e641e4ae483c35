"""Times as text: what the API and the file names say."""

from __future__ import annotations

import pytest

from gatehouse_common.errors import InvalidInput
from gatehouse_common.timefmt import compact, parse, rfc3339, zone

BERLIN = zone("Europe/Berlin")
UTC = zone("UTC")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-05-17T10:23:00Z", "2024-05-17T10:23:00.000000Z"),
        ("2024-05-17T10:23:00.000001+02:00", "2024-05-17T08:23:00.000001Z"),
        ("20240517_102300", "2024-05-17T08:23:00.000000Z"),
        ("2024-05-17 10:23:00", "2024-05-17T08:23:00.000000Z"),
        ("1715934180", "2024-05-17T08:23:00.000000Z"),
        ("1715934180.25", "2024-05-17T08:23:00.250000Z"),
    ],
)
def test_every_accepted_form_names_the_same_instant(text: str, expected: str) -> None:
    """C-13: RFC 3339, the seeds' form and epoch seconds are read."""
    assert rfc3339(parse(text, BERLIN)) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "2024-13-01T00:00:00Z", "20240230_000000", "1e9", "\0", "9" * 5000])
def test_what_is_no_time_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(InvalidInput, match="is not a time: use RFC 3339") as caught:
        parse(text, UTC, "from")
    assert caught.value.field == "from"
    assert len(caught.value.message) < 250


def test_the_hour_that_comes_twice_loses_no_footage() -> None:
    """C-13: from is the earlier, to the later instant."""
    early, late = parse("20241027_023000", BERLIN, fold=0), parse("20241027_023000", BERLIN, fold=1)
    assert late - early == 3_600_000_000
    assert compact(early, BERLIN) == compact(late, BERLIN) == "20241027_023000"


def test_a_skipped_local_time_moves_forward() -> None:
    """C-13: 02:30 does not exist on the day that clocks go forward."""
    assert compact(parse("20240331_023000", BERLIN), BERLIN) == "20240331_033000"


@pytest.mark.parametrize("text", ["20240331_023000", "2024-03-31T02:30:00"])
def test_a_range_that_ends_at_a_skipped_time_is_no_hour_shorter(text: str) -> None:
    """C-13: its end moves forward too: what is on hold until then is, and footage until then is all of it."""
    assert parse(text, BERLIN, fold=1) == parse("2024-03-31T03:30:00+02:00", BERLIN)
    assert parse(text, BERLIN, fold=1) > parse("20240331_015959", BERLIN)


def test_an_unknown_zone_is_refused() -> None:
    for name in ("Mars/Olympus", "../etc/passwd", "\0"):
        with pytest.raises(InvalidInput, match="time zone"):
            zone(name)
