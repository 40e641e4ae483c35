"""What a file of a recorder session says of itself at its end, of the rows that know it."""

from __future__ import annotations

from gatehouse_common.db import RecorderSession, SessionChunk
from gatehouse_common.media.session_box import SessionInfo


def session_info(session: RecorderSession, chunk: SessionChunk, sha256: str, user_id: str) -> SessionInfo:
    """Return what a file says of itself.

    Args:
        session: that it is of.
        chunk: its row as it is going to be; what may differ when the file is made anew has to be left out of it.
        sha256: of all that is before the box, hexadecimal.
        user_id: of who recorded; empty: not known.
    """
    return SessionInfo(
        session=session.number,
        session_id=session.id,
        began_us=session.start_us,
        total_seconds=session.total_seconds,
        chunk_seconds=session.chunk_seconds,
        viewing=session.viewing,
        number=chunk.number,
        id=chunk.id,
        position=chunk.position,
        user_name=chunk.user_name,
        camera=chunk.camera,
        name=chunk.name,
        wanted_start_us=chunk.wanted_start_us,
        wanted_end_us=chunk.wanted_end_us,
        start_us=chunk.start_us,
        end_us=chunk.end_us,
        sha256=sha256,
        width=chunk.width,
        height=chunk.height,
        frames=chunk.frames,
        detail=chunk.detail,
        user=chunk.user,
        user_id=user_id,
    )
