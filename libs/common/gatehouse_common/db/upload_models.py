"""The schema of what is being uploaded. Times are microseconds UTC (``*_us``), sizes are bytes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .models import _BIG, _TABLE, Base, _us


class UploadRow(Base):
    """A file that somebody sends, in pieces; when all are there it becomes a medium."""

    __tablename__ = "uploads"
    __table_args__ = (
        UniqueConstraint("open_name"),
        CheckConstraint("door IN ('tus', 'resumable', 'blob', 'form')", name="door"),
        CheckConstraint("state IN ('receiving', 'complete', 'cancelled', 'expired', 'failed')", name="state"),
        CheckConstraint("role IN ('whole', 'partial', 'final')", name="role"),
        CheckConstraint("received >= 0", name="received"),
        Index("ix_uploads_owner", "owner", "state"),
        Index("ix_uploads_expires", "state", "expires_us"),
        Index("ix_uploads_name", "owner", "name_digest", "created_us"),
        _TABLE,
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, comment="UUIDv7")
    owner: Mapped[int] = mapped_column(Integer, comment="number of the user whose it is, 0: nobody is known here")
    owner_name: Mapped[str] = mapped_column(String(255), comment="as it was then")
    door: Mapped[str] = mapped_column(String(10), comment="tus | resumable | blob | form: how it comes")
    role: Mapped[str] = mapped_column(String(10), default="whole", comment="whole | partial | final, of tus")
    state: Mapped[str] = mapped_column(String(10), comment="receiving | complete | cancelled | expired | failed")
    name: Mapped[str] = mapped_column(String(255), comment="what the client calls the file; only ever shown")
    name_digest: Mapped[str] = mapped_column(String(64), comment="SHA-256 of that name, by which blobs find each other")
    open_name: Mapped[str | None] = mapped_column(
        String(100), comment="owner and name_digest while blobs of it are received, null otherwise: one at a time"
    )
    claimed_type: Mapped[str] = mapped_column(String(100), comment="media type that the client claims; not relied on")
    length: Mapped[int | None] = mapped_column(_BIG, comment="size that the client announced, null: not yet known")
    received: Mapped[int] = mapped_column(_BIG, comment="bytes that are durable here; of whole files from the start on")
    digest: Mapped[str] = mapped_column(String(64), comment="SHA-256 that the client announced, empty: none")
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, comment="what else it told: started_at, session, parts")
    last_position: Mapped[int | None] = mapped_column(_BIG, comment="of blobs: number of the last one, null: not known")
    media: Mapped[int | None] = mapped_column(Integer, comment="number of the medium that it became, null: not yet")
    detail: Mapped[str] = mapped_column(Text, comment="why it failed, one sentence; empty: nothing wrong")
    created_us: Mapped[int] = _us("when it was begun")
    changed_us: Mapped[int] = _us("when something of it came last")
    expires_us: Mapped[int] = _us("when it is let go of, unless it is complete")


class UploadPieceRow(Base):
    """A piece of an upload that is durable: an object of its own until all are put together."""

    __tablename__ = "upload_pieces"
    __table_args__ = (
        CheckConstraint("position >= 0", name="position"),
        CheckConstraint("bytes > 0", name="bytes"),
        Index("ix_upload_pieces_key", "key"),
        _TABLE,
    )

    upload: Mapped[str] = mapped_column(String(36), primary_key=True, comment="id of its upload")
    position: Mapped[int] = mapped_column(
        _BIG, primary_key=True, autoincrement=False, comment="offset of its first byte; of a blob its number"
    )
    bytes: Mapped[int] = mapped_column(_BIG, comment="size")
    digest: Mapped[str] = mapped_column(String(64), comment="SHA-256 of its bytes, hexadecimal")
    key: Mapped[str] = mapped_column(String(255), comment="object key")
