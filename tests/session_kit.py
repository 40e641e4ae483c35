"""What tests of the pages of recorder sessions share: somebody who records, and files as the segmenter makes them."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import Any

from gatehouse_common.accounts import ROLE_SCOPES, Grant, Permission, Role
from gatehouse_common.clock import SECOND
from gatehouse_common.db import RecorderSessions, SessionChunk, Tokens, User, Users
from gatehouse_common.intervals import Interval
from gatehouse_common.runtime import Core

FILM = bytes(range(256)) * 40
"""The bytes of a file where nobody looks at its pictures."""


def add_user(
    core: Core, name: str, role: Role = Role.OPERATOR, cameras: tuple[str, ...] | None = None
) -> tuple[User, dict[str, str]]:
    """A user with these cameras, None: all; and what it shows to be known."""
    users, now = Users(core.db), core.clock.now_us()
    user = users.add(name, role, now, all_cameras=cameras is None)
    users.grant(user.id, [Grant(camera, frozenset(Permission)) for camera in cameras or ()])
    token = Tokens(core.db).make(user.id, name, ROLE_SCOPES[role], now)
    return user, {"Authorization": f"Bearer {token.text}"}


def begin(core: Core, user: User, camera: str, start_us: int, total_s: int = 60, chunk_s: int = 30, **more: Any) -> int:
    """A session of a user that began then; return its number."""
    span = Interval(start_us, start_us + total_s * SECOND)
    return RecorderSessions(core.db).begin(user.number, user.name, camera, span, chunk_s, **more).number


def store_files(core: Core, data: bytes = FILM) -> list[SessionChunk]:
    """Make files of all that is planned, as the segmenter does; return those that are stored."""
    sessions = RecorderSessions(core.db)
    for chunk in sessions.planned(lambda _: True):
        key = f"sessions/2026-05-17/session_{chunk.number}.mp4"
        core.store.put_bytes(key, data)
        now = core.clock.now_us()
        sessions.made(replace(chunk, state="stored", key=key, bytes=len(data), stored_us=now))
    return sessions.chunks()


def words(answer: Any) -> str:
    """What a page says, without its marks, on one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))).split())
