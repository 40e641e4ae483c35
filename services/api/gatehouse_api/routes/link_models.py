"""Requests and answers about links that show footage to somebody without an account."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

DAY_S = 24 * 3600


class NewLink(BaseModel):
    """A link to make."""

    model_config = ConfigDict(
        extra="forbid",
        populate_by_name=True,
        json_schema_extra={
            "example": {
                "camera": "gate",
                "from": "2026-05-17T10:23:00Z",
                "to": "2026-05-17T10:24:00Z",
                "note": "insurer",
            }
        },
    )

    camera: str = Field(max_length=64)
    from_: str = Field(alias="from", max_length=64)
    to: str = Field(max_length=64)
    tz: str | None = Field(None, max_length=64, description="zone of times without an offset")
    expires_in: float = Field(DAY_S, ge=60, le=7 * DAY_S, description="for how many seconds it is good")
    download: bool = Field(True, description="whether the footage may be saved, or played alone")
    note: str = Field("", max_length=300, description="what it is for; whoever opens it reads it")


class LinkPath(BaseModel):
    """A link in the path."""

    link: str = Field(max_length=64, description="id of the link")


class SharedPath(BaseModel):
    """A link's secret in the path."""

    secret: str = Field(max_length=64)


class LinkView(BaseModel):
    """A link that was given out."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    etag: str = Field(description="for `If-Match`: another once it is revoked")
    camera: str
    from_: str = Field(serialization_alias="from")
    to: str
    download: bool
    note: str
    created: str
    expires: str
    opened: int = Field(description="how often its page was opened")
    last_opened: str | None
    revoked: str | None


class MadeLink(LinkView):
    """A new link."""

    url: str = Field(description="all of it: nobody can show it again")


class LinkList(BaseModel):
    """Links, the newest first."""

    items: list[LinkView]
    next_cursor: str | None = None
