"""The schema of plates and of the clips around them. Times are microseconds UTC (``*_us``), sizes are bytes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Boolean, CheckConstraint, Double, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from .models import _BIG, _TABLE, Base, _us

MAX_CLIP_US = 3_600_000_000
"""Longest clip, one hour: what bounds the look-up of the clips that a read may be in. A CHECK of the schema."""


class PlateEventRow(Base):
    """One visit of one plate at one camera."""

    __tablename__ = "plate_events"
    __table_args__ = (
        CheckConstraint("end_us >= start_us", name="order"),
        CheckConstraint("state IN ('open', 'closed')", name="state"),
        CheckConstraint("lasted_us = end_us - start_us", name="lasted"),
        # Which events a list shows is read from these alone, newest first, over all cameras or of one.
        Index("ix_plate_events_start", "start_us", "id", "camera", "end_us", "confidence", "rejected"),
        Index("ix_plate_events_camera", "camera", "start_us", "id", "end_us", "confidence", "rejected"),
        # How far before a range an event may begin that reaches into it.
        Index("ix_plate_events_lasted", "lasted_us"),
        Index("ix_plate_events_state", "state", "camera"),
        # How often a plate came, and when first and last.
        Index("ix_plate_events_text", "text", "rejected", "start_us", "camera"),
        _TABLE,
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, comment="UUIDv7")
    camera: Mapped[str] = mapped_column(String(64), comment="slug; the camera may be gone, what it saw stays")
    state: Mapped[str] = mapped_column(String(10), comment="open | closed; never goes back")
    start_us: Mapped[int] = _us("first qualifying read")
    end_us: Mapped[int] = _us("last qualifying read so far")
    lasted_us: Mapped[int] = mapped_column(_BIG, comment="from the first to the last of them, microseconds")
    text: Mapped[str] = mapped_column(String(16), comment="A-Z and 0-9: as a person corrected it, else as it was voted")
    voted_text: Mapped[str] = mapped_column(String(16), comment="as it was voted; corrections leave it alone")
    confidence: Mapped[float] = mapped_column(Double, comment="calibrated, of the voted text")
    characters: Mapped[list[float]] = mapped_column(JSON, comment="share of the votes of each voted character")
    alternatives: Mapped[list[Any]] = mapped_column(JSON, comment="[[text, probability]], the likeliest first")
    region: Mapped[str] = mapped_column(String(16), comment="table of syntaxes that it fits; empty: none")
    pattern: Mapped[str] = mapped_column(String(32), comment="the syntax; empty: none")
    direction: Mapped[str] = mapped_column(String(12), comment="Direction")
    reads: Mapped[int] = mapped_column(Integer, comment="qualifying reads so far")
    best_read: Mapped[str] = mapped_column(String(36), comment="id of the read that the pictures are of")
    best_us: Mapped[int] = _us("when the frame of that read is on the screen")
    quad: Mapped[list[Any]] = mapped_column(JSON, comment="[[x, y]] x 4 of that read, pixels, from the upper left one")
    picture_width: Mapped[int] = mapped_column(Integer, comment="of the whole picture, pixels")
    picture_height: Mapped[int] = mapped_column(Integer, comment="of the whole picture, pixels")
    area: Mapped[list[int]] = mapped_column(JSON, comment="[x, y, width, height] of what was looked at, pixels")
    frame_key: Mapped[str] = mapped_column(String(255), comment="object key of the frame; empty: none")
    crop_key: Mapped[str] = mapped_column(String(255), comment="object key of the plate in it; empty: none")
    told_us: Mapped[int] = _us("time of the message that it is from: older ones are ignored")
    rejected: Mapped[bool] = mapped_column(Boolean, default=False, comment="a person said that it is no plate")
    rejected_us: Mapped[int | None] = _us("when, null: it is not")
    rejected_by: Mapped[str | None] = mapped_column(String(255), comment="who did, null: it is not")
    corrected_us: Mapped[int | None] = _us("when a person corrected the text, null: it is as voted")
    corrected_by: Mapped[str | None] = mapped_column(String(255), comment="who did, null: it is as voted")


class PlateReadRow(Base):
    """One plate on one frame; those too unsure to qualify are kept too."""

    __tablename__ = "plate_reads"
    __table_args__ = (
        Index("ix_plate_reads_event", "event", "time_us"),
        # The histogram of confidences reads this alone.
        Index("ix_plate_reads_camera", "camera", "time_us", "confidence", "qualifies"),
        _TABLE,
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, comment="UUIDv7")
    event: Mapped[str | None] = mapped_column(String(36), comment="id of its plate event, null: of none")
    camera: Mapped[str] = mapped_column(String(64), comment="slug")
    time_us: Mapped[int] = _us("when the frame is on the screen")
    run: Mapped[str] = mapped_column(String(36), comment="id of the run")
    pts: Mapped[int] = mapped_column(_BIG, comment="presentation time of the frame, ticks of 1/90000 s")
    text: Mapped[str] = mapped_column(String(16), comment="A-Z and 0-9")
    confidence: Mapped[float] = mapped_column(Double, comment="calibrated")
    threshold: Mapped[float] = mapped_column(Double, comment="what it had to be surer than")
    qualifies: Mapped[bool] = mapped_column(Boolean, comment="whether it was")
    characters: Mapped[list[float]] = mapped_column(JSON, comment="confidence of each character")
    alternatives: Mapped[list[Any]] = mapped_column(JSON, comment="[[text, probability]], the likeliest first")
    region: Mapped[str] = mapped_column(String(16), comment="table of syntaxes that it fits; empty: none")
    pattern: Mapped[str] = mapped_column(String(32), comment="the syntax; empty: none")
    quad: Mapped[list[Any]] = mapped_column(JSON, comment="[[x, y]] x 4, pixels, clockwise from the upper left one")
    picture_width: Mapped[int] = mapped_column(Integer, comment="of the whole picture, pixels")
    picture_height: Mapped[int] = mapped_column(Integer, comment="of the whole picture, pixels")
    area: Mapped[list[int]] = mapped_column(JSON, comment="[x, y, width, height] of what was looked at, pixels")


class PlateEventTextRow(Base):
    """A text by which a plate event is found: its own, the voted one, and those of its qualifying reads.

    Its key begins with the time, and there is no other row of the event to be had without it: what is looked through,
    the newest first, lies in that order.
    """

    __tablename__ = "plate_event_texts"
    __table_args__ = (
        # The events of a text, newest first.
        Index("ix_plate_event_texts_text", "text", "start_us", "event", "camera"),
        _TABLE,
    )

    start_us: Mapped[int] = mapped_column(
        _BIG, primary_key=True, autoincrement=False, comment="first qualifying read of the event, microseconds UTC"
    )
    event: Mapped[str] = mapped_column(String(36), primary_key=True, comment="id of the plate event")
    text: Mapped[str] = mapped_column(String(16), primary_key=True, comment="A-Z and 0-9")
    camera: Mapped[str] = mapped_column(String(64), comment="slug")


class PlateTextRow(Base):
    """A text that some event has or had; searches look among these, which are far fewer than reads."""

    __tablename__ = "plate_texts"
    __table_args__ = (Index("ix_plate_texts_folded", "folded", "text"), _TABLE)

    text: Mapped[str] = mapped_column(String(16), primary_key=True, comment="A-Z and 0-9")
    folded: Mapped[str] = mapped_column(String(16), comment="with characters that are taken for one another made one")


class PlateTextSuffixRow(Base):
    """An end of a text, of two characters at least up to the whole of it: what is in the middle begins one."""

    __tablename__ = "plate_text_suffixes"
    __table_args__ = (_TABLE,)

    suffix: Mapped[str] = mapped_column(String(16), primary_key=True, comment="the end")
    text: Mapped[str] = mapped_column(String(16), primary_key=True, comment="the text")


class ClipRow(Base):
    """A clip around plate events: planned, then a file."""

    __tablename__ = "clips"
    __table_args__ = (
        CheckConstraint("end_us >= start_us", name="order"),
        CheckConstraint("wanted_end_us > wanted_start_us", name="wanted"),
        CheckConstraint(f"end_us - start_us <= {MAX_CLIP_US}", name="length"),
        CheckConstraint(f"wanted_end_us - wanted_start_us <= {MAX_CLIP_US}", name="wanted_length"),
        CheckConstraint("state IN ('planned', 'stored', 'failed', 'archived', 'purged')", name="state"),
        Index("ix_clips_start", "start_us", "id", "state", "camera", "end_us"),
        Index("ix_clips_camera", "camera", "start_us", "id", "state", "end_us"),
        Index("ix_clips_state", "state", "camera", "end_us"),
        # What comes of age next, and how much there is.
        Index("ix_clips_end", "state", "end_us", "id", "camera", "bytes"),
        Index("ix_clips_wanted", "camera", "wanted_start_us", "wanted_end_us"),
        _TABLE,
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, comment="UUIDv7")
    camera: Mapped[str] = mapped_column(String(64), comment="slug")
    state: Mapped[str] = mapped_column(String(10), comment="planned | stored | failed | archived | purged")
    start_us: Mapped[int] = _us("wanted, then that of its first frame")
    end_us: Mapped[int] = _us("wanted, then when its last frame ends")
    wanted_start_us: Mapped[int] = _us("where it should begin; stays when it is stored")
    wanted_end_us: Mapped[int] = _us("where it should end; stays when it is stored")
    first_us: Mapped[int] = _us("first qualifying read that it is for")
    last_us: Mapped[int] = _us("last qualifying read that it is for")
    previous: Mapped[str | None] = mapped_column(String(36), comment="id of the clip that it goes on from, null: none")
    key: Mapped[str] = mapped_column(String(255), comment="object key; empty while planned")
    bytes: Mapped[int] = mapped_column(_BIG, comment="size of the file, 0 while planned")
    width: Mapped[int] = mapped_column(Integer, comment="pixels, 0 while planned")
    height: Mapped[int] = mapped_column(Integer, comment="pixels, 0 while planned")
    frames: Mapped[int] = mapped_column(Integer, comment="frames that are shown, 0 while planned")
    detail: Mapped[str] = mapped_column(Text, comment="why it failed or has gaps, one sentence; empty: nothing wrong")
    created_us: Mapped[int] = _us("when it was planned")
    stored_us: Mapped[int | None] = _us("when it was stored, null while planned")


class ClipPlateEventRow(Base):
    """That a plate event is in a clip."""

    __tablename__ = "clip_plate_events"
    __table_args__ = (Index("ix_clip_plate_events_event", "event", "clip"), _TABLE)

    clip: Mapped[str] = mapped_column(String(36), primary_key=True, comment="id of the clip")
    event: Mapped[str] = mapped_column(String(36), primary_key=True, comment="id of the plate event")
    first_us: Mapped[int] = _us("first read of the event that the clip is for: its events are in this order")
    last_us: Mapped[int] = _us("last read of the event that the clip is for")
