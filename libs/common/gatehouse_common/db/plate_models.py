"""The schema of plates and of the clips around them. Times are microseconds UTC (``*_us``), sizes are bytes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Boolean, CheckConstraint, Float, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from .models import _BIG, _TABLE, Base, _us


class PlateEventRow(Base):
    """One visit of one plate at one camera."""

    __tablename__ = "plate_events"
    __table_args__ = (
        CheckConstraint("end_us >= start_us", name="order"),
        CheckConstraint("state IN ('open', 'closed')", name="state"),
        # Lists are read from these alone, newest first, over all cameras or of one.
        Index("ix_plate_events_start", "start_us", "id"),
        Index("ix_plate_events_camera", "camera", "start_us", "id"),
        Index("ix_plate_events_state", "state", "camera"),
        _TABLE,
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, comment="UUIDv7")
    camera: Mapped[str] = mapped_column(String(64), comment="slug; the camera may be gone, what it saw stays")
    state: Mapped[str] = mapped_column(String(10), comment="open | closed; never goes back")
    start_us: Mapped[int] = _us("first qualifying read")
    end_us: Mapped[int] = _us("last qualifying read so far")
    text: Mapped[str] = mapped_column(String(16), comment="A-Z and 0-9: as a person corrected it, else as it was voted")
    voted_text: Mapped[str] = mapped_column(String(16), comment="as it was voted; corrections leave it alone")
    confidence: Mapped[float] = mapped_column(Float, comment="calibrated, of the voted text")
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
    frame_key: Mapped[str] = mapped_column(String(255), comment="object key of the frame; empty: none")
    crop_key: Mapped[str] = mapped_column(String(255), comment="object key of the plate in it; empty: none")
    told_us: Mapped[int] = _us("time of the message that it is from: older ones are ignored")
    rejected: Mapped[bool] = mapped_column(Boolean, default=False, comment="a person said that it is no plate")
    corrected_us: Mapped[int | None] = _us("when a person corrected it, null: never")
    corrected_by: Mapped[str | None] = mapped_column(String(255), comment="who did, null: nobody")


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
    confidence: Mapped[float] = mapped_column(Float, comment="calibrated")
    threshold: Mapped[float] = mapped_column(Float, comment="what it had to be surer than")
    qualifies: Mapped[bool] = mapped_column(Boolean, comment="whether it was")
    characters: Mapped[list[float]] = mapped_column(JSON, comment="confidence of each character")
    alternatives: Mapped[list[Any]] = mapped_column(JSON, comment="[[text, probability]], the likeliest first")
    region: Mapped[str] = mapped_column(String(16), comment="table of syntaxes that it fits; empty: none")
    pattern: Mapped[str] = mapped_column(String(32), comment="the syntax; empty: none")
    quad: Mapped[list[Any]] = mapped_column(JSON, comment="[[x, y]] x 4, pixels, clockwise from the upper left one")
    picture_width: Mapped[int] = mapped_column(Integer, comment="of the whole picture, pixels")
    picture_height: Mapped[int] = mapped_column(Integer, comment="of the whole picture, pixels")


class PlateEventTextRow(Base):
    """A text by which a plate event is found: voted, corrected, or that of one of its qualifying reads."""

    __tablename__ = "plate_event_texts"
    __table_args__ = (
        Index("ix_plate_event_texts_text", "text", "start_us", "event", "kind", "camera"),
        _TABLE,
    )

    event: Mapped[str] = mapped_column(String(36), primary_key=True, comment="id of the plate event")
    text: Mapped[str] = mapped_column(String(16), primary_key=True, comment="A-Z and 0-9")
    kind: Mapped[str] = mapped_column(String(10), comment="text: its own, as corrected or voted | read: of a read")
    camera: Mapped[str] = mapped_column(String(64), comment="slug")
    start_us: Mapped[int] = _us("first qualifying read of the event")


class PlateTextRow(Base):
    """A text that some event has; searches look among these, which are far fewer than reads."""

    __tablename__ = "plate_texts"
    __table_args__ = (Index("ix_plate_texts_folded", "folded", "text"), _TABLE)

    text: Mapped[str] = mapped_column(String(16), primary_key=True, comment="A-Z and 0-9")
    folded: Mapped[str] = mapped_column(String(16), comment="with characters that are confused made one")


class PlateTextKeyRow(Base):
    """What of a text is looked up: its folded form less one character, and the ends of the text."""

    __tablename__ = "plate_text_keys"
    __table_args__ = (_TABLE,)

    kind: Mapped[str] = mapped_column(String(1), primary_key=True, comment="d: folded, less one character | s: suffix")
    part: Mapped[str] = mapped_column(String(16), primary_key=True, comment="the key")
    text: Mapped[str] = mapped_column(String(16), primary_key=True, comment="the text")


class ClipRow(Base):
    """A clip around plate events: planned, then a file."""

    __tablename__ = "clips"
    __table_args__ = (
        CheckConstraint("end_us > start_us", name="order"),
        CheckConstraint("state IN ('planned', 'stored', 'failed', 'archived', 'purged')", name="state"),
        Index("ix_clips_start", "start_us", "id"),
        Index("ix_clips_camera", "camera", "start_us", "id"),
        Index("ix_clips_state", "state", "camera", "end_us"),
        _TABLE,
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, comment="UUIDv7")
    camera: Mapped[str] = mapped_column(String(64), comment="slug")
    state: Mapped[str] = mapped_column(String(10), comment="planned | stored | failed | archived | purged")
    start_us: Mapped[int] = _us("wanted, then that of its first frame")
    end_us: Mapped[int] = _us("wanted, then when its last frame ends")
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
    position: Mapped[int] = mapped_column(Integer, comment="order in which the clip's events began, from 0")
