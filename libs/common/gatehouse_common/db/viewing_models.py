"""The schema of viewings: who watched which camera live, when, and what was recorded of it."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .models import _BIG, _TABLE, Base, _us


class ViewingRow(Base):
    """That somebody watches a camera live, or did."""

    __tablename__ = "viewings"
    __table_args__ = (
        UniqueConstraint("id"),
        CheckConstraint("seen_us >= start_us", name="order"),
        Index("ix_viewings_start", "start_us", "number"),
        Index("ix_viewings_user", "user", "start_us", "number"),
        Index("ix_viewings_who", "user", "camera", "seen_us"),
        Index("ix_viewings_page", "page"),
        Index("ix_viewings_ended", "ended_us", "seen_us"),
        _TABLE,
    )

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False, comment="1, 2, 3, never again")
    id: Mapped[str] = mapped_column(String(36), comment="UUIDv7")
    page: Mapped[str] = mapped_column(String(36), comment="UUID that the page gave itself, empty: it gave none")
    user: Mapped[int] = mapped_column(Integer, comment="number of whoever watches, 0: nobody has to be known")
    user_name: Mapped[str] = mapped_column(String(255), comment="as it was then")
    camera: Mapped[str] = mapped_column(String(64), comment="slug")
    address: Mapped[str] = mapped_column(String(45), comment="from where")
    start_us: Mapped[int] = _us("when it began")
    seen_us: Mapped[int] = _us("when something was taken last")
    ended_us: Mapped[int | None] = _us("when it ended, null: it goes on")
    bytes: Mapped[int] = mapped_column(_BIG, comment="that were sent")
    session: Mapped[int | None] = mapped_column(
        Integer, ForeignKey("recorder_sessions.number"), comment="recorder session that was begun last, null: none"
    )
    title: Mapped[str] = mapped_column(String(200), comment="what people call it")
    note: Mapped[str] = mapped_column(String(2000), comment="what people say of it")
    tags: Mapped[str] = mapped_column(String(200), comment="words, with commas between")
