"""How footage gets into the index: every method may be repeated, and messages may come out of order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import case, delete, insert, select, update

from gatehouse_common.messages import ChunkClosed, ChunkOpened, ChunkStored, GopWritten, RunEnded, RunStarted

from .engine import Database
from .models import ChunkIndexRow, ChunkRow, GapRow, RunRow
from .records import Gap

_ChunkNews = ChunkOpened | GopWritten | ChunkClosed | ChunkStored


class FootageWriter:
    """What the indexer writes. A stored chunk never becomes open again, whatever comes late."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def start_run(self, run: RunStarted) -> None:
        """Keep a run; when it is known, only its origin is refined."""
        with self._db.begin() as c:
            if c.execute(select(RunRow.id).where(RunRow.id == run.run)).first():
                return
            c.execute(
                insert(RunRow).values(
                    id=run.run,
                    camera=run.camera,
                    started_us=run.start_us,
                    origin_us=run.origin_us,
                    init=run.init,
                    video_codec=run.video_codec,
                    audio_codec=run.audio_codec,
                    width=run.width,
                    height=run.height,
                    fps=run.fps,
                )
            )

    def end_run(self, run: RunEnded) -> None:
        """Keep when and why a run ended."""
        with self._db.begin() as c:
            c.execute(update(RunRow).where(RunRow.id == run.run).values(ended_us=run.end_us, end_cause=run.cause))

    def refine_origin(self, run: str, origin_us: int) -> None:
        """Move a run and its chunks in time by what the origin moved, if it did."""
        with self._db.begin() as c:
            row = c.execute(select(RunRow.origin_us).where(RunRow.id == run)).first()
            if row is not None and row[0] != origin_us:
                c.execute(
                    update(RunRow)
                    .where(RunRow.id == run)
                    .values(origin_us=origin_us, started_us=RunRow.started_us + (origin_us - row[0]))
                )
            shift = origin_us - ChunkRow.origin_us
            c.execute(
                update(ChunkRow)
                .where(ChunkRow.run == run, ChunkRow.origin_us != origin_us)
                .values(start_us=ChunkRow.start_us + shift, end_us=ChunkRow.end_us + shift, origin_us=origin_us)
            )

    def open_chunk(self, news: ChunkOpened) -> None:
        """Keep that a chunk file has been begun."""
        with self._db.begin() as c:
            if c.execute(select(ChunkRow.id).where(ChunkRow.id == news.chunk)).first() is None:
                c.execute(insert(ChunkRow).values(**_row(news), state="open", end_us=news.start_us, bytes=0))

    def extend_chunk(self, news: GopWritten) -> None:
        """Keep how far an open chunk reaches; a stored one is left alone."""
        with self._db.begin() as c:
            size = news.offset + news.length
            done = c.execute(
                update(ChunkRow)
                .where(ChunkRow.id == news.chunk, ChunkRow.state == "open")
                .values(
                    end_us=case((ChunkRow.end_us < news.end_us, news.end_us), else_=ChunkRow.end_us),
                    bytes=case((ChunkRow.bytes < size, size), else_=ChunkRow.bytes),
                )
            ).rowcount
            if not done and c.execute(select(ChunkRow.id).where(ChunkRow.id == news.chunk)).first() is None:
                c.execute(insert(ChunkRow).values(**_row(news), state="open", end_us=news.end_us, bytes=size))

    def close_chunk(self, news: ChunkClosed) -> None:
        """Keep the final size and end of a chunk that waits to be stored."""
        values: dict[str, object] = {
            "start_us": news.start_us,
            "end_us": news.end_us,
            "origin_us": news.origin_us,
            "bytes": news.bytes,
            "recovered": news.recovered,
        }
        with self._db.begin() as c:
            if c.execute(select(ChunkRow.id).where(ChunkRow.id == news.chunk)).first() is None:
                c.execute(insert(ChunkRow).values(**_row(news), **_without_start(values), state="open"))
            else:
                c.execute(update(ChunkRow).where(ChunkRow.id == news.chunk, ChunkRow.state == "open").values(values))

    def store_chunk(self, news: ChunkStored, sample_index: bytes) -> None:
        """Keep where a chunk is stored, and its sample index, in one transaction."""
        values = {
            "key": news.key,
            "state": "stored",
            "start_us": news.start_us,
            "end_us": news.end_us,
            "origin_us": news.origin_us,
            "bytes": news.bytes,
            "recovered": news.recovered,
        }
        with self._db.begin() as c:
            if c.execute(update(ChunkRow).where(ChunkRow.id == news.chunk).values(values)).rowcount == 0:
                c.execute(insert(ChunkRow).values(id=news.chunk, camera=news.camera, run=news.run, **values))
            c.execute(delete(ChunkIndexRow).where(ChunkIndexRow.chunk == news.chunk))
            c.execute(insert(ChunkIndexRow).values(chunk=news.chunk, data=sample_index))

    def forget_chunk(self, chunk_id: str) -> None:
        """Remove the row of a chunk that has no file."""
        with self._db.begin() as c:
            c.execute(delete(ChunkRow).where(ChunkRow.id == chunk_id))

    def put_gaps(self, run: str | None, gaps: Sequence[Gap]) -> list[Gap]:
        """Keep gaps; those that came before the same run are replaced. Return the ones that were not known."""
        with self._db.begin() as c:
            known = set()
            if run is not None:
                rows = c.execute(delete(GapRow).where(GapRow.run == run).returning(GapRow.camera, GapRow.start_us))
                known = {tuple(row) for row in rows}
            for gap in gaps:
                c.execute(delete(GapRow).where(GapRow.camera == gap.camera, GapRow.start_us == gap.start_us))
                c.execute(insert(GapRow).values(**asdict(gap)))
        return [gap for gap in gaps if (gap.camera, gap.start_us) not in known]


def _row(news: _ChunkNews) -> dict[str, object]:
    return {
        "id": news.chunk,
        "camera": news.camera,
        "run": news.run,
        "key": news.key,
        "start_us": news.start_us,
        "origin_us": news.origin_us,
    }


def _without_start(values: dict[str, object]) -> dict[str, object]:
    return {k: v for k, v in values.items() if k not in {"start_us", "origin_us"}}
