"""Visits that are gone on with as the index knows them: where they are, whether they stand, and their pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gatehouse_common.db import Database, PlateReader, PlateWriter
from gatehouse_detector.resumption import resume
from plate_kit import S, T, seen


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
