"""The routes of recorder sessions, as `access_routes.py` has the others."""

from __future__ import annotations

from access_route import ANYBODY, Route
from gatehouse_common.accounts import Permission, Scope

_OWN = frozenset({Scope.RECORDS_OWN})
_FILES = frozenset({Scope.RECORDS_OWN, Scope.RECORDS_ALL})

SESSION_ROUTES: dict[str, Route] = {
    "POST /api/start-recording": Route(
        "/api/start-recording", _OWN, Permission.LIVE, json={"user_name": "ada", "camera": "{camera}"}
    ),
    "POST /api/stop-recording": Route("/api/stop-recording", _OWN, json={"user_name": ""}),
    "GET /api/recording-status/<name>": Route("/api/recording-status/nobody", _OWN),
    "GET /api/videos": Route("/api/videos", _FILES, Permission.PLAYBACK),
    "GET /api/videos/<name>": Route("/api/videos/nobody", _FILES, Permission.PLAYBACK),
    "GET /api/video/<int:chunk>": Route("/api/video/{file}", _FILES, Permission.PLAYBACK),
    "GET /api/video/<int:chunk>/download": Route("/api/video/{file}/download", _FILES, Permission.EXPORT),
    "DELETE /api/delete-video/<int:chunk>": Route(
        "/api/delete-video/{file}", frozenset({Scope.RECORDS_OWN, Scope.FOOTAGE_DELETE}), Permission.PLAYBACK
    ),
    "POST /api/v1/session-files/<int:chunk>/restore": Route(
        "/api/v1/session-files/{trashed}/restore",
        frozenset({Scope.RECORDS_OWN, Scope.FOOTAGE_DELETE}),
        Permission.PLAYBACK,
    ),
    "POST /api/init-db": Route("/api/init-db", frozenset({Scope.SETTINGS_ADMIN})),
    "GET /api/health": Route("/api/health", ANYBODY),
    "GET /api/users": Route("/api/users", frozenset({Scope.USERS_ADMIN})),
    "GET /api/users/<name>": Route("/api/users/nobody", frozenset(Scope)),
}
NO_USER = {"GET /api/users/<name>"}
"""There is nobody of that name."""
