"""The routes of media, as `access_routes.py` has the others. Whose they are is tried in `test_media.py`."""

from __future__ import annotations

from access_route import Route
from gatehouse_common.accounts import Permission, Scope

_SEES = frozenset({Scope.RECORDS_OWN, Scope.RECORDS_ALL})
_CHANGES = frozenset({Scope.RECORDS_OWN, Scope.FOOTAGE_DELETE})
_OWN = frozenset({Scope.RECORDS_OWN})
_JOBS = frozenset({Scope.SETTINGS_ADMIN, Scope.RECORDS_OWN, Scope.RECORDS_ALL})
_NO = "/api/v1/media/2000000003"
_OLD = ("", "/srce/api")

MEDIA_ROUTES: dict[str, Route] = {
    "GET /api/v1/media": Route("/api/v1/media", _SEES),
    "GET /api/v1/media/<media>": Route(_NO, _SEES),
    "PATCH /api/v1/media/<media>": Route(_NO, _CHANGES, json={"name": "another"}),
    "DELETE /api/v1/media/<media>": Route(_NO, _CHANGES),
    "POST /api/v1/media/<media>/restore": Route(f"{_NO}/restore", _CHANGES),
    "GET /api/v1/media/<media>/download": Route(f"{_NO}/download", _SEES),
    "GET /api/v1/media/<media>/thumbnail": Route(f"{_NO}/thumbnail", _SEES),
    "GET /api/v1/media/<media>/sprite": Route(f"{_NO}/sprite", _SEES),
    "GET /api/v1/media/<media>/hls/<name>": Route(f"{_NO}/hls/hls", _SEES),
    "POST /api/v1/media/<media>/audio": Route(f"{_NO}/audio", _OWN, json={"codec": "mp3"}),
    "POST /api/v1/media/<media>/transcode": Route(f"{_NO}/transcode", _OWN, json={"format": "mp4"}),
    "POST /api/v1/media/<media>/retry": Route(f"{_NO}/retry", _OWN),
    "GET /api/v1/jobs": Route("/api/v1/jobs", _JOBS),
    "GET /api/v1/jobs/<job>": Route("/api/v1/jobs/{job}", _JOBS),
    "DELETE /api/v1/jobs/<job>": Route("/api/v1/jobs/{job}", frozenset({Scope.SETTINGS_ADMIN, Scope.RECORDS_OWN})),
    **{f"GET {old}/videos/<username>": Route(f"{old}/videos/nobody", _SEES) for old in _OLD},
    **{f"GET {old}/video/stream/<int:video>": Route(f"{old}/video/stream/2000000003", _SEES) for old in _OLD},
    **{f"DELETE {old}/video/<int:video>": Route(f"{old}/video/2000000003", _CHANGES) for old in _OLD},
    "GET /library/media/<int:number>/delete": Route("/library/media/2000000003/delete", _CHANGES),
    "POST /library/media/<int:number>/delete": Route("/library/media/2000000003/delete", _CHANGES),
    "POST /library/media/<int:number>/restore": Route("/library/media/2000000003/restore", _CHANGES),
    "POST /library/media/<int:number>/name": Route("/library/media/2000000003/name", _CHANGES),
    "POST /library/media/<int:number>/make": Route("/library/media/2000000003/make", _OWN),
    "POST /library/media/<int:number>/hold": Route(
        "/library/media/2000000003/hold", frozenset({Scope.HOLDS_WRITE}), Permission.PLAYBACK
    ),
    "POST /library/media/<int:number>/release": Route(
        "/library/media/2000000003/release", frozenset({Scope.HOLDS_WRITE}), Permission.PLAYBACK
    ),
    "POST /library/upload": Route("/library/upload", frozenset({Scope.UPLOADS_WRITE})),
}
NO_MEDIA = {name for name, route in MEDIA_ROUTES.items() if name.startswith("GET ") and "2000000003" in route.path}
"""There is no medium of that number."""
