"""The schema of what keeps the index and the store in order. Times are microseconds UTC (``*_us``), sizes are bytes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .models import _BIG, _TABLE, Base, _us

FOREVER_US = 253_402_300_799_000_000
"""The end of what has none: the last second that RFC 3339 can write."""

GOING = "it is being deleted"
"""What the entry of an object has for ``trouble`` while it is being deleted."""

UNSURE = "it may be gone"
"""What it has when that was broken off, by the store or by a crash: nobody deletes it now, nor knows whether it is."""


class HoldRow(Base):
    """Footage, or a medium, that nobody and nothing deletes until the hold is released or has run out."""

    __tablename__ = "holds"
    __table_args__ = (
        CheckConstraint("end_us > start_us", name="order"),
        Index("ix_holds_camera", "camera", "released_us", "start_us", "end_us", "until_us"),
        Index("ix_holds_clip", "clip", "released_us", "until_us"),
        Index("ix_holds_media", "media", "released_us", "until_us"),
        _TABLE,
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, comment="UUIDv7")
    camera: Mapped[str | None] = mapped_column(String(64), comment="slug, null: all cameras, or one object alone")
    clip: Mapped[str | None] = mapped_column(String(36), comment="id of the clip that is held, null: a range is")
    start_us: Mapped[int] = _us("first instant that is held")
    end_us: Mapped[int] = _us("first instant that is not held any more; of what goes on, the last there is")
    reason: Mapped[str] = mapped_column(Text, comment="why, for people")
    case_name: Mapped[str] = mapped_column(String(200), default="", comment="what it belongs to; empty: nothing")
    until_us: Mapped[int | None] = _us("when it runs out by itself, null: never")
    created_us: Mapped[int] = _us("when it was placed")
    created_by: Mapped[str] = mapped_column(String(255), default="", comment="who did; empty: not known")
    released_us: Mapped[int | None] = _us("when it was released, null: it was not")
    released_by: Mapped[str | None] = mapped_column(String(255), comment="who did, null: nobody")
    media: Mapped[str | None] = mapped_column(String(36), comment="id of the medium that is held, null: none is")


class DeletionRow(Base):
    """An object that is to be deleted: written before it is, removed after; what a crash leaves is gone on with."""

    __tablename__ = "deletions"
    __table_args__ = (
        UniqueConstraint("key"),
        CheckConstraint("kind IN ('chunk', 'clip', 'picture', 'session', 'media')", name="kind"),
        Index("ix_deletions_next", "next_us", "id"),
        _TABLE,
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, comment="UUIDv7")
    kind: Mapped[str] = mapped_column(String(10), comment="chunk | clip | picture | session | media")
    subject: Mapped[str] = mapped_column(
        String(36), comment="id of the chunk, the clip, the plate event, the file of a session, the medium"
    )
    camera: Mapped[str] = mapped_column(String(64), comment="slug")
    key: Mapped[str] = mapped_column(String(255), comment="object key")
    start_us: Mapped[int] = _us("where it began")
    end_us: Mapped[int] = _us("where it ended")
    bytes: Mapped[int] = mapped_column(_BIG, comment="size of the object, 0: not known")
    reason: Mapped[str] = mapped_column(String(20), comment="age | quota | emergency | asked")
    marked_us: Mapped[int] = _us("when it was decided")
    tries: Mapped[int] = mapped_column(Integer, default=0, comment="how often the store refused")
    trouble: Mapped[str] = mapped_column(Text, default="", comment="what it said last, one sentence")
    next_us: Mapped[int] = _us("not to be tried before")


class ChunkDayRow(Base):
    """How much one camera has stored of one day: a sum over chunks, made anew where it is out of date.

    It is right where ``counted`` is ``changes``: who changes a chunk counts up ``changes`` in the same transaction.
    """

    __tablename__ = "chunk_days"
    __table_args__ = (_TABLE,)

    camera: Mapped[str] = mapped_column(String(64), primary_key=True, comment="slug")
    day: Mapped[int] = mapped_column(
        Integer, primary_key=True, autoincrement=False, comment="days since 1970-01-01 UTC, of the chunks' starts"
    )
    chunks: Mapped[int] = mapped_column(Integer, comment="stored chunks that begin in it")
    bytes: Mapped[int] = mapped_column(_BIG, comment="their sizes")
    changes: Mapped[int] = mapped_column(_BIG, comment="counts changes of its chunks")
    counted: Mapped[int] = mapped_column(_BIG, comment="changes as of which the sums are")


class JobRow(Base):
    """A longer work that somebody asked for, or that is done now and then."""

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="state"),
        Index("ix_jobs_kind", "kind", "state", "created_us"),
        Index("ix_jobs_created", "created_us", "id"),
        Index("ix_jobs_media", "media", "created_us"),
        Index("ix_jobs_user", "user", "created_us", "id"),
        _TABLE,
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, comment="UUIDv7")
    kind: Mapped[str] = mapped_column(String(32), comment="what is done: consistency-check, ...")
    state: Mapped[str] = mapped_column(String(10), comment="queued | running | done | failed | cancelled")
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON, comment="what was asked for")
    done: Mapped[int] = mapped_column(_BIG, default=0, comment="steps done so far")
    total: Mapped[int] = mapped_column(_BIG, default=0, comment="steps in all, 0: not known")
    detail: Mapped[str] = mapped_column(Text, default="", comment="what is going on, or why it failed, one sentence")
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON, comment="what came of it, null while there is nothing")
    created_us: Mapped[int] = _us("when it was asked for")
    created_by: Mapped[str] = mapped_column(String(255), default="", comment="who did; empty: nobody, it was due")
    started_us: Mapped[int | None] = _us("when it was begun, null: not yet")
    ended_us: Mapped[int | None] = _us("when it ended, null: not yet")
    owner: Mapped[str | None] = mapped_column(String(64), comment="name of the process that does it, null: nobody")
    renewals: Mapped[int] = mapped_column(_BIG, default=0, comment="counts signs of life of its owner")
    user: Mapped[int | None] = mapped_column(Integer, comment="number of the user whose it is, null: of the house")
    media: Mapped[int | None] = mapped_column(Integer, comment="number of the medium that it is about, null: of none")
    not_before_us: Mapped[int | None] = _us("while it waits, not to be begun before, null: at any time")


class FactRow(Base):
    """Something that is known of the whole installation, and outlives processes."""

    __tablename__ = "facts"
    __table_args__ = (_TABLE,)

    name: Mapped[str] = mapped_column(String(64), primary_key=True, comment="what: store.id, janitor.success")
    value: Mapped[str] = mapped_column(Text, comment="what is known")
    noted_us: Mapped[int] = _us("since when")
