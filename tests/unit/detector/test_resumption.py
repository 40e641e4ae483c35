"""Visits that are gone on with as the index knows them: where they are, whether they stand, and their pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gatehouse_common.db import Database, PlateReader, PlateWriter
from gatehouse_detector.geometry import box_of
from gatehouse_detector.resumption import resume
from gatehouse_detector.sightings import Sighting
from gatehouse_detector.visit import Visit
from plate_kit import S, T, read_of, seen


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    db = Database(f"sqlite:///{tmp_path}/index.db")
    db.upgrade()
    yield db
    db.close()


def test_a_long_visit_goes_on_from_its_last_reads(db: Database) -> None:
    """Not from its first, where its plate is not any more."""
    writer, reader = PlateWriter(db), PlateReader(db)
    for n in range(250):
        writer.see(seen("one", "ABC123", n))
    (event,) = reader.open_events()
    visit, _ = resume(reader, event)
    assert visit.track.last_us == T + 249 * S
    assert (visit.start_us, visit.end_us, visit.qualifying) == (T, T + 249 * S, 250)


def resumed(db: Database, **keys: str) -> Visit:
    PlateWriter(db).see(seen("one", "ABC123", **keys))
    reader = PlateReader(db)
    (event,) = reader.open_events()
    return resume(reader, event)[0]


def is_best(visit: Visit, clarity: float) -> bool:
    """Whether a read a second later is the best picture; it is as sure as the one before."""
    read = read_of("ABC123", T + S)
    return visit.take(Sighting(read, box_of(read.quad), clarity), qualifies=True)


def test_a_clear_picture_takes_the_place_of_those_of_the_process_before(db: Database) -> None:
    visit = resumed(db, frame_key="plates/f.jpg", crop_key="plates/c.jpg")
    assert not is_best(visit, 0.4)
    assert is_best(visit, 0.8)


def test_a_visit_whose_pictures_were_never_stored_takes_the_next(db: Database) -> None:
    visit = resumed(db)
    assert is_best(visit, 0.1)
    assert not is_best(visit, 0.1)
