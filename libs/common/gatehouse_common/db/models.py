"""The schema of the SQL index. Times are microseconds UTC (``*_us``), sizes are bytes.

Portable between SQLite and MySQL: bounded strings where there is an index, big integers for times.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
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
_TABLE = {"mysql_default_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
"""Names are what they are to the letter, as in SQLite; a server's own default may take A for a."""
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


def _us(comment: str) -> Any:
    return mapped_column(_BIG, comment=f"{comment}, microseconds UTC")


class CameraRow(Base):
    """A configured camera, and the state it last reported."""

    __tablename__ = "cameras"
    __table_args__ = _TABLE

    id: Mapped[str] = mapped_column(String(64), primary_key=True, comment="slug")
    name: Mapped[str] = mapped_column(String(200), default="", comment="what people call it")
    url: Mapped[str] = mapped_column(Text, comment="source; may hold credentials: never shown unmasked")
    enabled: Mapped[bool] = mapped_column(Boolean, default=True, comment="whether it should record")
    timezone: Mapped[str | None] = mapped_column(String(64), comment="IANA zone of its days, null: the site's")
    settings: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, comment="settings of this camera alone")
    created_us: Mapped[int] = _us("when it was added: its ledger begins here")
    state: Mapped[str] = mapped_column(String(20), default="starting", comment="CameraState")
    state_cause: Mapped[str | None] = mapped_column(String(20), comment="GapCause, null while it records")
    state_since_us: Mapped[int | None] = _us("since when it is in this state")
    state_detail: Mapped[str] = mapped_column(Text, default="", comment="one sentence, without credentials")
    reported_us: Mapped[int] = mapped_column(
        _BIG, default=0, comment="when it reported, microseconds UTC: older reports are ignored"
    )
    width: Mapped[int] = mapped_column(Integer, default=0, comment="pixels, 0 when unknown")
    height: Mapped[int] = mapped_column(Integer, default=0, comment="pixels, 0 when unknown")
    fps: Mapped[float] = mapped_column(Float, default=0.0, comment="frames per second measured, 0 when unknown")
    codec: Mapped[str] = mapped_column(String(64), default="", comment="RFC 6381 codec string of the video")
    fallback: Mapped[str | None] = mapped_column(String(200), comment="device used in place of the configured one")
    backend: Mapped[str] = mapped_column(String(20), default="", comment="how it is read: RTSP, V4L2...")
    state_epoch: Mapped[int] = mapped_column(
        _BIG,
        default=0,
        server_default="0",
        comment="epoch of the worker that reported: older ones are ignored; 0: alone",
    )
    version: Mapped[int] = mapped_column(Integer, default=0, server_default="0", comment="counts changes of settings")
    asked_fps: Mapped[float] = mapped_column(
        Float, default=0.0, server_default="0", comment="frames per second asked for or stated, 0 when unknown"
    )
    dropped: Mapped[float] = mapped_column(
        Float, default=0.0, server_default="0", comment="share of these that did not come lately, 0 to 1"
    )
    dropped_frames: Mapped[int] = mapped_column(
        Integer, default=0, server_default="0", comment="frames that did not come since it is recorded"
    )


class RunRow(Base):
    """An unbroken connection with constant parameters."""

    __tablename__ = "runs"
    __table_args__ = (Index("ix_runs_camera_started_us", "camera", "started_us"), _TABLE)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, comment="UUIDv7")
    camera: Mapped[str] = mapped_column(String(64), comment="slug; the camera may be gone, its footage stays")
    started_us: Mapped[int] = _us("first frame")
    ended_us: Mapped[int | None] = _us("end of the last frame, null while it goes on")
    end_cause: Mapped[str | None] = mapped_column(String(20), comment="GapCause, null while it goes on")
    origin_us: Mapped[int] = _us("wall time of media time zero")
    init: Mapped[bytes] = mapped_column(_BLOB, comment="init segment: ftyp and moov")
    video_codec: Mapped[str] = mapped_column(String(64), comment="RFC 6381 codec string")
    audio_codec: Mapped[str | None] = mapped_column(String(64), comment="RFC 6381 codec string, null without sound")
    width: Mapped[int] = mapped_column(Integer, comment="pixels")
    height: Mapped[int] = mapped_column(Integer, comment="pixels")
    fps: Mapped[float] = mapped_column(Float, comment="frames per second as the camera states it, 0 if it does not")
    interruptions: Mapped[list[dict[str, Any]]] = mapped_column(
        JSON, default=list, comment="[{cause, since_us}]: why nothing was recorded before it"
    )
    spool_url: Mapped[str] = mapped_column(
        String(255), default="", server_default="", comment="inner address of the worker whose spool has its open chunk"
    )


class ChunkRow(Base):
    """A chunk file: the row of every range look-up, kept small; its sample index is in a table of its own."""

    __tablename__ = "chunks"
    __table_args__ = (
        CheckConstraint("end_us >= start_us", name="order"),
        CheckConstraint(f"end_us - start_us <= {MAX_CHUNK_US}", name="length"),
        CheckConstraint("state IN ('open', 'stored')", name="state"),
        CheckConstraint("bytes >= 0", name="bytes"),
        # Range look-ups read this index alone and never the table: camera, then start, then all that is asked for.
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
            "stored_us",
            mysql_length={"key": 191},
        ),
        # What is still open; and what is newest over all cameras.
        Index("ix_chunks_state", "state", "start_us"),
        Index("ix_chunks_run", "run", "start_us"),
        _TABLE,
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, comment="UUIDv7")
    camera: Mapped[str] = mapped_column(String(64), comment="slug; the camera may be gone, its footage stays")
    run: Mapped[str] = mapped_column(String(36), comment="id of its run; its row may come later")
    key: Mapped[str] = mapped_column(String(255), unique=True, comment="object key: of the spool while open")
    state: Mapped[str] = mapped_column(String(10), comment="open | stored; never goes back")
    start_us: Mapped[int] = _us("first frame")
    end_us: Mapped[int] = _us("end of the last frame, at most an hour later; grows while open")
    origin_us: Mapped[int] = _us("wall time of media time zero of its run, as start and end assume it")
    bytes: Mapped[int] = mapped_column(_BIG, comment="bytes of whole parts; grows while open")
    recovered: Mapped[bool] = mapped_column(Boolean, default=False, comment="adopted after a crash")
    stored_us: Mapped[int | None] = _us("when it was stored, null while open")


class ChunkIndexRow(Base):
    """The compact sample index of a stored chunk."""

    __tablename__ = "chunk_index"
    __table_args__ = _TABLE

    chunk: Mapped[str] = mapped_column(
        ForeignKey("chunks.id", ondelete="CASCADE"), primary_key=True, comment="id of the chunk"
    )
    data: Mapped[bytes] = mapped_column(_BLOB, comment="sample tables, byte-shuffled and deflated")


class GapRow(Base):
    """A span of the ledger in which nothing was recorded."""

    __tablename__ = "gaps"
    __table_args__ = (
        UniqueConstraint("camera", "start_us"),
        CheckConstraint("end_us > start_us", name="order"),
        CheckConstraint(f"cause IN ({_CAUSES})", name="cause"),
        Index("ix_gaps_range", "camera", "end_us", "start_us"),
        Index("ix_gaps_run", "run"),
        _TABLE,
    )

    id: Mapped[int] = mapped_column(_BIG, primary_key=True, autoincrement=True, comment="means nothing")
    camera: Mapped[str] = mapped_column(String(64), comment="slug")
    start_us: Mapped[int] = _us("first missing instant")
    end_us: Mapped[int] = _us("first instant that is there again")
    cause: Mapped[str] = mapped_column(String(20), comment="GapCause")
    detail: Mapped[str] = mapped_column(Text, default="", comment="one sentence, without credentials")
    run: Mapped[str | None] = mapped_column(String(36), comment="the run after it, null when it lies inside one")


class SettingRow(Base):
    """A setting changed at run time."""

    __tablename__ = "settings"
    __table_args__ = _TABLE

    key: Mapped[str] = mapped_column(String(128), primary_key=True, comment="dotted name, e.g. recording.fsync")
    value: Mapped[str] = mapped_column(Text, comment="as it would stand in the environment")
    changed_us: Mapped[int] = _us("when it was changed")


class LeaseRow(Base):
    """A part of a work that is shared by several processes, and the one that does it."""

    __tablename__ = "leases"
    __table_args__ = (_TABLE,)

    work: Mapped[str] = mapped_column(
        String(32), primary_key=True, comment="what is shared: camera, segmenter, indexer"
    )
    resource: Mapped[str] = mapped_column(String(64), primary_key=True, comment="the part: a camera's id, a partition")
    owner: Mapped[str | None] = mapped_column(String(64), comment="name of the member that does it, null: nobody")
    epoch: Mapped[int] = mapped_column(_BIG, comment="counts its owners; only grows: later owners have greater ones")
    renewals: Mapped[int] = mapped_column(_BIG, comment="counts signs of life of its owner, and changes of owner")


class MemberRow(Base):
    """A process that shares a work."""

    __tablename__ = "members"
    __table_args__ = (_TABLE,)

    work: Mapped[str] = mapped_column(
        String(32), primary_key=True, comment="what it shares: camera, segmenter, indexer"
    )
    name: Mapped[str] = mapped_column(String(64), primary_key=True, comment="its name, of its own among all processes")
    renewals: Mapped[int] = mapped_column(_BIG, comment="counts its signs of life")
