"""Examples of what is sent and answered, by the models of both; a test holds each to its schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any, Final

PARAMETERS: Final[dict[str, Any]] = {
    "camera": "gate",
    "cameras": "gate",
    "from": "2026-05-17T10:23:00Z",
    "to": "2026-05-17T10:24:00Z",
    "at": "2026-05-17T10:23:00Z",
    "tz": "Europe/Berlin",
    "month": "2026-05",
    "date": "2026-05-17",
    "q": "BAB12*",
}
"""Of parameters, by their name: it means the same on every route."""


@cache
def _told() -> dict[str, dict[str, Any]]:
    text = resources.files(__package__).joinpath("examples.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, Any]] = json.loads(text)
    return found


def answer_example(model: str) -> dict[str, Any]:
    """Return the example of an answer, by the name of its model.

    Raises:
        KeyError: there is none.
    """
    found: dict[str, Any] = json.loads(json.dumps(_told()["answers"][model]))
    return found


def add_examples(operation: dict[str, Any]) -> None:
    """Put into an operation the examples that there are of its parameters, body and answers."""
    for parameter in operation.get("parameters", []):
        if parameter["name"] in PARAMETERS:
            parameter["example"] = PARAMETERS[parameter["name"]]
    for content in _contents(operation.get("requestBody", {})):
        _put(content, _told()["bodies"])
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            for content in _contents(answer):
                _put(content, _told()["answers"])


def _contents(said: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from said.get("content", {}).values()


def _put(content: dict[str, Any], told: dict[str, Any]) -> None:
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    if name in told:
        content["example"] = told[name]
