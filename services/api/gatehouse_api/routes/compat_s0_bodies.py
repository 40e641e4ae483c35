"""What the routes of an older recorder read and answer alike."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request

from gatehouse_api.context import context
from gatehouse_common.db import User
from gatehouse_common.errors import InvalidInput
from gatehouse_common.timefmt import rfc3339


def told(body: dict[str, Any], status: int = 200) -> Response:
    """Return an answer in JSON."""
    answer = jsonify(body)
    answer.status_code = status
    return answer


def read_body() -> dict[str, Any]:
    """Return what was sent.

    Raises:
        InvalidInput: it is no JSON object.
    """
    found = request.get_json(silent=True)
    if not isinstance(found, dict):
        raise InvalidInput("the body has to be a JSON object")
    return found


def name_in(body: dict[str, Any]) -> str:
    """Return the name of a user, by either of the two keys that clients send.

    Raises:
        InvalidInput: there is none, or it is no text.
    """
    name = body.get("user_name", body.get("username", ""))
    if not isinstance(name, str) or not name.strip():
        raise InvalidInput("user_name is required", "user_name")
    return name.strip()


def user_view(user: User) -> dict[str, Any]:
    """Return a user as the older recorder shows one."""
    created = rfc3339(user.created_us, context().core.zone)
    return {"id": user.number, "username": user.name, "role": user.role, "created_at": created}
