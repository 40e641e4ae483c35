"""The schema of users, what they may do, and what they did. Times are microseconds UTC (``*_us``)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Boolean, CheckConstraint, Float, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gatehouse_common.accounts.scopes import Role

from .models import _BIG, _TABLE, Base, _us

_ROLES = ", ".join(f"'{role}'" for role in Role)


class UserRow(Base):
    """Somebody who may do something. Rows stay, for others name them; who is removed has no password and no key."""

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("id"),
        UniqueConstraint("name_key"),
        CheckConstraint(f"role IN ({_ROLES})", name="role"),
        CheckConstraint("state IN ('active', 'pending', 'disabled', 'removed')", name="state"),
        _TABLE,
    )

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False, comment="1, 2, 3, never again")
    id: Mapped[str] = mapped_column(String(36), comment="UUIDv7")
    name: Mapped[str] = mapped_column(String(255), comment="as people see it")
    name_key: Mapped[str] = mapped_column(String(255), comment="by which it is found; of who is removed, the id")
    role: Mapped[str] = mapped_column(String(20), comment="admin | operator | viewer | uploader")
    state: Mapped[str] = mapped_column(String(10), comment="active | pending | disabled | removed")
    password: Mapped[str | None] = mapped_column(String(255), comment="argon2id in PHC's form, null: none may be used")
    all_cameras: Mapped[bool] = mapped_column(Boolean, comment="whether grants do not matter")
    settings: Mapped[dict[str, Any]] = mapped_column(JSON, comment="what pages remember: theme, order of cameras")
    version: Mapped[int] = mapped_column(Integer, default=1, comment="counts changes")
    created_us: Mapped[int] = _us("when it was added")
    seen_us: Mapped[int | None] = _us("when it logged in last, null: never")


class GrantRow(Base):
    """What a user may do with a camera."""

    __tablename__ = "camera_grants"
    __table_args__ = (Index("ix_camera_grants_camera", "camera"), _TABLE)

    user: Mapped[str] = mapped_column(
        String(36), ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, comment="whose"
    )
    camera: Mapped[str] = mapped_column(String(64), primary_key=True, comment="slug; there need be no such camera now")
    permissions: Mapped[list[str]] = mapped_column(JSON, comment="some of live, playback, export, control")
    last_hours: Mapped[float | None] = mapped_column(Float, comment="how far back, null: all the way")


class ApiTokenRow(Base):
    """What a program shows in place of a user. The secret is not kept."""

    __tablename__ = "api_tokens"
    __table_args__ = (UniqueConstraint("digest"), Index("ix_api_tokens_user", "user"), _TABLE)

    id: Mapped[str] = mapped_column(String(12), primary_key=True, comment="what it is called in lists and logs")
    user: Mapped[str] = mapped_column(String(36), ForeignKey("users.id", ondelete="CASCADE"), comment="whose it is")
    name: Mapped[str] = mapped_column(String(255), comment="what it is for")
    digest: Mapped[str] = mapped_column(String(64), comment="SHA-256 of all of it, hexadecimal")
    scopes: Mapped[list[str]] = mapped_column(JSON, comment="what it may be used for, of what its user may do")
    cameras: Mapped[list[str] | None] = mapped_column(JSON, comment="slugs, null: all that its user sees")
    networks: Mapped[list[str] | None] = mapped_column(JSON, comment="from where, e.g. 10.0.0.0/8, null: anywhere")
    created_us: Mapped[int] = _us("when it was made")
    expires_us: Mapped[int | None] = _us("when it ends by itself, null: never")
    used_us: Mapped[int | None] = _us("when it was used last, to the minute, null: never")
    used_from: Mapped[str | None] = mapped_column(String(45), comment="from which address, null: it was not")
    revoked_us: Mapped[int | None] = _us("when it was revoked, null: it was not")


class LoginRow(Base):
    """A session of a browser."""

    __tablename__ = "logins"
    __table_args__ = (
        UniqueConstraint("id"),
        Index("ix_logins_user", "user"),
        Index("ix_logins_seen", "seen_us"),
        _TABLE,
    )

    digest: Mapped[str] = mapped_column(String(64), primary_key=True, comment="SHA-256 of the cookie, hexadecimal")
    id: Mapped[str] = mapped_column(String(36), comment="UUIDv7: what it is called in lists")
    user: Mapped[str] = mapped_column(String(36), ForeignKey("users.id", ondelete="CASCADE"), comment="whose it is")
    created_us: Mapped[int] = _us("when somebody logged in")
    seen_us: Mapped[int] = _us("when it was used last, to the minute")
    ends_us: Mapped[int] = _us("when it ends, however much it is used")
    address: Mapped[str] = mapped_column(String(45), comment="from where")
    agent: Mapped[str] = mapped_column(String(300), comment="what the browser says that it is")


class AttemptRow(Base):
    """Wrong guesses in a row: of an account, or from an address."""

    __tablename__ = "login_attempts"
    __table_args__ = (Index("ix_login_attempts_failed", "failed_us"), _TABLE)

    subject: Mapped[str] = mapped_column(String(300), primary_key=True, comment="account:<key> | address:<network>")
    failures: Mapped[int] = mapped_column(Integer, comment="in a row")
    failed_us: Mapped[int] = _us("when the last was")


class AuditRow(Base):
    """Something that somebody did. Each row has the digest of the one before: none is changed or taken out unseen."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_time", "time_us", "number"),
        Index("ix_audit_actor", "actor", "number"),
        Index("ix_audit_action", "action", "number"),
        _TABLE,
    )

    number: Mapped[int] = mapped_column(_BIG, primary_key=True, autoincrement=False, comment="1, 2, 3 without a hole")
    time_us: Mapped[int] = _us("when it was")
    actor: Mapped[str] = mapped_column(String(255), comment="name of the user; empty: nobody who is known")
    actor_id: Mapped[str | None] = mapped_column(String(36), comment="id of the user, null: nobody who is known")
    token: Mapped[str | None] = mapped_column(String(12), comment="by which token, null: none")
    address: Mapped[str] = mapped_column(String(45), comment="from where; empty: this machine's command line")
    action: Mapped[str] = mapped_column(String(64), comment="what, e.g. footage.exported")
    subject: Mapped[str] = mapped_column(String(300), comment="with what, e.g. camera gate")
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, comment="what else there is to say; no secrets")
    done: Mapped[bool] = mapped_column(Boolean, comment="whether it was done, or refused")
    note: Mapped[str] = mapped_column(Text, default="", comment="why it was refused, or why it was done; mostly empty")
    previous: Mapped[str] = mapped_column(String(64), comment="digest of the row before")
    digest: Mapped[str] = mapped_column(String(64), comment="SHA-256 of this row and of that digest, hexadecimal")
