"""Requests and answers about what is deleted and what is held."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from gatehouse_api.routes.models import Asked
from gatehouse_common.clock import SECOND
from gatehouse_common.retention import Outlook
from gatehouse_common.timefmt import rfc3339


class RetentionQuery(Asked):
    """How much of the plan."""

    limit: int = Field(20, ge=0, le=100, description="so many of the objects that go first are named")


class Due(BaseModel):
    """What has come of age of a class."""

    kind: str = Field(description="`continuous`, `event`, `session`, `upload` or `export`")
    objects: int
    bytes: int


class DayDueView(BaseModel):
    """What comes of age on a day."""

    date: str = Field(description="in the site's zone")
    kind: str
    objects: int
    bytes: int


class NextView(BaseModel):
    """An object that goes by its age."""

    kind: str
    camera: str
    key: str = Field(description="its name in the store")
    start: str
    end: str
    bytes: int
    at: str = Field(description="when it comes of age, RFC 3339; the time of asking: it has")


class RoomView(BaseModel):
    """The room of the store, bytes."""

    total: int | None = Field(description="size of the disk, null: not limited, or not known")
    free: int | None
    reserve: int = Field(description="so much is kept free")
    recordings: int
    clips: int
    held: int = Field(description="of both, on hold")
    limit: int | None = Field(description="what both may take (`retention.max_gb`), null: as much as there is")
    bytes_per_second: float = Field(description="of all cameras that record, by what they stored last")


class ForecastView(BaseModel):
    """For how long recordings can be kept."""

    wanted_hours: float | None = Field(description="for how long they shall be, null: while there is room")
    needs_bytes: int | None
    has_bytes: int | None
    hours: float | None = Field(description="how far the room reaches, null: it has no limit, or nothing is recorded")
    enough: bool | None
    sentence: str


class RetentionPlan(BaseModel):
    """What retention will do."""

    now: str
    enabled: bool
    due: list[Due]
    days: list[DayDueView] = Field(description="what comes of age when, soonest first")
    next: list[NextView]
    room: RoomView
    forecast: ForecastView
    pending: int = Field(description="objects that have been decided on and may still be there")
    warnings: list[str] = Field(description="what somebody should see to, in sentences; mostly none")


class HoldPath(BaseModel):
    """A hold in the path."""

    hold: str = Field(max_length=64, description="id of the hold")


class HoldsQuery(Asked):
    """Which holds."""

    ended: bool = Field(False, description="those too that were released, or have run out")


class NewHold(BaseModel):
    """What to keep from being deleted: a range of footage, a clip, a medium, or what a browser recorded."""

    model_config = ConfigDict(
        extra="forbid",
        populate_by_name=True,
        json_schema_extra={
            "example": {
                "camera": "gate",
                "from": "2026-05-17T10:00:00Z",
                "to": "2026-05-17T11:00:00Z",
                "reason": "asked for by the police",
                "case": "2026-0815",
            }
        },
    )

    camera: str | None = Field(None, max_length=64, description="whose footage; null: of all cameras")
    clip: str | None = Field(None, max_length=36, description="id of the clip that is held, and nothing else")
    media: str | None = Field(
        None, max_length=64, description="number or id of the medium (upload or export) that is held, and nothing else"
    )
    session: int | None = Field(
        None, ge=1, lt=2**31, description="number of the session whose recording of a browser is held, and nothing else"
    )
    from_: str | None = Field(None, alias="from", max_length=64, description="the first instant that is held")
    to: str | None = Field(None, max_length=64, description="the first that is not; null: it goes on")
    tz: str | None = Field(None, max_length=64, description="IANA zone of times without one")
    reason: str = Field(min_length=1, max_length=2000, description="why, for people")
    case: str = Field("", max_length=200, description="what it belongs to")
    until: str | None = Field(None, max_length=64, description="when it runs out by itself; null: never")


class HoldView(BaseModel):
    """A hold."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    camera: str | None
    clip: str | None
    media: str | None = Field(description="id of the medium that is held, null: none is")
    from_: str = Field(serialization_alias="from")
    to: str | None
    reason: str
    case: str
    until: str | None
    active: bool
    created: str
    created_by: str
    released: str | None
    released_by: str | None
    decided: int = Field(0, description="when it is placed: objects of it that had been decided on and are given back")


class HoldList(BaseModel):
    """Holds."""

    items: list[HoldView]
    held_bytes: int = Field(description="of recordings, clips and media, on hold")


def plan_view(outlook: Outlook) -> RetentionPlan:
    """Return what is ahead as answers show it."""
    room, forecast = outlook.room, outlook.forecast
    return RetentionPlan(
        now=rfc3339(outlook.now_us),
        enabled=outlook.enabled,
        due=[Due(kind=d.kind, objects=d.objects, bytes=d.bytes) for d in outlook.due],
        days=[DayDueView(date=d.date.isoformat(), kind=d.kind, objects=d.objects, bytes=d.bytes) for d in outlook.days],
        next=[
            NextView(
                kind=n.kind,
                camera=n.camera,
                key=n.key,
                start=rfc3339(n.start_us),
                end=rfc3339(n.end_us),
                bytes=n.bytes,
                at=rfc3339(n.at_us),
            )
            for n in outlook.next
        ],
        room=RoomView(
            total=room.total,
            free=room.free,
            reserve=room.reserve,
            recordings=room.recordings,
            clips=room.clips,
            held=room.held,
            limit=room.limit,
            bytes_per_second=round(room.rate, 1),
        ),
        forecast=ForecastView(
            wanted_hours=_hours(forecast.wanted_us),
            needs_bytes=forecast.needs,
            has_bytes=forecast.has,
            hours=_hours(forecast.reaches_us),
            enough=None if forecast.has is None or forecast.needs is None else forecast.has >= forecast.needs,
            sentence=forecast.sentence,
        ),
        pending=outlook.pending,
        warnings=outlook.warnings,
    )


def _hours(span_us: int | None) -> float | None:
    return None if span_us is None else round(span_us / (3600 * SECOND), 2)
