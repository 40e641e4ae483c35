"""When plates were seen, on every database: every visit is counted once, in its slot, for who may see it."""

from __future__ import annotations

from gatehouse_common.db import Database, PlateTime, PlateWriter, Visible, plate_times
from plate_kit import S, T, seen


def test_visits_are_counted_in_slots(db: Database) -> None:
    writer = PlateWriter(db)
    for n, (camera, at) in enumerate([("gate", 0), ("gate", 4), ("yard", 5), ("gate", 19), ("gate", 20), ("gate", 60)]):
        writer.see(seen(f"event-{n}", f"ABC123{n}", camera=camera, start_us=T + at * S))
    writer.correct("event-5", "XYZ789", "ann", T)
    base = T // (20 * S) * 20 * S
    assert T - base < S, "the visits' slots are those of their seconds"
    together, between, last = plate_times(db, "gate", T, T + 61 * S, 20 * S)
    assert (together.first_us, together.last_us, together.count) == (T, T + 19 * S, 3)
    assert (together.event, together.text, together.confidence) == (None, None, 0.95)
    assert (between.event, between.text, between.count, between.corrected) == ("event-4", "ABC1234", 1, False)
    assert (last.event, last.text, last.corrected) == ("event-5", "XYZ789", True)
    assert [one.event for one in plate_times(db, "gate", T, T + 60 * S, 1)] == [f"event-{n}" for n in (0, 1, 3, 4)]
    writer.reject("event-4", True, "ann", T)
    assert [one.count for one in plate_times(db, "gate", T, T + 60 * S, 20 * S)] == [3]


def test_what_is_not_there_for_somebody_is_not_counted(db: Database) -> None:
    writer = PlateWriter(db)
    for n in range(4):
        writer.see(seen(f"event-{n}", f"ABC123{n}", camera="gate", start_us=T + n * S))

    def count(visible: Visible) -> int:
        return sum(one.count for one in plate_times(db, "gate", T, T + 60 * S, 60 * S, visible))

    assert count(Visible(frozenset({"gate"}))) == 4
    assert count(Visible(frozenset({"gate"}), {"gate": T + 2 * S})) == 2
    assert count(Visible(frozenset({"yard"}))) == 0


def test_a_month_of_visits_is_told_in_as_many_slots_as_are_asked_for(db: Database) -> None:
    writer = PlateWriter(db)
    for n in range(300):
        writer.see(seen(f"event-{n}", f"ABC{n}", camera="gate", start_us=T + n * 8640 * S))
    found: list[PlateTime] = plate_times(db, "gate", T, T + 30 * 86400 * S, 86400 * S)
    assert len(found) in (30, 31)
    assert sum(one.count for one in found) == 300
