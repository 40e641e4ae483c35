"""The routes of recorder sessions, as `access_routes.py` has the others."""

from __future__ import annotations

from access_route import ANYBODY, Route
from gatehouse_common.accounts import Permission, Scope

_OWN = frozenset({Scope.RECORDS_OWN})
_FILES = frozenset({Scope.RECORDS_OWN, Scope.RECORDS_ALL})
_NO_FILE = 2_000_000_000

SESSION_ROUTES: dict[str, Route] = {
    "POST /api/start-recording": Route(
        "/api/start-recording", _OWN, Permission.LIVE, json={"user_name": "", "camera": "x"}
    ),
    "POST /api/stop-recording": Route("/api/stop-recording", _OWN, json={"user_name": ""}),
    "GET /api/recording-status/<name>": Route("/api/recording-status/nobody", _OWN),
    "GET /api/videos": Route("/api/videos", _FILES, Permission.PLAYBACK),
    "GET /api/videos/<name>": Route("/api/videos/nobody", _FILES, Permission.PLAYBACK),
    "GET /api/video/<int:chunk>": Route(f"/api/video/{_NO_FILE}", _FILES, Permission.PLAYBACK),
    "GET /api/video/<int:chunk>/download": Route(f"/api/video/{_NO_FILE}/download", _FILES, Permission.EXPORT),
    "DELETE /api/delete-video/<int:chunk>": Route(
        f"/api/delete-video/{_NO_FILE}", frozenset({Scope.RECORDS_OWN, Scope.FOOTAGE_DELETE}), Permission.PLAYBACK
    ),
    "POST /api/init-db": Route("/api/init-db", frozenset({Scope.SETTINGS_ADMIN})),
    "GET /api/health": Route("/api/health", ANYBODY),
    "GET /api/users": Route("/api/users", frozenset({Scope.USERS_ADMIN})),
    "GET /api/users/<name>": Route("/api/users/nobody", frozenset(Scope)),
}
NO_FILES = {
    *("GET /api/video/<int:chunk>", "GET /api/video/<int:chunk>/download", "GET /api/users/<name>"),
}
"""There is none of that number, and nobody of that name."""
