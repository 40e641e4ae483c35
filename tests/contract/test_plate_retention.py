"""Plates that were read long ago are forgotten on every database: nothing of them can be found any more (S2-30)."""

from __future__ import annotations

import threading
from dataclasses import asdict

import pytest
from sqlalchemy import func, insert, select

from gatehouse_common.db import (
    ClipRepository,
    Database,
    Deletions,
    HoldRepository,
    PlateQuery,
    PlateReader,
    PlateRetention,
    PlateWriter,
)
from gatehouse_common.db.holds import lock_retention
from gatehouse_common.db.plate_models import PlateEventTextRow, PlateReadRow, PlateTextRow, PlateTextSuffixRow
from gatehouse_common.db.plate_rows import add_texts
from gatehouse_common.db.upkeep_models import HoldRow
from plate_kit import S, T, closed, seen
from retention_kit import hold

DAY = 24 * 3600 * S
NOW = T + 400 * DAY
BEFORE = NOW - 365 * DAY


def visit(db: Database, event: str, text: str, start_us: int, camera: str = "gate") -> None:
    writer = PlateWriter(db)
    for n in range(3):
        pictures = {"frame_key": f"plates/{event}_frame.jpg", "crop_key": f"plates/{event}_crop.jpg"}
        writer.see(seen(event, text, n, camera=camera, start_us=start_us, **pictures))
    writer.close(closed(event, text, 2, camera=camera, start_us=start_us, **pictures))


def rows(db: Database, table: type) -> int:
    with db.read() as c:
        return c.execute(select(func.count()).select_from(table)).scalar_one()


def found(db: Database, text: str) -> list[str]:
    reader = PlateReader(db)
    ids: set[str] = set()
    for match in ("exact", "fuzzy", "wildcard"):
        ids |= {e.id for e in reader.search(PlateQuery(text=text, match=match))}  # type: ignore[arg-type]
    return sorted(ids)


def test_an_old_event_goes_with_all_by_which_it_was_found(db: Database) -> None:
    visit(db, "old", "ABC1234", T)
    visit(db, "young", "ABC1234", NOW - DAY)
    visit(db, "other", "XYZ789", T + DAY)
    retention = PlateRetention(db)
    assert (retention.count(), retention.count_before(BEFORE)) == (3, 2)
    count, pictures = retention.forget_before(BEFORE, NOW, 10)
    assert count == 2
    assert {p.key for p in pictures} == {f"plates/{e}_{w}.jpg" for e in ("old", "other") for w in ("frame", "crop")}
    assert {d.key for d in Deletions(db).due(NOW, 10)} == {p.key for p in pictures}
    assert found(db, "ABC1234") == ["young"]
    assert found(db, "XYZ789") == []
    assert rows(db, PlateReadRow) == 3
    assert rows(db, PlateEventTextRow) == 1
    assert rows(db, PlateTextRow) == 1
    assert rows(db, PlateTextSuffixRow) == len("ABC1234") - 1
    assert retention.forget_before(BEFORE, NOW, 10) == (0, [])


def test_the_oldest_go_first_and_so_many_at_once(db: Database) -> None:
    for n in range(5):
        visit(db, f"event-{n}", f"ABC{n}", T + n * DAY)
    retention = PlateRetention(db)
    assert retention.forget_before(BEFORE, NOW, 2)[0] == 2
    assert {e.id for e in PlateReader(db).search(PlateQuery())} == {"event-2", "event-3", "event-4"}


def test_what_lasts_until_now_or_is_held_stays(db: Database) -> None:
    visit(db, "held", "HELD11", T)
    HoldRepository(db).place(hold(camera="gate", start_us=T + 2 * S, end_us=T + 3 * S))
    visit(db, "beside", "BESIDE1", T + 4 * S)
    visit(db, "yard", "YARD11", T, camera="yard")
    assert PlateRetention(db).forget_before(BEFORE, NOW, 10)[0] == 2
    assert [e.id for e in PlateReader(db).search(PlateQuery())] == ["held"]


def test_reads_of_no_event_go_too(db: Database) -> None:
    writer = PlateWriter(db)
    for n in range(5):
        writer.see(seen(None, "DOUBT1", n, confidence=0.2))
    writer.see(seen(None, "DOUBT1", 0, start_us=NOW - DAY, confidence=0.2))
    retention = PlateRetention(db)
    assert retention.forget_reads_before(BEFORE, NOW, 3) == 3
    assert retention.forget_reads_before(BEFORE, NOW, 3) == 2
    assert retention.forget_reads_before(BEFORE, NOW, 3) == 0
    assert rows(db, PlateReadRow) == 1


def test_reads_of_a_time_that_is_held_stay(db: Database) -> None:
    """S2-31: what was read while it lasted belongs to the footage that somebody keeps."""
    writer = PlateWriter(db)
    for n in range(4):
        writer.see(seen(None, f"DOUBT{n}", n, confidence=0.2))
    writer.see(seen(None, "DOUBT9", 0, camera="yard", confidence=0.2))
    with db.read() as c:
        times = sorted(c.execute(select(PlateReadRow.time_us).where(PlateReadRow.camera == "gate")).scalars())
    holds, held = HoldRepository(db), hold(camera="gate", start_us=times[1], end_us=times[3], until_us=NOW + DAY)
    holds.place(held)
    retention = PlateRetention(db)
    assert retention.forget_reads_before(BEFORE, NOW, 10) == 3
    with db.read() as c:
        assert sorted(c.execute(select(PlateReadRow.text)).scalars()) == ["DOUBT1", "DOUBT2"]
    assert retention.forget_reads_before(BEFORE, NOW + DAY, 10) == 2  # it has run out by then


def test_the_plates_of_a_held_clip_stay(db: Database) -> None:
    visit(db, "of-clip", "HELD11", T)
    visit(db, "beside", "BESIDE1", T + 60 * S)
    clips = ClipRepository(db)
    (clip,) = clips.plan("gate", "of-clip", T, 5 * S, 15 * S, 300 * S, T)
    clips.stored(clip, f"videos/{clip}.mp4", T - 5 * S, T + 15 * S, 500, 1, 1, 9, "", T)
    HoldRepository(db).place(hold(clip=clip, start_us=T - 5 * S, end_us=T + 15 * S))
    assert PlateRetention(db).forget_before(BEFORE, NOW, 10)[0] == 1
    assert [e.id for e in PlateReader(db).search(PlateQuery())] == ["of-clip"]


def test_a_text_that_is_used_again_while_it_is_forgotten_stays(db: Database) -> None:
    """S2-12: by fuzzy and by wildcard too, whatever another transaction has not committed yet."""
    visit(db, "old", "ABC1234", T)
    visit(db, "young", "OTHER1", NOW - DAY)
    with db.begin() as using:
        add_texts(using, "young", "gate", NOW - DAY, {"ABC1234"})
        forgetting = threading.Thread(target=PlateRetention(db).forget_before, args=(BEFORE, NOW, 10))
        forgetting.start()
        forgetting.join(1.0)
    forgetting.join(30)
    assert not forgetting.is_alive()
    for match in ("exact", "fuzzy", "wildcard"):
        text = "ABC12*" if match == "wildcard" else "ABC1234"
        query = PlateQuery(text=text, match=match)  # type: ignore[arg-type]
        assert [e.id for e in PlateReader(db).search(query)] == ["young"], match


@pytest.mark.parametrize("what", ["events", "reads"])
def test_a_hold_that_is_being_placed_is_waited_for(db: Database, what: str) -> None:
    """S2-31: whoever is told that it is held is told the truth, whatever else goes on in that moment."""
    visit(db, "held", "HELD11", T)
    PlateWriter(db).see(seen(None, "DOUBT1", 0, confidence=0.2))
    retention, forgotten = PlateRetention(db), list[object]()

    def forget() -> None:
        if what == "events":
            forgotten.append(retention.forget_before(BEFORE, NOW, 10)[0])
        else:
            forgotten.append(retention.forget_reads_before(BEFORE, NOW, 10))

    thread = threading.Thread(target=forget)
    with db.begin() as placing:
        lock_retention(placing)
        placing.execute(insert(HoldRow).values(asdict(hold(camera="gate"))))
        thread.start()
        thread.join(1.0)
        assert forgotten == []
    thread.join(30)
    assert forgotten == [0]
