"""The schema of the SQL index. Times are microseconds UTC (``*_us``), sizes are bytes.

Portable between SQLite and MySQL: bounded strings where there is an index, big integers for times.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from gatehouse_common.messages import GapCause

MAX_CHUNK_US = 3_600_000_000
"""Longest chunk, one hour: what bounds a range look-up. A CHECK of the schema, so it may be relied on."""

_BLOB = LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")
_BIG = BigInteger().with_variant(Integer(), "sqlite")
_CAUSES = ", ".join(f"'{cause}'" for cause in GapCause)


class Base(DeclarativeBase):
    """Base of all tables; constraints get predictable names so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class CameraRow(Base):
    """A configured camera, and the state it last reported."""

    __tablename__ = "cameras"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)  # slug
    name: Mapped[str] = mapped_column(String(200), default="")
    url: Mapped[str] = mapped_column(Text)  # may hold credentials: never shown unmasked
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)  # whether it should record
    created_us: Mapped[int] = mapped_column(_BIG)
    state: Mapped[str] = mapped_column(String(20), default="starting")  # CameraState
    state_cause: Mapped[str | None] = mapped_column(String(20))  # GapCause
    state_since_us: Mapped[int | None] = mapped_column(_BIG)
    state_detail: Mapped[str] = mapped_column(Text, default="")
    reported_us: Mapped[int] = mapped_column(_BIG, default=0)  # when it reported: older reports are ignored
    width: Mapped[int] = mapped_column(Integer, default=0)  # pixels
    height: Mapped[int] = mapped_column(Integer, default=0)  # pixels
    fps: Mapped[float] = mapped_column(Float, default=0.0)  # measured
    codec: Mapped[str] = mapped_column(String(64), default="")  # RFC 6381
    fallback: Mapped[str | None] = mapped_column(String(200))  # device used in place of the configured one
    backend: Mapped[str] = mapped_column(String(20), default="")  # RTSP, V4L2...


class RunRow(Base):
    """An unbroken connection with constant parameters."""

    __tablename__ = "runs"
    __table_args__ = (Index("ix_runs_camera_started_us", "camera", "started_us"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)  # UUIDv7
    camera: Mapped[str] = mapped_column(String(64))
    started_us: Mapped[int] = mapped_column(_BIG)  # first frame
    ended_us: Mapped[int | None] = mapped_column(_BIG)  # end of the last frame, null while it goes on
    end_cause: Mapped[str | None] = mapped_column(String(20))  # GapCause
    origin_us: Mapped[int] = mapped_column(_BIG)  # wall time of media time zero
    init: Mapped[bytes] = mapped_column(_BLOB)  # ftyp and moov
    video_codec: Mapped[str] = mapped_column(String(64))  # RFC 6381
    audio_codec: Mapped[str | None] = mapped_column(String(64))  # RFC 6381
    width: Mapped[int] = mapped_column(Integer)  # pixels
    height: Mapped[int] = mapped_column(Integer)  # pixels
    fps: Mapped[float] = mapped_column(Float)  # as stated by the camera


class ChunkRow(Base):
    """A chunk file: the row of every range look-up, kept small; its sample index is in a table of its own."""

    __tablename__ = "chunks"
    __table_args__ = (
        CheckConstraint("end_us >= start_us", name="order"),
        CheckConstraint(f"end_us - start_us <= {MAX_CHUNK_US}", name="length"),
        CheckConstraint("state IN ('open', 'stored')", name="state"),
        # Look-ups read this index alone, newest last: camera, then start.
        Index(
            "ix_chunks_range",
            "camera",
            "start_us",
            "end_us",
            "id",
            "run",
            "key",
            "state",
            "origin_us",
            "bytes",
            "recovered",
            mysql_length={"key": 191},
        ),
        Index("ix_chunks_run", "run", "start_us"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)  # UUIDv7
    camera: Mapped[str] = mapped_column(String(64))
    run: Mapped[str] = mapped_column(String(36))
    key: Mapped[str] = mapped_column(String(255), unique=True)  # object key
    state: Mapped[str] = mapped_column(String(10))  # open | stored
    start_us: Mapped[int] = mapped_column(_BIG)  # first frame
    end_us: Mapped[int] = mapped_column(_BIG)  # end of the last frame; grows while open
    origin_us: Mapped[int] = mapped_column(_BIG)  # of its run
    bytes: Mapped[int] = mapped_column(_BIG)  # grows while open
    recovered: Mapped[bool] = mapped_column(Boolean, default=False)  # adopted after a crash


class ChunkIndexRow(Base):
    """The compact sample index of a stored chunk."""

    __tablename__ = "chunk_index"

    chunk: Mapped[str] = mapped_column(ForeignKey("chunks.id", ondelete="CASCADE"), primary_key=True)
    data: Mapped[bytes] = mapped_column(_BLOB)


class GapRow(Base):
    """A span of the ledger in which nothing was recorded."""

    __tablename__ = "gaps"
    __table_args__ = (
        UniqueConstraint("camera", "start_us"),
        CheckConstraint("end_us > start_us", name="order"),
        CheckConstraint(f"cause IN ({_CAUSES})", name="cause"),
        Index("ix_gaps_range", "camera", "end_us", "start_us"),
    )

    id: Mapped[int] = mapped_column(_BIG, primary_key=True, autoincrement=True)
    camera: Mapped[str] = mapped_column(String(64))
    start_us: Mapped[int] = mapped_column(_BIG)
    end_us: Mapped[int] = mapped_column(_BIG)
    cause: Mapped[str] = mapped_column(String(20))  # GapCause
    detail: Mapped[str] = mapped_column(Text, default="")
    run: Mapped[str | None] = mapped_column(String(36))  # the run after it


class SettingRow(Base):
    """A setting changed at run time."""

    __tablename__ = "settings"

    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    value: Mapped[Any] = mapped_column(Text)
    changed_us: Mapped[int] = mapped_column(_BIG)
