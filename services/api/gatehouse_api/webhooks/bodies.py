"""What webhooks are told: the same as pages and other programs are, as JSON of less than 20 kB."""

from __future__ import annotations

import json
from typing import Any, Final

from gatehouse_api.event_sources import EventSources
from gatehouse_api.events import Event
from gatehouse_common.db import Delivery
from gatehouse_common.timefmt import rfc3339

from .catalogue import SAMPLE

_LISTED: Final = "plate.listed"
LARGEST: Final = 20_000
"""Bytes; the specification asks for less than 20 kB."""
_TOPICS: Final = {"plate": "plates", "clip": "clips", "job": "jobs"}
_PAGES: Final = {"plate": "plates", "clip": "clips", "job": "jobs", "camera": "cameras"}


class Bodies:
    """Makes what is sent.

    Args:
        sources: looks up what is told of events.
        public_url: what links begin with; empty: they are paths.
    """

    def __init__(self, sources: EventSources, public_url: str) -> None:
        self._sources, self._base = sources, public_url

    def body(self, delivery: Delivery) -> str | None:
        """Return what is told of an event; None: what it is about is gone.

        Raises:
            GatehouseError: it cannot be looked up now.
        """
        data = delivery.data if delivery.data is not None else self._looked_up(delivery)
        if not data:
            return None
        return envelope(delivery.name, delivery.time_us, json.loads(data), delivery.subject, self._base)

    def _looked_up(self, delivery: Delivery) -> str:
        topic = _TOPICS.get(delivery.name.partition(".")[0], "")
        event = Event(0, delivery.event, topic, delivery.name, delivery.subject)
        if topic:
            self._sources.resolve([event])
        return event.data or ""


def envelope(name: str, time_us: int, data: dict[str, Any], subject: str, base: str) -> str:
    """Return an event as it is sent: ``type``, ``timestamp`` and ``data``, and a link to what it is about.

    Where it would be too long the link has to do.
    """
    page = _PAGES.get(name.partition(".")[0])
    data = _linked(data, base)
    if isinstance(data.get("visit"), dict):
        data = {**data, "visit": _linked(data["visit"], base)}
    told: dict[str, Any] = {"type": name, "timestamp": rfc3339(time_us), "data": data}
    if name == _LISTED:  # what it is about has no page of its own
        subject = str(data["visit"]["id"]) if "visit" in data else subject
    if page is not None:
        told["links"] = {"self": f"{base}/api/v1/{page}/{subject}"}
    text = _json(told)
    if len(text.encode()) < LARGEST:
        return text
    # Which list it is, and whether it is the very plate, is what somebody acts on: that stays. What the visit says
    # against it has to be looked up, and who sees that something is left out does so.
    short = {**data, "visit": None, "shortened": True} if name == _LISTED else _shortened(subject)
    return _json({**told, "data": short})


def _linked(data: dict[str, Any], base: str) -> dict[str, Any]:
    links = data.get("links")
    if not isinstance(links, dict):
        return data
    return {**data, "links": {what: f"{base}{path}" for what, path in links.items()}}


def bounded(subject: str, data: str) -> str:
    """Return what is kept of data that are told later: no more than can be told."""
    return data if len(data.encode()) < LARGEST else _json(_shortened(subject))


def _shortened(subject: str) -> dict[str, Any]:
    return {"id": subject, "shortened": True}


def sample(now_us: int) -> str:
    """Return what is sent to try a webhook."""
    return envelope(SAMPLE, now_us, {"text": "Gatehouse can reach you."}, "", "")


def _json(told: dict[str, Any]) -> str:
    return json.dumps(told, separators=(",", ":"))
