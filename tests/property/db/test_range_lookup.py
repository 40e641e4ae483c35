"""The bounded look-up finds what the plain overlap predicate finds, whatever the rows are."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_common.db import Chunk, Database, FootageReader, TimelineReader
from gatehouse_common.db.models import MAX_CHUNK_US, ChunkRow
from gatehouse_common.db.timeline import SLACK_US
from gatehouse_common.intervals import Interval, merge

# Times at which bounds meet: starts, ends, and the longest chunk away from either.
TIMES = st.builds(
    lambda n, longest, by: 10 * MAX_CHUNK_US + n * 600_000_000 + longest * MAX_CHUNK_US + by,
    st.integers(0, 8),
    st.integers(-1, 1),
    st.integers(-2, 2),
)
LENGTHS = st.one_of(st.sampled_from([0, 1, 600_000_000, MAX_CHUNK_US]), st.integers(0, MAX_CHUNK_US))
ROWS = st.lists(st.tuples(st.sampled_from(["gate", "yard"]), TIMES, LENGTHS), max_size=25)


def fill(db: Database, rows: list[tuple[str, int, int]]) -> list[Chunk]:
    chunks = [
        Chunk(f"{n:03}", camera, "run", f"k{n}", "stored", start, start + length, start, 1, recovered=False)
        for n, (camera, start, length) in enumerate(rows)
    ]
    with db.begin() as connection:
        connection.execute(ChunkRow.__table__.delete())
        if chunks:
            names = Chunk.__slots__
            connection.execute(ChunkRow.__table__.insert(), [{k: getattr(c, k) for k in names} for c in chunks])
    return chunks


@settings(deadline=None, max_examples=60)
@given(rows=ROWS, asked=st.lists(st.tuples(TIMES, LENGTHS), min_size=1, max_size=10))
def test_bounded_equals_brute_force(rows: list[tuple[str, int, int]], asked: list[tuple[int, int]]) -> None:
    with TemporaryDirectory() as folder:
        db = Database(f"sqlite:///{Path(folder)}/index.db")
        db.upgrade()
        chunks = fill(db, rows)
        for t0, length in asked:
            t1 = t0 + length
            overlapping = [c for c in chunks if c.camera == "gate" and c.start_us < t1 and c.end_us > t0]
            expected = sorted(overlapping, key=lambda c: (c.start_us, c.end_us, c.id))
            assert FootageReader(db).find_chunks("gate", t0, t1) == expected

            spans = merge((c.span for c in overlapping), SLACK_US)
            clipped = [i for i in (s.intersect(Interval(t0, t1)) for s in spans) if i is not None]
            assert TimelineReader(db).recorded("gate", t0, t1) == clipped
        db.close()


@settings(deadline=None, max_examples=30)
@given(rows=ROWS, batch=st.integers(1, 5))
def test_batches_leave_nothing_out(rows: list[tuple[str, int, int]], batch: int) -> None:
    with TemporaryDirectory() as folder:
        db = Database(f"sqlite:///{Path(folder)}/index.db")
        db.upgrade()
        chunks = fill(db, rows)
        expected = sorted(chunks, key=lambda c: (c.camera, c.start_us, c.end_us, c.id))
        assert list(FootageReader(db).all_chunks(batch)) == expected
        db.close()
