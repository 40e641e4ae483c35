"""Rows of files of recorder sessions, as whoever makes them writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from sqlalchemy import insert

from gatehouse_common.db import Database, SessionChunk
from gatehouse_common.db.session_models import SessionChunkRow


def add_files(db: Database, files: Sequence[SessionChunk]) -> None:
    """Write rows of files, whatever state they are in."""
    with db.begin() as c:
        c.execute(
            insert(SessionChunkRow), [{f.name: getattr(one, f.name) for f in fields(SessionChunk)} for one in files]
        )
