"""Writes the page about the API (``docs/api.md``) from the OpenAPI document."""

from __future__ import annotations

import json
from typing import Any, Final

from .document import operations

_HEAD: Final = """# The API

Made from the OpenAPI document by `make docs`. A running Gatehouse has the document at `/api/v1/openapi.json`, and
shows it at `/api/docs`, without anything from the network. Job by job, with `curl`: [api-guide.md](api-guide.md).

## What holds for all of it

- **Who asks** is known by `Authorization: Bearer TOKEN`, `X-API-Key: TOKEN`, Basic with the token as password, or
  by a session's cookie; see [accounts](accounts.md). What is not there for whoever asks is 404.
- **Times** are RFC 3339, `YYYYMMDD_HHMMSS` in a zone (`tz`), or seconds since 1970; ranges are half-open, `[from,
  to)`.
- **Errors** are `application/problem+json` (RFC 9457): `type`, `title`, `status`, `detail`, `instance`,
  `request_id`, and `errors` with a `pointer` where a value is wrong. Old routes have errors as their clients know
  them.
- **Lists** have `items` and `next_cursor`; the next page is asked for by `cursor`.
- **Changes that depend on what was seen**: `ETag` of a camera, user or plate in `If-Match` of a change: 412 if
  somebody changed it since. `*` is whatever there is. What is no tag is 400. The tag of a camera is of its
  settings, not of its state.
- **Asking again**: what makes something takes an `Idempotency-Key`: up to 255 visible characters of ASCII, in quotes
  if there are blanks or commas. The first answer that was no error is kept for 24 hours for whoever asked, and given
  again with `Idempotency-Replayed: true`. The same key for another request is 422; while the first is being worked on
  it is 409. Of a file that is sent only length, name and type are compared: give each file a key of its own. What was
  refused frees its key; so does, after ten minutes, a server that died over it. Answers that show a secret once are
  kept sealed (`sealing_key`), or not at all: 400.
- **How often**: `RateLimit-Policy` and `RateLimit` say how much is left for a user or token; beyond it is 429 with
  `Retry-After`. See `[limits]` in the [settings](configuration.md).
- **Media** have a strong `ETag`, ranges (206, 416), `If-None-Match` and `If-Range`.
- **Old routes** are marked, in the document and by `Deprecation` and `Link: <...>; rel="successor-version"` in
  each answer.
"""
_UNUSUAL: Final = frozenset({"409", "410", "412", "413", "415", "416"})


def render(document: dict[str, Any]) -> str:
    """Return the page of a document."""
    parts = [_HEAD]
    for tag in document["tags"]:
        parts.append(f"## {tag['name']}\n")
        for path, method, operation in operations(document):
            if tag["name"] in operation.get("tags", []):
                parts.append(_operation(path, method, operation))
    return "\n".join(parts)


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    old = " (old)" if operation.get("deprecated") else ""
    lines = [f"### `{method.upper()} {path}`{old}", "", f"{operation.get('summary', '')}. {_who(operation)}", ""]
    parameters = operation.get("parameters", [])
    if parameters:
        lines += ["| parameter | in | |", "|---|---|---|", *(_parameter(one) for one in parameters), ""]
    lines += _example("Body", operation.get("requestBody", {}).get("content", {}))
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            content = answer.get("content", {})
            lines += _example(f"{status}, `{'`, `'.join(content)}`" if content else f"{status}, nothing", content)
    unusual = [f"{status}: {operation['responses'][status]['description'].lower()}" for status in _told(operation)]
    if unusual:
        lines += [f"Errors beside the usual: {'; '.join(unusual)}.", ""]
    return "\n".join(lines)


def _told(operation: dict[str, Any]) -> list[str]:
    return [status for status in operation["responses"] if status in _UNUSUAL]


def _who(operation: dict[str, Any]) -> str:
    if not operation["security"]:
        return "For anybody."
    scopes = operation["x-scopes"]
    if len(operation["security"]) == 1:
        return "For who has logged in, by no token."
    return "For who is known." if len(scopes) > 5 else f"For `{'` or `'.join(scopes)}`."


def _parameter(one: dict[str, Any]) -> str:
    needed = "" if one.get("required") else ", may be left out"
    schema = one.get("schema", {})
    choices = f" ({', '.join(f'`{value}`' for value in schema['enum'])})" if "enum" in schema else ""
    told = one.get("description", "").replace("|", "\\|")
    return f"| `{one['name']}` | {one['in']}{needed} | {told}{choices} |"


def _example(title: str, content: dict[str, Any]) -> list[str]:
    for said in content.values():
        if "example" in said:
            return [f"{title}:", "", "```json", json.dumps(said["example"], indent=2), "```", ""]
    return [f"{title}.", ""] if content or title.endswith("nothing") else []
