"""Requests and answers about webhooks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from gatehouse_api.routes.models import Asked
from gatehouse_api.webhooks.desk import OVERLAP_HOURS

_Slug = Annotated[str, Field(max_length=64)]
_Event = Annotated[str, Field(max_length=40)]
_URL = "where to, `https://...`; no user and password in it"
_EVENTS = "names of events; `plate.*` stands for all of plates, `*` for all"
_CAMERAS = "of these cameras only; null: of all, and what is of none, as jobs are"


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class NewWebhook(_Body):
    """A webhook to make."""

    url: str = Field(max_length=2000, description=_URL)
    events: list[_Event] = Field(default_factory=lambda: ["*"], min_length=1, max_length=40, description=_EVENTS)
    cameras: list[_Slug] | None = Field(None, min_length=1, max_length=500, description=_CAMERAS)
    note: str = Field("", max_length=200, description="what it is for")
    active: bool = Field(True, description="whether it is told from now on")


class WebhookChange(_Body):
    """What to change of a webhook; what is not there stays as it is."""

    url: str | None = Field(None, max_length=2000, description=_URL)
    events: list[_Event] | None = Field(None, min_length=1, max_length=40, description=_EVENTS)
    cameras: list[_Slug] | None = Field(None, min_length=1, max_length=500, description=_CAMERAS)
    note: str | None = Field(None, max_length=200, description="what it is for")
    active: bool | None = Field(
        None, description="whether it is told anything; of what happens while it is not, nothing"
    )


class Rotation(_Body):
    """How a secret takes the place of another."""

    overlap_hours: float = Field(
        OVERLAP_HOURS, ge=0, le=168, description="for so long the secret before signs too: receivers take either"
    )


class WebhookPath(BaseModel):
    """A webhook in the path."""

    webhook: str = Field(max_length=64, description="id of the webhook")


class DeliveryPath(WebhookPath):
    """A delivery in the path."""

    delivery: str = Field(max_length=64, description="id of the delivery")


class DeliveriesQuery(Asked):
    """Which deliveries."""

    state: Literal["waiting", "delivered", "failed"] | None = Field(None, description="only those; none: all")
    limit: int = Field(50, ge=1, le=500)
    cursor: str | None = Field(None, max_length=200, description="`next_cursor` of the page before")


class WebhookView(BaseModel):
    """A webhook."""

    id: str
    etag: str = Field(description="for `If-Match`: another once people have changed it")
    url: str = Field(description="empty: it was sealed with another key")
    events: list[str]
    cameras: list[str] | None
    note: str
    active: bool
    ended: str = Field(description="why it was made inactive by itself; empty: it was not")
    trouble: str = Field(description="why it is told nothing though it is active; empty: nothing is in the way")
    held_until: str | None = Field(description="it asked to be sent nothing before; null: it did not")
    secrets: int = Field(description="how many secrets sign at the moment: two while one takes the place of another")
    created: str
    created_by: str


class MadeWebhook(WebhookView):
    """A webhook, and its new secret."""

    secret: str = Field(description="what its receiver verifies with: nobody can show it again")


class WebhookList(BaseModel):
    """Webhooks, the oldest first."""

    items: list[WebhookView]
    next_cursor: str | None = None


class Tried(BaseModel):
    """What came back of a sample."""

    delivered: bool = Field(description="whether the answer was one of success, 2xx")
    status: int | None = Field(description="of the answer; null: there was none")
    answer: str = Field(description="how it began, 1 KiB at most")
    detail: str = Field(description="what was wrong; empty: nothing")
    seconds: float = Field(description="how long it took")


class DeliveryView(BaseModel):
    """An event that a webhook is to be told of, or was."""

    id: str
    event: str = Field(description="the `webhook-id`: the same at every try")
    type: str
    camera: str | None
    time: str = Field(description="when it happened")
    state: Literal["waiting", "delivered", "failed"]
    tries: int
    next_try: str | None = Field(
        description="null: there will be none; while the webhook is inactive, or told nothing, neither"
    )
    last_try: str | None
    status: int | None = Field(description="of the last answer; null: there was none")
    answer: str = Field(description="how it began, 1 KiB at most")
    detail: str = Field(description="what was wrong last; empty: nothing")
    seconds: float = Field(description="how long the last try took")
    body: str | None = Field(
        description="what is sent, to the letter; null: not yet, or it told of a plate longer ago than plates are kept"
    )


class DeliveryList(BaseModel):
    """Deliveries, the newest first."""

    items: list[DeliveryView]
    next_cursor: str | None = None
