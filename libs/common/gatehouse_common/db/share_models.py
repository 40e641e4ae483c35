"""The schema of links by which footage is shown to somebody without an account."""

from __future__ import annotations

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .models import _TABLE, Base, _us


class ShareLinkRow(Base):
    """A range of a camera that whoever has the link may see for a while."""

    __tablename__ = "share_links"
    __table_args__ = (UniqueConstraint("digest"), Index("ix_share_links_user", "user"), _TABLE)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, comment="UUIDv7: what it is called in lists")
    digest: Mapped[str] = mapped_column(String(64), comment="SHA-256 of its secret, hexadecimal")
    user: Mapped[str] = mapped_column(String(36), ForeignKey("users.id", ondelete="CASCADE"), comment="who gave it out")
    camera: Mapped[str] = mapped_column(String(64), comment="slug")
    start_us: Mapped[int] = _us("the first instant that it shows")
    end_us: Mapped[int] = _us("the first that it does not")
    download: Mapped[bool] = mapped_column(Boolean, comment="whether it may be saved, or played alone")
    note: Mapped[str] = mapped_column(String(300), comment="what it is for")
    created_us: Mapped[int] = _us("when it was made")
    expires_us: Mapped[int] = _us("when it ends by itself")
    opened: Mapped[int] = mapped_column(Integer, default=0, comment="how often its page was opened")
    opened_us: Mapped[int | None] = _us("when last, null: never")
    revoked_us: Mapped[int | None] = _us("when it was revoked, null: it was not")
