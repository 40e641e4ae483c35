"""The catalogue as documents: an AsyncAPI 3.0 description, a JSON Schema per message, and a table for people."""

from __future__ import annotations

import json
from typing import Any

from pydantic.json_schema import models_json_schema

from .catalog import CATALOG, Entry
from .envelope import Message

_ABOUT = (
    "What the services of Gatehouse tell one another. Every message is an event in the past tense with an id, the "
    "camera that it speaks of, and the time of what happened. Times are integers of microseconds UTC. Unknown fields "
    "are ignored; a body that cannot be read becomes a dead letter with its reason."
)
_DURABLE = "Journalled, delivered at least once and in order; it leaves a queue only after its effect is durable."
_TRANSIENT = "Bounded, drop-oldest, lost when nobody listens. What it carries travels beside it as binary."
_MADE = "<!-- Made by `make docs` from gatehouse_common/messages. -->"


def documents() -> dict[str, str]:
    """Return every document, by its path below ``docs/messages``."""
    found = {"README.md": table(), "asyncapi.json": _json(asyncapi())}
    for entry in CATALOG:
        found[f"schemas/{_file_name(entry.model)}"] = _json(schema(entry.model))
    return found


def schema(model: type[Message]) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a message as it is on the wire."""
    inner = _with_envelope(model, model.model_json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **inner}


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI 3.0 document: a channel per message type, an operation per service and message."""
    models = [entry.model for entry in CATALOG]
    _, defined = models_json_schema([(m, "validation") for m in models], ref_template="#/components/schemas/{model}")
    schemas = dict(defined["$defs"])
    for model in models:
        schemas[model.__name__] = _with_envelope(model, schemas[model.__name__])
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Gatehouse messages",
            "version": "1",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {entry.model.TYPE: _channel(entry) for entry in CATALOG},
        "operations": {name: operation for entry in CATALOG for name, operation in _operations(entry)},
        "components": {
            "messages": {entry.model.__name__: _message(entry) for entry in CATALOG},
            "schemas": schemas,
        },
    }


def table() -> str:
    """Return the catalogue as a page of Markdown."""
    lines = [
        f"# Messages\n\n{_MADE}\n\n{_ABOUT}\n\n",
        f"- Durable: {_DURABLE}\n- Transient: {_TRANSIENT}\n\n",
        "The same for machines: [asyncapi.json](asyncapi.json).\n\n",
        "| type | says | kept | from | to |\n|---|---|---|---|---|\n",
    ]
    for entry in CATALOG:
        link = f"[`{entry.model.TYPE}`](schemas/{_file_name(entry.model)})"
        kept = "durable" if entry.durable else "transient"
        ends = f"{', '.join(entry.publishers)} | {', '.join(entry.consumers)}"
        lines.append(f"| {link} | {_markdown(entry.meaning)} | {kept} | {ends} |\n")
    return "".join(lines)


def _channel(entry: Entry) -> dict[str, Any]:
    return {
        "address": f"{entry.model.TYPE}.{{camera}}",
        "description": _DURABLE if entry.durable else _TRANSIENT,
        "parameters": {"camera": {"description": "id of the camera that the message speaks of"}},
        "messages": {entry.model.__name__: {"$ref": f"#/components/messages/{entry.model.__name__}"}},
    }


def _operations(entry: Entry) -> list[tuple[str, dict[str, Any]]]:
    channel = {"$ref": f"#/channels/{entry.model.TYPE}"}
    sent = [
        (f"{name}.sends.{entry.model.TYPE}", {"action": "send", "channel": channel, "summary": entry.meaning})
        for name in entry.publishers
    ]
    received = [
        (f"{name}.receives.{entry.model.TYPE}", {"action": "receive", "channel": channel, "summary": entry.meaning})
        for name in entry.consumers
    ]
    return sent + received


def _message(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.model.TYPE,
        "title": entry.model.__name__,
        "summary": entry.meaning,
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{entry.model.__name__}"},
    }


def _with_envelope(model: type[Message], fields: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a model with what the envelope adds on the wire: its type and its version."""
    head = {
        "type": {"const": model.TYPE, "type": "string", "description": "which message this is"},
        "version": {
            "const": model.VERSION,
            "type": "integer",
            "description": "raised when readers would misunderstand",
        },
    }
    required = ["type", "version", "id", *fields["required"]]
    return {**fields, "properties": {**head, **fields["properties"]}, "required": required}


def _markdown(docstring: str) -> str:
    return docstring.replace("``", "`")


def _file_name(model: type[Message]) -> str:
    return f"{model.TYPE}.v{model.VERSION}.json"


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
