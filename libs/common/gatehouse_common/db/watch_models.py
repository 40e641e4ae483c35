"""The schema of watch lists, and of what they matched. Times are microseconds UTC (``*_us``)."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .models import _TABLE, Base, _us

_KIND = "kind IN ('deny', 'watch', 'allow')"


class WatchListRow(Base):
    """A list of plates."""

    __tablename__ = "watch_lists"
    __table_args__ = (CheckConstraint(_KIND, name="kind"), UniqueConstraint("name"), _TABLE)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, comment="UUIDv7")
    name: Mapped[str] = mapped_column(String(100), comment="what people call it")
    kind: Mapped[str] = mapped_column(String(8), comment="deny | watch | allow")
    note: Mapped[str] = mapped_column(String(1000), comment="what people want to know of it")
    disabled: Mapped[bool] = mapped_column(Boolean, comment="nothing matches it for now")
    version: Mapped[int] = mapped_column(Integer, comment="counts changes of the list itself")
    revision: Mapped[int] = mapped_column(Integer, comment="counts changes of the list and of its entries")
    created_us: Mapped[int] = _us("when it was made")


class WatchEntryRow(Base):
    """A plate, or a pattern of plates, on a list."""

    __tablename__ = "watch_entries"
    __table_args__ = (
        CheckConstraint("distance BETWEEN 0 AND 2", name="distance"),
        CheckConstraint("to_us IS NULL OR from_us IS NULL OR to_us > from_us", name="order"),
        # A plate is once on a list; what begins so is found by it too.
        UniqueConstraint("list", "plate"),
        # The entries of a list, newest first.
        Index("ix_watch_entries_list", "list", "created_us", "id"),
        _TABLE,
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, comment="UUIDv7")
    list: Mapped[str] = mapped_column(String(36), comment="id of the list")
    plate: Mapped[str] = mapped_column(String(64), comment="A-Z and 0-9; in a pattern * is any text, ? any character")
    distance: Mapped[int] = mapped_column(Integer, comment="characters that may be wrong, missing or too many")
    owner: Mapped[str] = mapped_column(String(200), comment="whose car it is")
    note: Mapped[str] = mapped_column(String(1000), comment="what people want to know of it")
    from_us: Mapped[int | None] = _us("from when on it matches, null: always has")
    to_us: Mapped[int | None] = _us("before when it matches, null: for ever")
    schedule: Mapped[str] = mapped_column(String(500), comment="when in a week, in the site's zone; empty: always")
    disabled: Mapped[bool] = mapped_column(Boolean, comment="it does not match for now")
    version: Mapped[int] = mapped_column(Integer, comment="counts changes")
    created_us: Mapped[int] = _us("when it was added")


class PlateListingRow(Base):
    """That an entry matched a visit of a plate; list and entry may be gone, what was told of them stays."""

    __tablename__ = "plate_listings"
    __table_args__ = (
        CheckConstraint(_KIND, name="kind"),
        UniqueConstraint("id"),
        # What has not been told yet, which is little; and what was noted since somebody listened last.
        Index("ix_plate_listings_told", "told", "noted_us"),
        Index("ix_plate_listings_noted", "noted_us", "id"),
        _TABLE,
    )

    event: Mapped[str] = mapped_column(String(36), primary_key=True, comment="id of the plate event")
    entry: Mapped[str] = mapped_column(String(36), primary_key=True, comment="id of the entry")
    id: Mapped[str] = mapped_column(String(36), comment="UUIDv7, that of the message that tells it")
    list: Mapped[str] = mapped_column(String(36), comment="id of the list")
    list_name: Mapped[str] = mapped_column(String(100), comment="as it was called")
    kind: Mapped[str] = mapped_column(String(8), comment="deny | watch | allow, as it was")
    plate: Mapped[str] = mapped_column(String(64), comment="what the entry said")
    camera: Mapped[str] = mapped_column(String(64), comment="slug")
    text: Mapped[str] = mapped_column(String(16), comment="what the plate said when it matched last")
    distance: Mapped[int] = mapped_column(Integer, comment="0: to the letter; else how far they are apart")
    stands: Mapped[bool] = mapped_column(Boolean, comment="what the plate says by now still matches")
    noted_us: Mapped[int] = _us("when it matched first")
    told: Mapped[bool] = mapped_column(Boolean, comment="that was told")


class PlateLookRow(Base):
    """That a person corrected a visit, and nobody has looked yet which lists it is on. It is gone once somebody has."""

    __tablename__ = "plate_looks"
    __table_args__ = (Index("ix_plate_looks_event", "event"), _TABLE)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, comment="UUIDv7")
    event: Mapped[str] = mapped_column(String(36), comment="id of the plate event")
    noted_us: Mapped[int] = _us("when it was corrected")
