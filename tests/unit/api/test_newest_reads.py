"""What is drawn into a live picture: the newest read of each plate that is there, however often it has been read."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import simplejpeg
from sqlalchemy import insert, text

from gatehouse_api.context import Context
from gatehouse_api.newest_picture import newest_reads
from gatehouse_api.routes.v2_stream import _LatestMarks
from gatehouse_common.db import Database, PlateReader, PlateWriter
from gatehouse_common.db.plate_models import PlateReadRow
from gatehouse_common.testing.clock import FakeClock
from plate_kit import S, T, seen


def test_it_is_the_last_of_more_than_a_thousand(tmp_path: Path) -> None:
    """S2-20: a car that waits at a gate is read thousands of times."""
    db = Database(f"sqlite:///{tmp_path / 'index.db'}")
    db.upgrade()
    writer, reader = PlateWriter(db), PlateReader(db)
    writer.see(seen("one", "ABC123", 0))
    with db.begin() as c:
        first = dict(c.execute(PlateReadRow.__table__.select()).mappings().one())
        rows = [{**first, "id": f"read-{n}", "time_us": T + n * 1000} for n in range(1, 1200)]
        c.execute(insert(PlateReadRow), rows)
    writer.see(seen("one", "ABC123", 60, read="last"))
    assert [read.id for read in newest_reads(reader, "gate", T + 61 * S)] == ["last"]
    assert newest_reads(reader, "gate", T + 70 * S) == []
    db.close()


def test_boxes_stay_where_they_were_while_the_index_is_away(tmp_path: Path) -> None:
    """S2-20: the live picture goes on."""
    db = Database(f"sqlite:///{tmp_path / 'index.db'}")
    db.upgrade()
    PlateWriter(db).see(seen("one", "ABC123", 0))
    clock = FakeClock(T)
    ctx = cast("Context", SimpleNamespace(core=SimpleNamespace(clock=clock)))
    marks = _LatestMarks(ctx, "gate", PlateReader(db))
    plain = simplejpeg.encode_jpeg(np.full((96, 160, 3), 100, np.uint8), 90, "RGB", "420")
    drawn = marks.draw(plain)
    assert drawn != plain
    with db.begin() as c:
        c.execute(text("DROP TABLE plate_events"))
    clock.advance(S)
    assert marks.draw(plain) == drawn
    db.close()
