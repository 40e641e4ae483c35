"""Settings of webhooks."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from .group import Group


def _check_base(text: str) -> str:
    if text and (not text.startswith(("http://", "https://")) or text.endswith("/") or "@" in text):
        raise ValueError("use e.g. 'https://cameras.example.org', without a slash at the end")
    return text


class WebhookSettings(Group):
    """Whom Gatehouse may tell of events by HTTP, and for how long it is kept what came of that."""

    allow_private: bool = Field(
        False,
        description="whether webhooks may lead to private networks and to this machine itself: whoever may make them "
        "then reaches what is there. Addresses at which clouds tell machines of themselves are never asked",
    )
    allow_http: bool = Field(
        False, description="whether webhooks may lead to `http` addresses, where all on the way can read what is told"
    )
    keep_days: float = Field(
        30.0,
        ge=4,
        le=3650,
        description="what came of deliveries is kept for so long; tries of one go on for 3 days. Bodies "
        "that tell of plates go after `retention.plate_days`, if that is less",
    )
    public_url: Annotated[str, AfterValidator(_check_base)] = Field(
        "",
        max_length=255,
        description="what links in events begin with, e.g. `https://cameras.example.org`; empty: they are paths",
    )
