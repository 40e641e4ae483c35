"""Every route there is: an address of it, what it asks for, and what kind of answer it gives.

Whoever adds a route adds it here; the test of who may do what names those that are missing.
"""

from __future__ import annotations

from access_route import ANYBODY, Route
from account_routes import ACCOUNT_ROUTES
from gatehouse_common.accounts import Permission, Scope
from list_routes import LIST_ROUTES
from media_routes import MEDIA_ROUTES
from session_page_routes import SESSION_PAGE_ROUTES
from session_routes import SESSION_ROUTES
from upload_routes import UPLOAD_ROUTES

LIVE, PLAYBACK = Permission.LIVE, Permission.PLAYBACK
EXPORT, CONTROL = Permission.EXPORT, Permission.CONTROL
DOCS = frozenset({Scope.CAMERAS_READ, Scope.UPLOADS_WRITE})
WATCH = frozenset({Scope.LIVE_VIEW, Scope.FOOTAGE_READ})


def _one(scope: Scope) -> frozenset[Scope]:
    return frozenset({scope})


_CAMERAS, _LIVE, _FOOTAGE = _one(Scope.CAMERAS_READ), _one(Scope.LIVE_VIEW), _one(Scope.FOOTAGE_READ)
_PLATES, _HOLDS, _SETTINGS = _one(Scope.PLATES_READ), _one(Scope.HOLDS_WRITE), _one(Scope.SETTINGS_ADMIN)
_CHANGE = _one(Scope.CAMERAS_WRITE)
_RANGE = "from={from}&to={to}"
_HOLD = {"reason": "asked for", "camera": "{camera}", "from": "{from}", "to": "{to}"}

ROUTES: dict[str, Route] = {
    **ACCOUNT_ROUTES,
    **SESSION_ROUTES,
    **SESSION_PAGE_ROUTES,
    **LIST_ROUTES,
    **MEDIA_ROUTES,
    **UPLOAD_ROUTES,
    "GET /": Route("/", WATCH | {Scope.RECORDS_OWN}),
    "GET /live": Route("/live", WATCH),
    "GET /live/<camera>": Route("/live/{camera}", WATCH),
    "GET /timeline": Route("/timeline", WATCH),
    "GET /plates": Route("/plates", _PLATES),
    "GET /stats": Route("/stats", _CAMERAS, PLAYBACK),
    "GET /video-browser": Route("/video-browser", _FOOTAGE, PLAYBACK),
    "GET /detection-test": Route("/detection-test", _PLATES, LIVE),
    "GET /favicon.ico": Route("/favicon.ico", ANYBODY),
    "GET /static/<path:filename>": Route("/static/icon.svg", ANYBODY),
    "GET /livez": Route("/livez", ANYBODY),
    "GET /readyz": Route("/readyz", ANYBODY),
    "GET /metrics": Route("/metrics", _one(Scope.METRICS_READ)),
    "GET /api/docs": Route("/api/docs", DOCS),
    "GET /api/docs/": Route("/api/docs/", DOCS),
    "GET /api/docs/openapi.json": Route("/api/docs/openapi.json", DOCS),
    "GET /api/docs/scalar": Route("/api/docs/scalar", DOCS),
    "GET /api/docs/scalar/<path:filename>": Route("/api/docs/scalar/none.js", DOCS),
    "GET /api/docs/static/<path:filename>": Route("/api/docs/static/none.js", DOCS),
    "GET /api/v1/openapi.json": Route("/api/v1/openapi.json", DOCS),
    "GET /api/v1/health": Route("/api/v1/health", DOCS),
    "GET /api/v1/cameras": Route("/api/v1/cameras", _CAMERAS),
    "POST /api/v1/cameras": Route("/api/v1/cameras", _CHANGE, json={"id": "another", "url": "synthetic:"}),
    "GET /api/v1/cameras/<camera>": Route("/api/v1/cameras/{camera}", _CAMERAS),
    "PATCH /api/v1/cameras/<camera>": Route("/api/v1/cameras/{camera}", _CHANGE, CONTROL, json={"enabled": False}),
    "DELETE /api/v1/cameras/<camera>": Route("/api/v1/cameras/{camera}", _CHANGE, CONTROL),
    "GET /api/v1/coverage": Route("/api/v1/coverage", _CAMERAS, PLAYBACK),
    "GET /api/v1/cameras/<camera>/coverage": Route("/api/v1/cameras/{camera}/coverage", _CAMERAS, PLAYBACK),
    "GET /api/v1/timeline": Route(f"/api/v1/timeline?cameras={{camera}}&{_RANGE}", _CAMERAS, PLAYBACK),
    "GET /api/v1/days": Route("/api/v1/days?camera={camera}&month=2026-01", _CAMERAS, PLAYBACK),
    "GET /api/v1/cameras/<camera>/live": Route("/api/v1/cameras/{camera}/live", _LIVE, LIVE),
    "GET /api/v1/cameras/<camera>/snapshot.jpg": Route("/api/v1/cameras/{camera}/snapshot.jpg", _LIVE, LIVE),
    "GET /api/v1/cameras/<camera>/stream.mjpg": Route("/api/v1/cameras/{camera}/stream.mjpg", _LIVE, LIVE, waits=True),
    "GET /api/v1/live/grid": Route("/api/v1/live/grid?cameras={camera}", _LIVE, LIVE, waits=True),
    "GET /api/v1/live/order": Route("/api/v1/live/order", _LIVE, LIVE),
    "PUT /api/v1/live/order": Route("/api/v1/live/order", _LIVE, LIVE, json={"cameras": []}),
    "GET /live/<camera>.mjpg": Route("/live/{camera}.mjpg", _LIVE, LIVE, waits=True),
    "GET /api/v1/live/<camera>.mp4": Route("/api/v1/live/{camera}.mp4", _LIVE, LIVE, waits=True),
    "GET /api/v1/hls/<camera>/live.m3u8": Route("/api/v1/hls/{camera}/live.m3u8", _LIVE, LIVE),
    "GET /api/v1/hls/<camera>/vod.m3u8": Route(f"/api/v1/hls/{{camera}}/vod.m3u8?{_RANGE}", _FOOTAGE, PLAYBACK),
    "GET /api/v1/media/chunks/<chunk>.mp4": Route("/api/v1/media/chunks/{chunk}.mp4", WATCH, own=PLAYBACK),
    "GET /api/v1/cameras/<camera>/thumbnail.jpg": Route(
        "/api/v1/cameras/{camera}/thumbnail.jpg?at={at}", _FOOTAGE, PLAYBACK
    ),
    "GET /api/v1/footage": Route(f"/api/v1/footage?camera={{camera}}&download=false&{_RANGE}", _FOOTAGE, PLAYBACK),
    "GET /api/v1/cameras/<string:camera>/export": Route(
        f"/api/v1/cameras/{{camera}}/export?{_RANGE}", _one(Scope.FOOTAGE_EXPORT), EXPORT
    ),
    "POST /api/v1/exports": Route(
        "/api/v1/exports",
        _one(Scope.FOOTAGE_EXPORT),
        EXPORT,
        json={"cameras": ["{camera}"], "from": "{from}", "to": "{to}"},
    ),
    "GET /api/v1/plates": Route("/api/v1/plates?cameras={camera}", _PLATES, PLAYBACK, names=False),
    "GET /api/v1/plates/confidences": Route(
        f"/api/v1/plates/confidences?cameras={{camera}}&{_RANGE}", _PLATES, PLAYBACK, names=False
    ),
    "GET /api/v1/plates/times": Route(f"/api/v1/plates/times?camera={{camera}}&{_RANGE}", _PLATES, PLAYBACK),
    "GET /api/v1/plates/<plate>": Route("/api/v1/plates/{plate}", _PLATES, PLAYBACK),
    "PATCH /api/v1/plates/<plate>": Route(
        "/api/v1/plates/{plate}", _one(Scope.PLATES_WRITE), PLAYBACK, json={"rejected": False}
    ),
    "GET /api/v1/plates/<plate>/crop.jpg": Route("/api/v1/plates/{plate}/crop.jpg", _PLATES, PLAYBACK),
    "GET /api/v1/plates/<plate>/frame.jpg": Route("/api/v1/plates/{plate}/frame.jpg", _PLATES, PLAYBACK),
    "GET /api/v1/clips": Route("/api/v1/clips?event={plate}", _FOOTAGE, PLAYBACK, names=False),
    "GET /api/v1/clips/<clip>": Route("/api/v1/clips/{clip}", _FOOTAGE, PLAYBACK),
    "GET /api/v1/clips/<clip>/media": Route("/api/v1/clips/{clip}/media", _FOOTAGE, PLAYBACK),
    "GET /api/v1/events/stream": Route(
        "/api/v1/events/stream",
        frozenset({Scope.CAMERAS_READ, Scope.FOOTAGE_READ, Scope.PLATES_READ, Scope.RECORDS_OWN}),
        waits=True,
    ),
    "GET /api/v1/storage/plan": Route("/api/v1/storage/plan", _SETTINGS),
    "POST /api/v1/maintenance/consistency-check": Route("/api/v1/maintenance/consistency-check", _SETTINGS, json={}),
    "GET /api/v1/retention/plan": Route("/api/v1/retention/plan", _HOLDS, PLAYBACK),
    "GET /api/v1/holds": Route("/api/v1/holds?ended=true", _HOLDS, PLAYBACK),
    "POST /api/v1/holds": Route("/api/v1/holds", _HOLDS, PLAYBACK, json=_HOLD),
    "GET /api/v1/holds/<hold>": Route("/api/v1/holds/{hold}", _HOLDS, PLAYBACK),
    "DELETE /api/v1/holds/<hold>": Route("/api/v1/holds/{hold}", _HOLDS, PLAYBACK),
    "GET /camera_info": Route("/camera_info", _CAMERAS),
    "GET /footage": Route(f"/footage?camera={{camera}}&{_RANGE}", _FOOTAGE, PLAYBACK),
    "GET /recordings": Route("/recordings", _FOOTAGE, PLAYBACK),
    "GET /recordings/recording_index.json": Route("/recordings/recording_index.json", _FOOTAGE, PLAYBACK),
    "POST /v2/detection/detect-from-camera": Route(
        "/v2/detection/detect-from-camera?camera={camera}", _PLATES, LIVE, waits=True
    ),
    "POST /v2/detection/detect-from-image": Route("/v2/detection/detect-from-image", _PLATES, waits=True),
    "GET /v2/detection/latest": Route("/v2/detection/latest", _PLATES, PLAYBACK),
    "GET /v2/results/detections": Route("/v2/results/detections", _PLATES, PLAYBACK),
    "GET /v2/results/enhanced-results": Route("/v2/results/enhanced-results", _PLATES, PLAYBACK),
    "GET /v2/stream/video-feed": Route("/v2/stream/video-feed?camera={camera}", _LIVE, LIVE, waits=True),
    "GET /v2/stream/snapshot": Route("/v2/stream/snapshot?camera={camera}", _LIVE, LIVE),
    "GET /v2/stream/annotated-snapshot": Route(
        "/v2/stream/annotated-snapshot?camera={camera}", _PLATES, LIVE, waits=True
    ),
    "GET /v2/video/segments": Route("/v2/video/segments", _FOOTAGE, PLAYBACK),
    "GET /v2/video/segments/<segment>": Route("/v2/video/segments/{clip}", _FOOTAGE, PLAYBACK),
    "GET /v2/video/segments/<segment>/download": Route("/v2/video/segments/{clip}/download", _FOOTAGE, EXPORT),
    "GET /v2/video/by-detection/<detection>": Route("/v2/video/by-detection/{plate}", _PLATES, PLAYBACK, names=False),
    "POST /v2/video/cleanup": Route("/v2/video/cleanup?retention_days=10000", _one(Scope.FOOTAGE_DELETE), CONTROL),
    "GET /v2/video/stats": Route("/v2/video/stats", _FOOTAGE, PLAYBACK),
}
