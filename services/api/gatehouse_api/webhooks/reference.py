"""Writes the page of events (``docs/webhook-events.md``) from the table of them and the examples of the API."""

from __future__ import annotations

import json
from typing import Any, Final
from zoneinfo import ZoneInfo

from gatehouse_api.openapi.examples import answer_example
from gatehouse_common.timefmt import parse

from .bodies import envelope, sample
from .catalogue import EVENTS, SAMPLE

_HEAD: Final = """# Events that webhooks are told of

Made from the code by `make docs`. How they are told and verified: [webhooks](webhooks.md). Of plates, clips, cameras
and jobs `data` is what their own routes show ([the API](api.md)), as it was when the event was first sent.
What would be too long is [shortened](webhooks.md#what-is-sent): `data` has `"shortened": true` then.

| `type` | says |
|---|---|
"""
_AT: Final = "2026-05-17T22:17:40.794720Z"
_BASE: Final = "https://cameras.example.org"
_SESSION: Final = {"session": 7, "user_name": "ada", "camera": "gate", "at": _AT, "detail": ""}
_LISTING: Final = "01a2243c-4e07-7b1d-8f3a-5c0e9d214b77"
_GAP: Final = {"camera": "gate", "from": "2026-05-17T22:15:40.000000Z", "to": _AT, "cause": "camera_offline"}


def example(name: str) -> dict[str, Any]:
    """Return what is told of an event, for example."""
    family, _, what = name.partition(".")
    if name == "recording.gap":
        return {**_GAP, "detail": "the camera does not answer"}
    if family == "recording":
        return {**_SESSION, "detail": "the footage is gone"} if what == "failed" else dict(_SESSION)
    if family == "plate":
        return _of_plate(what)
    if family == "clip":
        state = {"state": "failed", "detail": "the footage is gone"} if what == "failed" else {"state": "stored"}
        return {**answer_example("ClipView"), **state}
    if family == "camera":
        is_now = {"online": "recording", "offline": "reconnecting"}.get(what, what)
        found = {key: value for key, value in answer_example("CameraList")["items"][0].items() if key != "may"}
        return {**found, "state": is_now, "enabled": what != "disabled"}
    found = answer_example("JobView")
    return {**found, "kind": "media-process", "state": what, "parameters": {"media": 7}, "media": 7, "ended": _AT}


def _of_plate(what: str) -> dict[str, Any]:
    found = answer_example("PlateList")["items"][0]
    visit = {**found, "state": "open" if what in {"detected", "updated", "listed"} else "closed"}
    if what != "listed":
        return visit
    listed = visit["lists"][0]
    return {
        **listed,
        "id": _LISTING,
        "at": _AT,
        "seen": visit["to"],
        "camera": visit["camera"],
        "text": listed["plate"],
        "visit": visit,
    }


def render() -> str:
    """Return the page."""
    at_us = parse(_AT, ZoneInfo("UTC"))
    parts = [_HEAD + "".join(f"| `{name}` | {meaning} |\n" for name, meaning in EVENTS.items())]
    parts.append(f"| `{SAMPLE}` | Somebody has tried the webhook; it is told whatever the webhook wants. |\n")
    for name in EVENTS:
        data = example(name)
        subject = "gate" if name.startswith("camera.") else str(data.get("id", "gate"))
        parts.append(_section(name, envelope(name, at_us, data, subject, _BASE)))
    parts.append(_section(SAMPLE, sample(at_us)))
    return "\n".join(parts)


def _section(name: str, body: str) -> str:
    return f"## `{name}`\n\n```json\n{json.dumps(json.loads(body), indent=2)}\n```\n"
