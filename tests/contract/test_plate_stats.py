"""Sums over plates on every database; ``database_url`` of conftest.py is each of them in turn."""

from __future__ import annotations

from gatehouse_common.db import Database, PlateStats, PlateWriter, Visible
from plate_kit import S, T, seen

HOUR = 3600
HOUR_US = 3_600_000_000


def test_plates_are_counted_by_the_quarter_and_by_text(db: Database) -> None:
    """S0-17: half-open ranges, quarters of an hour, and what may be seen."""
    writer = PlateWriter(db)
    first = T // HOUR_US * HOUR_US
    for number, (text, at) in enumerate((("AB1", 0), ("CD2", 59 * 60), ("AB1", HOUR), ("EF3", 5 * HOUR))):
        assert writer.see(seen(str(number), text, start_us=first + at * S)) == "opened"
    stats = PlateStats(db)
    last = first + HOUR_US - HOUR_US // 4
    assert stats.per_quarter(first, first + 5 * HOUR_US) == {first: 1, last: 1, first + HOUR_US: 1}
    after = stats.per_quarter(first + 1, first + 5 * HOUR_US + 1)
    assert after == {last: 1, first + HOUR_US: 1, first + 5 * HOUR_US: 1}
    assert stats.most(first, first + 9 * HOUR_US, 2) == [
        ("AB1", 2, first + HOUR_US),
        ("CD2", 1, first + 59 * 60_000_000),
    ]
    for visible in (Visible(frozenset({"yard"})), Visible(frozenset({"gate"}), {"gate": first + 6 * HOUR_US})):
        assert PlateStats(db, visible).per_quarter(first, first + 9 * HOUR_US) == {}
        assert PlateStats(db, visible).most(first, first + 9 * HOUR_US, 5) == []
