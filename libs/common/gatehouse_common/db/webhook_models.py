"""The schema of webhooks: who is told of what by HTTP, what is to be told, and what came of telling it."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, CheckConstraint, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .models import _BIG, _TABLE, Base, _us


class WebhookRow(Base):
    """An address that is told of events."""

    __tablename__ = "webhooks"
    __table_args__ = (Index("ix_webhooks_active", "active"), _TABLE)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, comment="UUIDv7")
    url: Mapped[str] = mapped_column(Text, comment="where to; sealed where there is a key: paths may be secrets")
    note: Mapped[str] = mapped_column(String(200), comment="what it is for")
    events: Mapped[list[str]] = mapped_column(JSON, comment="names of events, each may end in *")
    cameras: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True), comment="slugs, null: all cameras")
    active: Mapped[bool] = mapped_column(Boolean, comment="whether it is told anything")
    secret: Mapped[str] = mapped_column(Text, comment="whsec_...; sealed where there is a key")
    old_secret: Mapped[str] = mapped_column(Text, comment="the one before, empty: none; sealed where there is a key")
    old_until_us: Mapped[int | None] = _us("until when the one before signs too, null: it does not")
    not_before_us: Mapped[int] = mapped_column(
        _BIG, comment="nothing is sent before, microseconds UTC: it asked for that"
    )
    ended: Mapped[str] = mapped_column(String(300), comment="why it was made inactive by itself; empty: it was not")
    created_us: Mapped[int] = _us("when it was made")
    created_by: Mapped[str] = mapped_column(String(255), comment="who did")
    version: Mapped[int] = mapped_column(Integer, comment="counts changes by people")


class HappeningRow(Base):
    """Something that webhooks may want to be told of: written in the transaction in which it happened.

    It is gone once there is a delivery of it for each webhook that wants it.
    """

    __tablename__ = "happenings"
    __table_args__ = (Index("ix_happenings_subject", "subject", "name"), _TABLE)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, comment="UUIDv7: the webhook-id of what is sent")
    name: Mapped[str] = mapped_column(String(40), comment="of the event: plate.detected, ...")
    subject: Mapped[str] = mapped_column(String(64), comment="id of what it happened to")
    camera: Mapped[str] = mapped_column(String(64), comment="slug; empty: it is of none")
    time_us: Mapped[int] = _us("when it happened")
    data: Mapped[str | None] = mapped_column(Text, comment="what is told of it, JSON; null: it is looked up")


class DeliveryRow(Base):
    """An event that a webhook is to be told of, or was."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("webhook", "event"),
        CheckConstraint("state IN ('waiting', 'delivered', 'failed')", name="state"),
        Index("ix_deliveries_due", "webhook", "state", "next_us", "id"),
        Index("ix_deliveries_list", "webhook", "created_us", "id"),
        Index("ix_deliveries_old", "created_us"),
        _TABLE,
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, comment="UUIDv7")
    webhook: Mapped[str] = mapped_column(String(36), ForeignKey("webhooks.id", ondelete="CASCADE"), comment="to whom")
    event: Mapped[str] = mapped_column(String(36), comment="id of the happening: the webhook-id")
    name: Mapped[str] = mapped_column(String(40), comment="of the event")
    subject: Mapped[str] = mapped_column(String(64), comment="id of what it happened to")
    camera: Mapped[str] = mapped_column(String(64), comment="slug; empty: it is of none")
    time_us: Mapped[int] = _us("when it happened")
    data: Mapped[str | None] = mapped_column(Text, comment="what is told of it, JSON; null: it is looked up")
    body: Mapped[str | None] = mapped_column(Text, comment="as it was sent first; every try sends the same")
    state: Mapped[str] = mapped_column(String(10), comment="waiting | delivered | failed")
    tries: Mapped[int] = mapped_column(Integer, comment="begun so far")
    next_us: Mapped[int] = _us("while it waits, not to be tried before; while it is sent, when its sender is given up")
    owner: Mapped[str | None] = mapped_column(String(100), comment="who sends it now, null: nobody")
    status: Mapped[int | None] = mapped_column(Integer, comment="of the last answer, null: there was none")
    answer: Mapped[str] = mapped_column(Text, comment="how the last answer began")
    detail: Mapped[str] = mapped_column(String(500), comment="what was wrong last, one sentence; empty: nothing")
    lasted_us: Mapped[int] = mapped_column(_BIG, comment="how long the last try took, microseconds")
    created_us: Mapped[int] = _us("when it was put here")
    tried_us: Mapped[int | None] = _us("when it was tried last, null: not yet")
    ended_us: Mapped[int | None] = _us("when it was delivered or given up, null: it waits")


class ToldStateRow(Base):
    """What was told last of something that has states: only another one is news."""

    __tablename__ = "told_states"
    __table_args__ = (_TABLE,)

    subject: Mapped[str] = mapped_column(String(64), primary_key=True, comment="slug of a camera, id of a session")
    name: Mapped[str] = mapped_column(String(40), comment="of the event that its state is")
    noted_us: Mapped[int] = _us("when it was seen last")
