"""Which index a query reads, where databases without statistics take the other one."""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy.sql.selectable import HasHints

from .models import ChunkRow
from .session_models import SessionChunkRow

Q = TypeVar("Q", bound=HasHints)


def by_camera(query: Q) -> Q:
    """Let a query of chunks read one camera's, by time, and not those of all that are in a state."""
    return _by(query, "ix_chunks_range")


def by_state(query: Q) -> Q:
    """Let a query of chunks read those in a state by time, over all cameras, and not sort them."""
    return _by(query, "ix_chunks_state")


def files_by_time(query: Q) -> Q:
    """Let a query of sessions' files read them by time, of all users, and not sort all that are in a state."""
    index = "ix_session_chunks_start"
    hinted = query.with_hint(SessionChunkRow, f"INDEXED BY {index}", "sqlite")
    return hinted.with_hint(SessionChunkRow, f"FORCE INDEX ({index})", "mysql")


def _by(query: Q, index: str) -> Q:
    hinted = query.with_hint(ChunkRow, f"INDEXED BY {index}", "sqlite")
    return hinted.with_hint(ChunkRow, f"FORCE INDEX ({index})", "mysql")
