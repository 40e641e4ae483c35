"""The schema of answers that are kept for who asks the same again under one key (``Idempotency-Key``)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Index, Integer, String, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column

from .models import _TABLE, Base, _us

_LONG = Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")


class KeptAnswerRow(Base):
    """The first answer to a request that has a key, for a day."""

    __tablename__ = "kept_answers"
    __table_args__ = (Index("ix_kept_answers_begun", "begun_us"), _TABLE)

    id: Mapped[str] = mapped_column(String(64), primary_key=True, comment="SHA-256 of who asks and key, hexadecimal")
    request: Mapped[str] = mapped_column(String(64), comment="SHA-256 of method, address and body, hexadecimal")
    attempt: Mapped[str] = mapped_column(String(36), comment="UUIDv7 of who works on it, or has")
    begun_us: Mapped[int] = _us("when it was asked")
    status: Mapped[int | None] = mapped_column(Integer, comment="of the answer, null: there is none yet")
    headers: Mapped[dict[str, Any]] = mapped_column(JSON, comment="those that belong to the answer")
    body: Mapped[str] = mapped_column(_LONG, comment="of the answer; sealed where there is a key")
