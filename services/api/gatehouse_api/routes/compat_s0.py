"""The routes of an older recorder: a named user records a camera for a while, in files of equal length.

Errors are ``{"error": ...}``. A server's camera is recorded all the time; a session says which of it is kept as files.
"""

from __future__ import annotations

import math
from typing import Any

from flask import Response
from flask_openapi3 import Tag

from gatehouse_api.auth.access import known, needs, open_to_all
from gatehouse_api.auth.caller import caller, sender
from gatehouse_api.context import context
from gatehouse_api.delivery import deliver
from gatehouse_api.deprecation import deprecate
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.recorder_desk import (
    LEAST_CHUNK_S,
    LEAST_TOTAL_S,
    MOST_CHUNK_S,
    MOST_TOTAL_S,
    RecorderDesk,
    sees_session,
)
from gatehouse_api.routes.compat_s0_bodies import name_in, read_body, told, user_view
from gatehouse_api.routes.compat_s0_models import ChunkPath, DeleteQuery, NamePath, StatusQuery
from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.clock import SECOND
from gatehouse_common.db import OF_NO_CAMERA, Camera, SessionChunk
from gatehouse_common.errors import InvalidInput, NotFound
from gatehouse_common.ids import parse_slug
from gatehouse_common.media.virtual_file import ObjectRange, VirtualFile
from gatehouse_common.timefmt import rfc3339

_SOURCES = "source has to be `browser`, or `camera:` and the id of a camera"
_UPLOADS = "/api/v1/uploads"
api = Routes("compat_s0", __name__, url_prefix="/api", abp_tags=[Tag(name="Compatibility")])


@api.post("/start-recording", summary="Record a camera for a while", deprecated=True)
@needs(Scope.RECORDS_OWN, permission=Permission.LIVE)
def start_recording() -> Response:
    """Begin a session of the named user; `source` says of what.

    It is `camera:<id>`, or `browser`: then what is recorded is sent to `upload_url` as a tus upload whose metadata
    `session` is the `session_id`; with `beside`, the `session_id` of another in a browser, both go on. Without `source`
    the default camera is recorded, where there is none a browser.
    """
    body, desk = read_body(), _desk()
    name, (total, chunk), camera = name_in(body), _lengths(body, desk), _camera(body)
    if camera is None:
        user = desk.user(name, caller(), add=True)
        session = desk.begin_in_browser(user, total, chunk, caller(), sender(), _id_in(body, "beside"))
    else:
        session = desk.begin(name, camera, total, chunk, caller(), sender())
    expected = math.ceil(total / chunk)
    return told(
        {
            "message": f"Recording started for user {session.user_name}",
            "username": session.user_name,
            "user_name": session.user_name,
            "session_id": session.id,
            "source": "browser" if camera is None else f"camera:{camera.id}",
            "camera": session.camera,
            "upload_url": _UPLOADS if camera is None else None,
            "total_duration_seconds": total,
            "chunk_duration_seconds": chunk,
            "expected_chunks": expected,
        }
    )


@api.post("/stop-recording", summary="Stop a session", deprecated=True)
@needs(Scope.RECORDS_OWN)
def stop_recording() -> Response:
    """Stop the session of the named user; its last file ends now, and is there once it is cut.

    With `session_id` that one and no other is stopped; one that has ended already stays as it is.
    """
    body, desk = read_body(), _desk()
    user = desk.user(name_in(body), caller())
    session = desk.stop(user, caller(), sender(), _id_in(body, "session_id"))
    chunks = [_view(one) for one in desk.chunks(session.number, caller())]
    return told(
        {
            "message": f"Recording stopped for user {user.name}",
            "username": user.name,
            "total_chunks": len(chunks),
            "chunks": chunks,
        }
    )


@api.get("/recording-status/<name>", summary="Whether a user records", deprecated=True)
@needs(Scope.RECORDS_OWN)
def get_status(path: NamePath, query: StatusQuery) -> Response:
    """Return whether a user records, and how far it is.

    With `session_id` of that session: one that does not go on any more `was_stopped` by somebody, or ran its time.
    """
    desk, now_us = _desk(), context().core.clock.now_us()
    user = desk.find(path.name, caller())
    session = None
    if user is not None:
        session = desk.named(user, query.session_id) if query.session_id else desk.recording(user)
    if session is None or not sees_session(caller(), session):
        return told({"username": path.name, "is_recording": False})
    if not session.is_active(now_us):
        was_stopped = session.stopped_us is not None
        return told({"username": path.name, "is_recording": False, "was_stopped": was_stopped})
    stored = len(desk.chunks(session.number, caller()))
    in_browser: dict[str, Any] = {}
    if session.camera == OF_NO_CAMERA:
        received = desk.received(session)
        in_browser["bytes_received"] = 0 if received is None else received.bytes
        if received is not None:
            stored = max(stored, (received.changed_us - session.start_us) // (session.chunk_seconds * SECOND))
    return told(
        {
            "username": session.user_name,
            "is_recording": True,
            "elapsed_seconds": max(0, now_us - session.start_us) // SECOND,
            "total_duration_seconds": session.total_seconds,
            "chunk_duration_seconds": session.chunk_seconds,
            "total_chunks_so_far": stored,
            **in_browser,
        }
    )


@api.get("/videos", summary="All files of sessions", deprecated=True)
@needs(Scope.RECORDS_OWN, Scope.RECORDS_ALL, permission=Permission.PLAYBACK)
def get_videos() -> Response:
    """Return the files of all users, of one's own for who may not see others'."""
    chunks = [_view(one) for one in _desk().visible_chunks(caller())]
    return told({"total_chunks": len(chunks), "chunks": chunks})


@api.get("/videos/<name>", summary="The files of a user", deprecated=True)
@needs(Scope.RECORDS_OWN, Scope.RECORDS_ALL, permission=Permission.PLAYBACK)
def get_videos_of(path: NamePath) -> Response:
    """Return the files of a user; none, if there is no such user."""
    desk = _desk()
    user = desk.find(path.name, caller())
    chunks = [] if user is None else [_view(one) for one in desk.visible_chunks(caller(), user.number)]
    return told({"username": path.name, "total_chunks": len(chunks), "chunks": chunks})


@api.get("/video/<int:chunk>", summary="A file of a session", deprecated=True)
@needs(Scope.RECORDS_OWN, Scope.RECORDS_ALL, permission=Permission.PLAYBACK)
def get_video(path: ChunkPath) -> Response:
    """Return what is known of a file."""
    return told(_view(_desk().chunk(path.chunk, caller())))


@api.get("/video/<int:chunk>/download", summary="The bytes of a file", deprecated=True)
@needs(Scope.RECORDS_OWN, Scope.RECORDS_ALL, permission=Permission.EXPORT)
def get_download(path: ChunkPath) -> Response:
    """Return a file, with ranges."""
    ctx, found = context(), _desk().chunk(path.chunk, caller())
    try:
        ctx.core.store.stat(found.key)
    except NotFound as error:
        raise NotFound("Video file not found on disk") from error
    media_type = "video/webm" if found.key.endswith(".webm") else "video/mp4"
    file = VirtualFile((ObjectRange(found.key, 0, found.bytes, found.id),), media_type)
    return deprecate(deliver(file, ctx.clip_reader, sealed=False, name=found.key.rpartition("/")[2]), "/api/v1/footage")


@api.delete("/delete-video/<int:chunk>", summary="Delete a file", deprecated=True)
@needs(Scope.RECORDS_OWN, Scope.FOOTAGE_DELETE, permission=Permission.PLAYBACK)
def delete_video(path: ChunkPath, query: DeleteQuery) -> Response:
    """Put a file into the trash, where it stays for `sessions.trash_hours`; what is on hold is 409.

    With `purge=true` an admin has it deleted with the janitor's next look.
    """
    _desk().delete(path.chunk, caller(), sender(), purge=query.purge)
    return told({"message": "Video chunk deleted successfully"})


@api.post("/init-db", summary="Make the tables", deprecated=True)
@needs(Scope.SETTINGS_ADMIN)
def init_db() -> Response:
    """Bring the schema up to date; it is at each start, and nothing is ever lost by it."""
    context().core.db.upgrade()
    return told({"message": "Database initialized successfully"})


@api.get("/health", summary="Does it answer", deprecated=True)
@open_to_all
def get_health() -> Response:
    """Return 200 while the process answers."""
    return told({"status": "healthy"})


@api.get("/users", summary="Users", deprecated=True)
@needs(Scope.USERS_ADMIN)
def get_users() -> Response:
    """Return all users."""
    found = [user_view(user) for user in context().doorkeeper.users.list()]
    return told({"total_users": len(found), "users": found})


@api.get("/users/<name>", summary="A user", deprecated=True)
@known
def get_user(path: NamePath) -> Response:
    """Return a user: oneself, or anybody for who may see users."""
    user = _desk().find(path.name, caller(), Scope.USERS_ADMIN)
    if user is None:
        raise NotFound("User not found")
    return told(user_view(user))


def _desk() -> RecorderDesk:
    return context().recorder


def _camera(body: dict[str, Any]) -> Camera | None:
    """Return the camera that is named, else the default camera; None: it is recorded in a browser.

    Raises:
        InvalidInput: its name cannot be one.
        NotFound: there is no such camera.
    """
    ctx, source = context(), body.get("source", "")
    if not isinstance(source, str):
        raise InvalidInput(_SOURCES, "source")
    if source == "browser":
        return None
    kind, _, named = source.partition(":")
    if source and (kind != "camera" or not named):
        raise InvalidInput(_SOURCES, "source")
    named = named or body.get("camera", "")
    if not isinstance(named, str):
        raise InvalidInput("camera has to be the id of one", "camera")
    if not named and ctx.default_camera() is None:
        return None
    return ctx.chosen_camera(parse_slug(named) if named else "")


def _id_in(body: dict[str, Any], key: str) -> str:
    """Return the id of a session that is named, empty if none is.

    Raises:
        InvalidInput: it is no text.
    """
    found = body.get(key, "")
    if not isinstance(found, str):
        raise InvalidInput(f"{key} has to be the session_id of a recording", key)
    return found


def _lengths(body: dict[str, Any], desk: RecorderDesk) -> tuple[int, int]:
    """Return how long a session is, and how long its files, seconds.

    Raises:
        InvalidInput: they are no integers, or too short, or too long.
    """
    total = _seconds(body, "total_duration_seconds", desk.total_s, LEAST_TOTAL_S, MOST_TOTAL_S)
    chunk = _seconds(
        body,
        "chunk_duration_seconds",
        min(desk.chunk_s, total, MOST_CHUNK_S),
        LEAST_CHUNK_S,
        min(total, MOST_CHUNK_S),
    )
    return total, chunk


def _seconds(body: dict[str, Any], name: str, default: int, least: int, most: int) -> int:
    value = body.get(name, default)
    if type(value) is not int or not least <= value <= most:
        raise InvalidInput(f"{name} must be an integer from {least} to {most}", name)
    return value


def _view(one: SessionChunk) -> dict[str, Any]:
    """Return a file as the older recorder shows it: the columns of its table."""
    zone = context().core.zone
    start = rfc3339(one.start_us, zone)
    return {
        "id": one.number,
        "clip_id": one.position,
        "user_id": one.user,
        "user_name": one.user_name,
        "recording_date": start,
        "file_name": one.key.rpartition("/")[2],
        "file_path": one.key,
        "start_time": start,
        "end_time": rfc3339(one.end_us, zone),
        "duration_seconds": round((one.end_us - one.start_us) / SECOND),
        "chunk_duration_seconds": one.chunk_seconds,
        "created_at": None if one.stored_us is None else rfc3339(one.stored_us, zone),
    }
