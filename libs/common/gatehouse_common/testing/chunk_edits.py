"""Rows as they should never be, for tests of what finds them."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import delete, insert, select, update

from gatehouse_common.db import Chunk, Database
from gatehouse_common.db.models import ChunkIndexRow, ChunkRow
from gatehouse_common.db.plate_models import ClipPlateEventRow, ClipRow
from gatehouse_common.db.session_models import SessionChunkRow


def move_end(db: Database, chunk: str, by_us: int) -> None:
    """Let a row say that its chunk ends so much later than it does."""
    with db.begin() as c:
        c.execute(update(ChunkRow).where(ChunkRow.id == chunk).values(end_us=ChunkRow.end_us + by_us))


def twin_of(db: Database, chunk: Chunk, twin: str, key: str) -> None:
    """Add a row of the same footage under another id, with a file under another key."""
    with db.begin() as c:
        c.execute(insert(ChunkRow).values({**asdict(chunk), "id": twin, "key": key}))
        blob = c.execute(select(ChunkIndexRow.data).where(ChunkIndexRow.chunk == chunk.id)).scalar_one()
        c.execute(insert(ChunkIndexRow).values(chunk=twin, data=blob))


def forget_clip(db: Database, clip: str) -> None:
    """Remove the row of a clip and what links it to plate events, as a lost index has lost them."""
    with db.begin() as c:
        c.execute(delete(ClipPlateEventRow).where(ClipPlateEventRow.clip == clip))
        c.execute(delete(ClipRow).where(ClipRow.id == clip))


def forget_session_file(db: Database, number: int) -> None:
    """Remove the row of a file of a session, as a lost index has lost it."""
    with db.begin() as c:
        c.execute(delete(SessionChunkRow).where(SessionChunkRow.number == number))


def say_bytes(db: Database, chunk: str, size: int) -> None:
    """Let a row say that its file has another size."""
    with db.begin() as c:
        c.execute(update(ChunkRow).where(ChunkRow.id == chunk).values(bytes=size))


def put_index(db: Database, chunk: str, blob: bytes | None) -> None:
    """Put a sample table in place of a chunk's; None takes it away."""
    with db.begin() as c:
        c.execute(delete(ChunkIndexRow).where(ChunkIndexRow.chunk == chunk))
        if blob is not None:
            c.execute(insert(ChunkIndexRow).values(chunk=chunk, data=blob))
