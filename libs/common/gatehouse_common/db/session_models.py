"""The schema of recorder sessions: a user records a camera for a while, in files of equal length."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .models import _BIG, _TABLE, Base, _us


class RecorderSessionRow(Base):
    """That somebody records a camera, or did."""

    __tablename__ = "recorder_sessions"
    __table_args__ = (
        UniqueConstraint("id"),
        CheckConstraint("ends_us >= start_us", name="order"),
        Index("ix_recorder_sessions_user", "user", "ends_us"),
        Index("ix_recorder_sessions_start", "start_us", "number"),
        Index("ix_recorder_sessions_viewing", "viewing", "user"),
        _TABLE,
    )

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False, comment="1, 2, 3, never again")
    id: Mapped[str] = mapped_column(String(36), comment="UUIDv7")
    user: Mapped[int] = mapped_column(Integer, ForeignKey("users.number"), comment="number of whoever records")
    user_name: Mapped[str] = mapped_column(String(255), comment="as it was then")
    camera: Mapped[str] = mapped_column(String(64), comment="slug")
    start_us: Mapped[int] = _us("when it began")
    ends_us: Mapped[int] = _us("when it ends, or was stopped")
    total_seconds: Mapped[int] = mapped_column(Integer, comment="how long it was to be")
    chunk_seconds: Mapped[int] = mapped_column(Integer, comment="length of its files")
    stopped_us: Mapped[int | None] = _us("when somebody stopped it, null: nobody did")
    viewing: Mapped[str | None] = mapped_column(
        String(36), comment="id of the viewing of a live picture that is recorded, null: somebody asked by name"
    )


class SessionChunkRow(Base):
    """A file of a session: planned when the session begins, cut when its footage is there."""

    __tablename__ = "session_chunks"
    __table_args__ = (
        UniqueConstraint("id"),
        UniqueConstraint("session", "position"),
        CheckConstraint("wanted_end_us > wanted_start_us", name="wanted"),
        CheckConstraint("state IN ('planned', 'stored', 'failed', 'dropped', 'trashed', 'deleted')", name="state"),
        Index("ix_session_chunks_state", "state", "camera", "wanted_end_us"),
        Index("ix_session_chunks_user", "user", "start_us", "number"),
        Index("ix_session_chunks_start", "start_us", "number"),
        Index("ix_session_chunks_user_name", "user_name", "start_us"),
        _TABLE,
    )

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False, comment="1, 2, 3, never again")
    id: Mapped[str] = mapped_column(String(36), comment="UUIDv7")
    session: Mapped[int] = mapped_column(Integer, ForeignKey("recorder_sessions.number"), comment="of which session")
    position: Mapped[int] = mapped_column(Integer, comment="1, 2, 3 in the session")
    user: Mapped[int] = mapped_column(Integer, comment="number of whoever records")
    user_name: Mapped[str] = mapped_column(String(255), comment="as it was then")
    camera: Mapped[str] = mapped_column(String(64), comment="slug")
    chunk_seconds: Mapped[int] = mapped_column(Integer, comment="length of the session's files")
    wanted_start_us: Mapped[int] = _us("where it should begin")
    wanted_end_us: Mapped[int] = _us("where it should end")
    start_us: Mapped[int] = _us("wanted, then that of its first frame")
    end_us: Mapped[int] = _us("wanted, then when its last frame ends")
    state: Mapped[str] = mapped_column(String(10), comment="planned | stored | failed | dropped | trashed | deleted")
    name: Mapped[str] = mapped_column(String(64), comment="what its file is called; empty: after its time and number")
    key: Mapped[str] = mapped_column(String(255), comment="object key; empty while planned")
    bytes: Mapped[int] = mapped_column(_BIG, comment="size of the file, 0 while planned")
    width: Mapped[int] = mapped_column(Integer, comment="pixels, 0 while planned")
    height: Mapped[int] = mapped_column(Integer, comment="pixels, 0 while planned")
    frames: Mapped[int] = mapped_column(Integer, comment="frames that are shown, 0 while planned")
    detail: Mapped[str] = mapped_column(Text, comment="why it failed or has gaps, one sentence; empty: nothing wrong")
    stored_us: Mapped[int | None] = _us("when it was stored, null while planned")
    trashed_us: Mapped[int | None] = _us("when it was put into the trash, null: it was not, or was taken out")


SESSION_FILE = (
    SessionChunkRow.id,
    SessionChunkRow.camera,
    SessionChunkRow.key,
    SessionChunkRow.start_us,
    SessionChunkRow.end_us,
    SessionChunkRow.bytes,
)
"""What whoever deletes a file has to know of it, in the order of ``Kept``."""
