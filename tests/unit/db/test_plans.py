"""S0-32: hot queries are answered from an index, and from no more of it than they ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import event

from gatehouse_common.db import Camera, CoverageReader, Database, FootageReader, TimelineReader
from gatehouse_common.intervals import Interval
from gatehouse_common.testing.chunk_rows import seed_chunks

T = 1_700_000_000_000_000
HOUR = 3_600_000_000


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path_factory.mktemp('plans')}/index.db")
    made.upgrade()
    seed_chunks(made, ["gate", "yard", "hall"], 400, start_us=T)
    yield made
    made.close()


def plans(db: Database, ask: Callable[[], object]) -> list[str]:
    """Return what SQLite does for each query that ``ask`` runs, a line per query."""
    asked: list[tuple[str, tuple[object, ...]]] = []

    def hear(_connection: object, _cursor: object, statement: str, parameters: tuple[object, ...], *_: object) -> None:
        asked.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", hear)
    try:
        ask()
    finally:
        event.remove(db.engine, "before_cursor_execute", hear)
    lines = []
    with db.read() as connection:
        for statement, parameters in asked:
            if statement.startswith("SELECT"):
                rows = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters)
                lines.append("; ".join(row.detail for row in rows))
    return lines


RANGE = "USING COVERING INDEX ix_chunks_range (camera=? AND start_us>? AND start_us<?)"


def test_a_range_look_up_reads_one_index_and_sorts_nothing(db: Database) -> None:
    assert plans(db, lambda: FootageReader(db).find_chunks("gate", T, T + HOUR)) == [f"SEARCH chunks {RANGE}"]
    assert plans(db, lambda: FootageReader(db).spans("gate", T, T + HOUR)) == [f"SEARCH chunks {RANGE}"]


def test_coverage_reads_the_range_and_the_ends_alone(db: Database) -> None:
    camera = Camera("gate", "synthetic:", created_us=T)
    for plan in plans(db, lambda: CoverageReader(db).coverage(camera, Interval(T, T + HOUR), T + 2 * HOUR)):
        assert "SCAN chunks" not in plan
        assert "SCAN gaps" not in plan
        assert "ix_chunks_range (camera=?" in plan or "ix_gaps_range (camera=?" in plan


def test_a_timeline_reads_the_range_alone(db: Database) -> None:
    for plan in plans(db, lambda: TimelineReader(db).recorded("gate", T, T + HOUR)):
        assert RANGE in plan
        assert "SCAN chunks" not in plan
        assert plan.count("TEMP B-TREE") <= 1  # the few joints that are left, not the chunks


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (lambda r: r.last_end_us("gate"), "ix_chunks_range (camera=?)"),
        (lambda r: r.last_end_us("gate", T + HOUR), "ix_chunks_range (camera=? AND start_us<?)"),
        (lambda r: r.nearest("gate", T + HOUR), "ix_chunks_range (camera=? AND start_us"),
        (lambda r: r.newest(["gate"], 50), "ix_chunks_range (camera=?)"),
        (lambda r: r.newest(None, 50), "ix_chunks_state (state=?)"),
        (lambda r: r.newest(["gate", "yard"], 50), "ix_chunks"),
        (lambda r: r.open_chunks(), "ix_chunks_state (state=?)"),
        (lambda r: r.gaps("gate", T, T + HOUR), "ix_gaps_range (camera=? AND end_us>?)"),
        (lambda r: r.chunk_of_key("x"), "(key=?)"),
        (lambda r: list(r.all_chunks(100)), "ix_chunks_range (camera"),
    ],
    ids=["end", "end-before", "nearest", "newest-one", "newest-all", "newest-some", "open", "gaps", "key", "all"],
)
def test_other_look_ups_use_an_index(db: Database, ask: Callable[[FootageReader], object], index: str) -> None:
    found = plans(db, lambda: ask(FootageReader(db)))
    assert found
    assert any(index in plan for plan in found), found
    for plan in found:
        assert "SCAN gaps" not in plan
        assert "SCAN chunks" not in plan or "COVERING INDEX" in plan, plan
