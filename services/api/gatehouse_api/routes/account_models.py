"""Requests and answers about users, their tokens and sessions, and what was done."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from gatehouse_api.routes.models import Asked
from gatehouse_common.accounts import Permission, Role, Scope

Password = Annotated[str, Field(max_length=1024, json_schema_extra={"format": "password"})]
"""No model says a password again: not in an error, and not in an answer."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Credentials(_Body):
    """A name and its password."""

    name: str = Field(max_length=255)
    password: Password


class FirstUser(Credentials):
    """The first user, an admin."""

    token: str = Field("", max_length=100, description="what was printed at start; on the machine itself: none")


class SignedUp(BaseModel):
    """Whoever asked to be let in waits for an admin."""

    state: Literal["pending"] = "pending"


class NewPassword(_Body):
    """Another password for whoever asks."""

    current: Password
    password: Password


class GrantView(_Body):
    """What a user may do with a camera."""

    camera: str = Field(max_length=64)
    permissions: list[Permission] = Field(default_factory=lambda: list(Permission), max_length=4)
    last_hours: float | None = Field(None, gt=0, le=876_000, description="how far back; null: all the way")


class UserView(BaseModel):
    """A user."""

    id: str
    number: int
    name: str
    role: Role
    state: Literal["active", "pending", "disabled", "removed"]
    all_cameras: bool = Field(description="whether grants do not matter")
    grants: list[GrantView]
    has_password: bool = Field(description="whether it can log in; tokens work without")
    created: str
    seen: str | None = Field(description="when it logged in last, RFC 3339; null: never")


class UserList(BaseModel):
    """Users, by name."""

    items: list[UserView]
    next_cursor: str | None = None


class NewUser(_Body):
    """A user to add."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={"example": {"name": "ann", "role": "viewer", "grants": [{"camera": "gate"}]}},
    )

    name: str = Field(max_length=255)
    role: Role = Role.VIEWER
    password: Password | None = Field(None, description="null: it does not log in")
    all_cameras: bool | None = Field(None, description="null: for admins and operators")
    grants: list[GrantView] = Field(default_factory=list, max_length=1000)


class UserChange(_Body):
    """What to change of a user; what is not there stays."""

    name: str | None = Field(None, max_length=255)
    role: Role | None = None
    state: Literal["active", "disabled"] | None = None
    password: Password | None = None
    all_cameras: bool | None = None


class Grants(_Body):
    """All that a user may do with cameras, in place of what it may."""

    grants: list[GrantView] = Field(max_length=1000)


class UserPath(BaseModel):
    """A user in the path."""

    user: str = Field(max_length=64, description="id of the user")


class MeView(BaseModel):
    """Who asks, and what that allows."""

    mode: Literal["local", "proxy", "open"] = Field(
        description="`open`: nobody is known, and everybody may do everything"
    )
    id: str
    name: str
    role: Role
    scopes: list[Scope]
    cameras: list[str] | None = Field(description="those that are there for whoever asks; null: all")
    token: str | None = Field(description="id of the token that was shown")


class SessionPath(BaseModel):
    """A session in the path."""

    session: str = Field(max_length=64, description="id of the session")


class SessionView(BaseModel):
    """A session of a browser."""

    id: str
    created: str
    seen: str = Field(description="when it was used last, to the minute")
    ends: str
    address: str
    agent: str
    current: bool = Field(description="whether it is the one that asks")


class SessionList(BaseModel):
    """Sessions, the newest first."""

    items: list[SessionView]
    next_cursor: str | None = None


class TokenPath(BaseModel):
    """A token in the path."""

    token: str = Field(max_length=64, description="id of the token")


class TokensQuery(Asked):
    """Which tokens."""

    all: bool = Field(False, description="those of all users, for who may see users")


class TokenView(BaseModel):
    """A token; its secret is shown once, when it is made."""

    id: str
    etag: str = Field(description="for `If-Match`: another once it is revoked")
    user: str = Field(description="id of whose it is")
    name: str
    scopes: list[str]
    cameras: list[str] | None
    networks: list[str] | None
    created: str
    expires: str | None
    used: str | None
    used_from: str | None
    revoked: str | None


class MadeToken(BaseModel):
    """A new token."""

    id: str
    token: str = Field(description="all of it: keep it, nobody can show it again")


class TokenList(BaseModel):
    """Tokens, the newest first."""

    items: list[TokenView]
    next_cursor: str | None = None


class NewToken(_Body):
    """A token to make."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"name": "kitchen tablet", "scopes": ["live:view"], "days": 90}}
    )

    name: str = Field(max_length=255, description="what it is for")
    scopes: list[Scope] = Field(min_length=1, max_length=len(Scope))
    cameras: list[str] | None = Field(None, max_length=1000, description="for these alone; null: all that you see")
    networks: list[str] | None = Field(None, max_length=100, description="from these alone, e.g. 10.0.0.0/8")
    days: float | None = Field(None, gt=0, le=36_500, description="for so long; null: until it is revoked")


class AuditQuery(Asked):
    """Which deeds."""

    actor: str = Field("", max_length=255, description="only of this user")
    action: str = Field("", max_length=64, description="only these; with a dot at its end, all that begin so")
    from_: str | None = Field(None, alias="from", max_length=64)
    to: str | None = Field(None, max_length=64)
    tz: str | None = Field(None, max_length=64, description="zone of times without an offset")
    cursor: int | None = Field(None, ge=1, lt=2**63, description="`next_cursor` of the page before")
    limit: int = Field(50, ge=1, le=500)


class DeedView(BaseModel):
    """Something that somebody did, or was not allowed to."""

    number: int
    time: str
    actor: str = Field(description="empty: nobody who is known, or the command line of the machine")
    token: str | None
    address: str
    action: str
    subject: str
    detail: dict[str, Any]
    done: bool = Field(description="false: it was refused")
    note: str
    digest: str = Field(description="SHA-256 over this entry and the digest of the one before")


class DeedList(BaseModel):
    """Deeds, the newest first."""

    items: list[DeedView]
    next_cursor: int | None = None
