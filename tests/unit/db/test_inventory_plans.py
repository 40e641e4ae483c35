"""What a check reads of the index costs the same for each batch, however many chunks there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import event

from gatehouse_common.db import Database, Inventory, MediaInventory
from gatehouse_common.testing.chunk_rows import seed_chunks
from media_rows import add_file, put
from pipeline_kit import START_US


def test_chunks_come_in_the_order_of_keys_by_the_index_of_keys(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/index.db")
    db.upgrade()
    seed_chunks(db, ["north", "south"], 300, start_us=START_US)
    asked: list[tuple[str, Any]] = []

    @event.listens_for(db.engine, "before_cursor_execute")
    def remember(_c: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        asked.append((statement, parameters))

    found = [chunk.key for chunk in Inventory(db).stored_by_key("recordings/", batch=100)]
    assert found == sorted(found)
    assert len(found) == 600
    assert [chunk.key for chunk in Inventory(db).stored_by_key("recordings/south/")] == found[300:]
    statement, parameters = next(a for a in asked if a[0].startswith("SELECT"))
    with db.engine.connect() as c:
        plan = " ".join(str(row) for row in c.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters))
    assert "USING INDEX" in plan
    assert "TEMP B-TREE" not in plan
    db.close()


def test_what_is_new_is_found_page_by_page(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/index.db")
    db.upgrade()
    end_us = seed_chunks(db, ["north", "south", "west"], 50, start_us=START_US)
    since = end_us - 10 * 600_000_000
    found = list(Inventory(db).stored_since(since, batch=7))
    assert len(found) == len({chunk.id for chunk in found}) == 33
    assert all(chunk.stored_us is not None and chunk.stored_us >= since for chunk in found)
    db.close()


def test_files_of_media_come_batch_by_batch_each_from_where_the_last_ended(tmp_path: Path) -> None:
    """S2-44: of the same medium and kind in the midst, too; as conditions that MySQL finds in an index as well."""
    db = Database(f"sqlite:///{tmp_path}/index.db")
    db.upgrade()
    names = [("audio", "aac-48k"), ("audio", "copy"), ("audio", "flac"), ("original", ""), ("thumbnail", "")]
    for number in (1, 2, 3):
        one = put(db, number)
        for kind, variant in reversed(names):
            add_file(db, one, kind, variant=variant, key=f"{one.folder}{kind}-{variant}")
    asked: list[tuple[str, Any]] = []

    @event.listens_for(db.engine, "before_cursor_execute")
    def remember(_c: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        asked.append((statement, parameters))

    for batch in (1, 2, 3, 7):
        found = [(file.media, file.kind, file.variant) for file in MediaInventory(db).files(batch)]
        assert found == [(number, *name) for number in (1, 2, 3) for name in names]
    statement, parameters = asked[-1]
    assert "(media_files.media, " not in statement  # rows are compared: MySQL would read all of them each time
    with db.engine.connect() as c:
        plan = " ".join(str(row) for row in c.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters))
    assert "(media>?)" in plan
    assert "TEMP B-TREE" not in plan
    db.close()
