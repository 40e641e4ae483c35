"""How footage gets into the index: every method may be repeated, and messages may come out of order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from gatehouse_common.clock import MILLISECOND
from gatehouse_common.intervals import Interval, subtract
from gatehouse_common.messages import (
    ChunkClosed,
    ChunkDiscarded,
    ChunkOpened,
    ChunkStored,
    GapCause,
    GopWritten,
    RunEnded,
    RunStarted,
)

from .chunk_days import touch_days
from .clip_rows import move_planned
from .contention import retried
from .engine import Database
from .footage import find_gaps
from .happenings import note_gap
from .held_spans import span_is_held
from .models import ChunkIndexRow, ChunkRow, GapRow, RunRow
from .new_rows import insert_new
from .records import Gap
from .session_waits import is_waited_for
from .upkeep_models import DeletionRow

_ChunkNews = ChunkOpened | GopWritten | ChunkClosed | ChunkStored

_TOUCHING_US = MILLISECOND
"""Spans so close are one: the end of a frame is rounded to the microsecond in each of them."""

# Of every GOP of every camera. Made once: building a statement costs ten times what running it does.
_EXTEND = (
    update(ChunkRow)
    .where(
        ChunkRow.id == bindparam("chunk"),
        ChunkRow.state == "open",
        ChunkRow.bytes < bindparam("reached"),
        ChunkRow.origin_us == bindparam("origin"),
    )
    .values(end_us=bindparam("until"), bytes=bindparam("reached"))
)

_PURGED = select(GapRow.start_us, GapRow.end_us).where(
    GapRow.camera == bindparam("of_camera"), GapRow.cause == GapCause.PURGED, GapRow.detail == bindparam("said")
)
# Two look-ups that read no more than is there: what ends within a span, or just before it; what begins just after it.
_PURGED_BEFORE = _PURGED.where(GapRow.end_us >= bindparam("from_us"), GapRow.end_us <= bindparam("to_us"))
_PURGED_AFTER = _PURGED.where(GapRow.start_us >= bindparam("from_us"), GapRow.start_us <= bindparam("to_us"))
_FORGET_GAP = delete(GapRow).where(GapRow.camera == bindparam("of_camera"), GapRow.start_us == bindparam("at_us"))


class FootageWriter:
    """What the indexer writes. A stored chunk never becomes open again, whatever comes late."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @retried
    def start_run(self, run: RunStarted) -> None:
        """Keep a run; when it is known, nothing changes."""
        with self._db.begin() as c:
            insert_new(
                c,
                RunRow,
                {
                    "id": run.run,
                    "camera": run.camera,
                    "started_us": run.start_us,
                    "origin_us": run.origin_us,
                    "init": run.init,
                    "video_codec": run.video_codec,
                    "audio_codec": run.audio_codec,
                    "width": run.width,
                    "height": run.height,
                    "fps": run.fps,
                    "interruptions": [i.model_dump(mode="json") for i in run.interruptions],
                    "spool_url": run.spool_url,
                },
            )

    @retried
    def end_run(self, run: RunEnded) -> bool:
        """Keep when and why a run ended; return whether the run is known."""
        with self._db.begin() as c:
            values = {"ended_us": run.end_us, "end_cause": run.cause}
            return c.execute(update(RunRow).where(RunRow.id == run.run).values(values)).rowcount > 0

    @retried
    def refine_origin(self, run: str, origin_us: int) -> None:
        """Move a run, its chunks, and what is planned of it, in time by what the origin moved, if it did."""
        with self._db.begin() as c:
            _refine(c, run, origin_us)

    @retried
    def open_chunk(self, news: ChunkOpened) -> None:
        """Keep that a chunk file has been begun."""
        with self._db.begin() as c:
            insert_new(c, ChunkRow, {**_row(news), "state": "open", "end_us": news.start_us, "bytes": 0})

    @retried
    def extend_chunk(self, news: GopWritten) -> None:
        """Keep how far an open chunk reaches, and where in time its run is.

        News that the row is ahead of, and news of a stored chunk, change nothing: they came late or twice.
        """
        size = news.offset + news.length
        with self._db.begin() as c:
            place = {"chunk": news.chunk, "reached": size, "origin": news.origin_us, "until": news.end_us}
            if c.execute(_EXTEND, place).rowcount:
                return  # as nearly always: the next GOP of a chunk whose place in time has not moved
            row = {**_row(news), "state": "open", "end_us": news.end_us, "bytes": size}
            if insert_new(c, ChunkRow, row):
                _refine(c, news.run, news.origin_us)
                return
            # Locked: another indexer may be at the same chunk.
            locked = select(ChunkRow.state, ChunkRow.bytes).where(ChunkRow.id == news.chunk).with_for_update()
            known = c.execute(locked).one()
            if known.state == "open" and known.bytes < size:
                _refine(c, news.run, news.origin_us)
                c.execute(update(ChunkRow).where(ChunkRow.id == news.chunk).values(end_us=news.end_us, bytes=size))

    @retried
    def close_chunk(self, news: ChunkClosed) -> None:
        """Keep the final size and end of a chunk that waits to be stored."""
        with self._db.begin() as c:
            if news.recovered:  # written until a crash: its file may know the origin better than what was told before
                _refine(c, news.run, news.origin_us)
            values = {**_placed(c, news), "bytes": news.bytes, "recovered": news.recovered}
            if not insert_new(c, ChunkRow, {**_row(news), **values, "state": "open"}):
                kept = {**values, "recovered": _or_already(news.recovered)}
                c.execute(update(ChunkRow).where(ChunkRow.id == news.chunk, ChunkRow.state == "open").values(kept))
            if news.spool_url:  # the worker may have another address since it was started again
                moved = update(RunRow).where(RunRow.id == news.run, RunRow.spool_url != news.spool_url)
                c.execute(moved.values(spool_url=news.spool_url))

    @retried
    def store_chunk(self, news: ChunkStored, sample_index: bytes) -> bool:
        """Keep where a chunk is stored, and its sample index, in one transaction.

        Returns:
            False: it has been decided on that it is deleted, so there is to be no row of it.
        """
        with self._db.begin(durable=True) as c:  # upon which the spool's name goes
            if _is_to_be_deleted(c, news):
                c.execute(delete(ChunkRow).where(ChunkRow.id == news.chunk, ChunkRow.state == "open"))
                return False
            placed = _placed(c, news)
            before = c.execute(select(ChunkRow.start_us).where(ChunkRow.id == news.chunk)).scalars().all()
            values = {
                **placed,
                "key": news.key,
                "state": "stored",
                "bytes": news.bytes,
                "recovered": news.recovered,
                "stored_us": news.time_us,
            }
            kept = {**values, "recovered": _or_already(news.recovered)}
            known = update(ChunkRow).where(ChunkRow.id == news.chunk).values(kept)
            new = {"id": news.chunk, "camera": news.camera, "run": news.run, **values}
            if c.execute(known).rowcount == 0 and not insert_new(c, ChunkRow, new):
                c.execute(known)
            touch_days(c, news.camera, [*before, placed["start_us"]])
            c.execute(delete(ChunkIndexRow).where(ChunkIndexRow.chunk == news.chunk))
            c.execute(insert(ChunkIndexRow).values(chunk=news.chunk, data=sample_index))
        return True

    @retried
    def forget_chunk(self, chunk_id: str) -> None:
        """Remove the row of a chunk that has no file, and its sample index."""
        with self._db.begin() as c:
            known = c.execute(select(ChunkRow.camera, ChunkRow.start_us).where(ChunkRow.id == chunk_id)).first()
            if known is not None:
                touch_days(c, known.camera, [known.start_us])
                c.execute(delete(ChunkRow).where(ChunkRow.id == chunk_id))

    @retried
    def forget_key(self, key: str) -> None:
        """Remove the row of the open chunk whose file is ``key``: there is nothing in the file to keep."""
        with self._db.begin() as c:
            c.execute(delete(ChunkRow).where(ChunkRow.key == key, ChunkRow.state == "open"))

    @retried
    def discard_chunk(self, news: ChunkDiscarded, detail: str, now_us: int) -> bool:
        """Forget a chunk that is not to be kept, and let the ledger say so.

        What is let go of piece by piece is one gap.

        Returns:
            False: it is stored after all, it is held, or a file of a session is still to be made of it: nothing of it
                is forgotten.
        """
        with self._db.begin(durable=True) as c:  # upon which the file goes
            row = c.execute(
                select(ChunkRow.state, ChunkRow.start_us, ChunkRow.end_us).where(ChunkRow.id == news.chunk)
            ).first()
            if row is not None and row.state == "stored":
                return False
            start_us, end_us = (news.start_us, news.end_us) if row is None else (row.start_us, row.end_us)
            span = Interval(start_us, max(end_us, news.end_us, start_us + 1))
            if span_is_held(c, news.camera, span.start, span.end, now_us) or is_waited_for(c, news.camera, span):
                return False
            c.execute(delete(ChunkRow).where(ChunkRow.id == news.chunk))
            if end_us > start_us:
                add_purged(c, news.camera, start_us, end_us, detail)
        return True

    @retried
    def put_gaps(self, run: str | None, gaps: Sequence[Gap]) -> list[Gap]:
        """Keep gaps; those that came before the same run are replaced. Return the ones that were not known.

        A gap is known by its camera and start: one that is told again replaces itself.
        """
        news: list[Gap] = []
        with self._db.begin() as c:
            known = set()
            if run is not None:
                known = {tuple(r) for r in c.execute(select(GapRow.camera, GapRow.start_us).where(GapRow.run == run))}
                c.execute(delete(GapRow).where(GapRow.run == run))
            for gap in gaps:
                itself = (GapRow.camera == gap.camera, GapRow.start_us == gap.start_us)
                replaced = c.execute(delete(GapRow).where(*itself)).rowcount > 0
                c.execute(insert(GapRow).values(**asdict(gap)))
                if not replaced and (gap.camera, gap.start_us) not in known:
                    news.append(gap)
                    note_gap(c, gap)
        return news

    @retried
    def fill_gaps(self, camera: str, start_us: int, end_us: int) -> None:
        """Let gaps that a check has put where footage was gone, or damaged, end where it is there again."""
        lost = (GapCause.DELETED.value, GapCause.CORRUPT.value)
        with self._db.begin() as c:
            found = find_gaps(c, camera, start_us, end_us + 1)
            known = {gap.start_us: gap.end_us for gap in found}  # a gap is known by its start; no two have the same
            for gap in found:
                if gap.run is not None or gap.cause not in lost or gap.start_us >= end_us:
                    continue
                c.execute(_FORGET_GAP, {"of_camera": camera, "at_us": gap.start_us})
                del known[gap.start_us]
                for left in subtract(Interval(gap.start_us, gap.end_us), [Interval(start_us, end_us)]):
                    at_us = left.start
                    while known.get(at_us, at_us) > at_us:
                        at_us = known[at_us]
                    if left.end - at_us > _TOUCHING_US:
                        c.execute(insert(GapRow).values({**asdict(gap), "start_us": at_us, "end_us": left.end}))
                        known[at_us] = left.end


def _refine(c: Connection, run: str, origin_us: int) -> None:
    row = c.execute(select(RunRow.origin_us, RunRow.camera, RunRow.started_us).where(RunRow.id == run)).first()
    if row is not None and row.origin_us != origin_us:
        move_planned(c, row.camera, row.started_us, origin_us - row.origin_us)
        moved = origin_us - RunRow.origin_us
        c.execute(
            update(RunRow)
            .where(RunRow.id == run)
            .values(origin_us=origin_us, started_us=RunRow.started_us + moved, ended_us=RunRow.ended_us + moved)
        )
    stored = select(ChunkRow.camera, ChunkRow.start_us, ChunkRow.origin_us).where(
        ChunkRow.run == run, ChunkRow.origin_us != origin_us, ChunkRow.state == "stored"
    )
    for camera, start_us, before_us in c.execute(stored).all():
        touch_days(c, camera, [start_us, start_us + origin_us - before_us])
    moved = origin_us - ChunkRow.origin_us
    c.execute(
        update(ChunkRow)
        .where(ChunkRow.run == run, ChunkRow.origin_us != origin_us)
        .values(start_us=ChunkRow.start_us + moved, end_us=ChunkRow.end_us + moved, origin_us=origin_us)
    )


def add_purged(c: Connection, camera: str, start_us: int, end_us: int, detail: str) -> None:
    """Put a purged span into the ledger, as part of the one that it goes on from if there is one."""
    span = {"of_camera": camera, "said": detail, "from_us": start_us - _TOUCHING_US, "to_us": end_us + _TOUCHING_US}
    found = [*c.execute(_PURGED_BEFORE, span), *c.execute(_PURGED_AFTER, span)]
    whole = min([start_us, *(gap.start_us for gap in found)]), max([end_us, *(gap.end_us for gap in found)])
    for start in {whole[0], *(gap.start_us for gap in found)}:
        c.execute(_FORGET_GAP, {"of_camera": camera, "at_us": start})
    c.execute(insert(GapRow), asdict(Gap(camera, *whole, GapCause.PURGED.value, detail)))


def _is_to_be_deleted(c: Connection, news: ChunkStored) -> bool:
    """Return whether the object of a stored chunk is to be deleted; what is told late or twice must not undo that.

    Its key alone does not say so: another chunk may have had it before.
    """
    decided = select(DeletionRow.subject).where(DeletionRow.key == news.key, DeletionRow.kind == "chunk")
    return c.execute(decided.with_for_update(read=True)).scalar() == news.chunk


def _placed(c: Connection, news: ChunkClosed | ChunkStored) -> dict[str, int]:
    """Return where in time a chunk is by the origin that its run has by now.

    What a message says of it was true when the chunk was closed; the run may have been refined since, and its chunks
    must not overlap.
    """
    origin_us = c.execute(select(RunRow.origin_us).where(RunRow.id == news.run)).scalar()
    moved = 0 if origin_us is None else origin_us - news.origin_us
    return {"start_us": news.start_us + moved, "end_us": news.end_us + moved, "origin_us": news.origin_us + moved}


def _or_already(recovered: bool) -> object:
    """A chunk that was adopted stays marked: told again after another crash, its file is whole."""
    return True if recovered else ChunkRow.recovered


def _row(news: _ChunkNews) -> dict[str, object]:
    return {
        "id": news.chunk,
        "camera": news.camera,
        "run": news.run,
        "key": news.key,
        "start_us": news.start_us,
        "origin_us": news.origin_us,
    }
