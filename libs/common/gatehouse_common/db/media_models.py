"""The schema of media that people brought, and of the files that were made of them. Times are microseconds UTC."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, CheckConstraint, Float, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .models import _BIG, _TABLE, Base, _us


class MediaRow(Base):
    """A film or a sound that somebody uploaded, or recorded in a browser."""

    __tablename__ = "media"
    __table_args__ = (
        UniqueConstraint("id"),
        UniqueConstraint("upload"),
        CheckConstraint("kind IN ('upload', 'recording', 'export')", name="kind"),
        CheckConstraint("state IN ('queued', 'processing', 'ready', 'failed', 'trashed', 'deleted')", name="state"),
        Index("ix_media_owner", "owner", "created_us", "number"),
        Index("ix_media_created", "created_us", "number"),
        Index("ix_media_state", "state", "trashed_us"),
        Index("ix_media_session", "session"),
        _TABLE,
    )

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False, comment="1, 2, 3, never again")
    id: Mapped[str] = mapped_column(String(36), comment="UUIDv7")
    owner: Mapped[int] = mapped_column(Integer, comment="number of the user whose it is, 0: nobody is known here")
    owner_name: Mapped[str] = mapped_column(String(255), comment="as it was then")
    kind: Mapped[str] = mapped_column(String(10), comment="upload | recording | export")
    name: Mapped[str] = mapped_column(String(255), comment="what people call it; only ever shown")
    folder: Mapped[str] = mapped_column(String(150), comment="prefix of the keys of all its files")
    upload: Mapped[str | None] = mapped_column(String(36), comment="id of the upload that it was, null: none")
    session: Mapped[int | None] = mapped_column(Integer, comment="number of the recorder session, null: of none")
    state: Mapped[str] = mapped_column(String(10), comment="queued | processing | ready | failed | trashed | deleted")
    stage: Mapped[str] = mapped_column(String(20), comment="what is done to it now, or where it failed; empty: nothing")
    detail: Mapped[str] = mapped_column(Text, comment="why it failed, one sentence; empty: nothing wrong")
    type: Mapped[str] = mapped_column(String(100), comment="media type by its first bytes")
    bytes: Mapped[int] = mapped_column(_BIG, comment="size of the original")
    digest: Mapped[str] = mapped_column(String(64), comment="SHA-256 of the original, empty: not known yet")
    lasted_us: Mapped[int | None] = mapped_column(_BIG, comment="how long it is, null: not known yet; microseconds")
    width: Mapped[int] = mapped_column(Integer, default=0, comment="pixels, 0: no picture, or not known yet")
    height: Mapped[int] = mapped_column(Integer, default=0, comment="pixels, 0: no picture, or not known yet")
    fps: Mapped[float] = mapped_column(Float, default=0.0, comment="frames per second, 0: not known")
    video_codec: Mapped[str] = mapped_column(String(40), default="", comment="by ffmpeg's name, empty: no picture")
    audio_codec: Mapped[str] = mapped_column(String(40), default="", comment="by ffmpeg's name, empty: no sound")
    start_us: Mapped[int | None] = _us("when it was recorded, as its client says, null: it does not")
    created_us: Mapped[int] = _us("when it was whole here")
    ready_us: Mapped[int | None] = _us("when all was made of it that belongs to it, null: not yet")
    trashed_us: Mapped[int | None] = _us("when it was put into the trash, null: it was not, or was taken out")
    before_trash: Mapped[str] = mapped_column(String(10), default="", comment="its state before it was put there")
    version: Mapped[int] = mapped_column(Integer, default=1, comment="counts changes by people")


class MediaFileRow(Base):
    """A file of a medium: the original, or something that was made of it."""

    __tablename__ = "media_files"
    __table_args__ = (
        UniqueConstraint("key"),
        CheckConstraint("state IN ('ready', 'gone')", name="state"),
        _TABLE,
    )

    media: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False, comment="number of its medium")
    kind: Mapped[str] = mapped_column(
        String(20),
        primary_key=True,
        comment="original | playable | compressed | thumbnail | sprite | audio | video | hls | preview",
    )
    variant: Mapped[str] = mapped_column(
        String(64), primary_key=True, comment="what it was made with, as text; empty: there is only one of the kind"
    )
    key: Mapped[str] = mapped_column(String(255), comment="object key")
    type: Mapped[str] = mapped_column(String(100), comment="media type")
    bytes: Mapped[int] = mapped_column(_BIG, comment="size")
    state: Mapped[str] = mapped_column(String(10), comment="ready | gone")
    facts: Mapped[dict[str, Any]] = mapped_column(
        JSON, comment="lasted_us, width, height, codec, as far as they are its own"
    )
    made_us: Mapped[int] = _us("when it was made")
