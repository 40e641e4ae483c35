"""What routes answer beside JSON, and with which errors, as the document shows it: one table for all routes."""

from __future__ import annotations

from typing import Any, Final

JSON, PROBLEM, TEXT, CSV = "application/json", "application/problem+json", "text/plain", "text/csv"
_M3U8, _MP4, _JPEG, _MJPEG = "application/vnd.apple.mpegurl", "video/mp4", "image/jpeg", "multipart/x-mixed-replace"
_MEDIA = (_MP4, "video/webm", "audio/mpeg", "audio/mp4", "audio/aac", "audio/flac", "image/gif")
_CONVERTED = (_MP4, "video/webm", "video/x-matroska")

MEDIA: Final[dict[str, tuple[str, ...]]] = {
    "GET /api/v1/hls/{camera}/vod.m3u8": (_M3U8,),
    "GET /api/v1/hls/{camera}/live.m3u8": (_M3U8,),
    "GET /api/v1/media/chunks/{chunk}.mp4": (_MP4,),
    "GET /api/v1/live/{camera}.mp4": (_MP4,),
    "GET /api/v1/live/grid": ("multipart/mixed",),
    "GET /live/{camera}.mjpg": (_MJPEG,),
    "GET /api/v1/cameras/{camera}/stream.mjpg": (_MJPEG,),
    "GET /api/v1/cameras/{camera}/snapshot.jpg": (_JPEG,),
    "GET /api/v1/cameras/{camera}/thumbnail.jpg": (_JPEG,),
    "GET /api/v1/footage": (*_CONVERTED, "application/x-tar"),
    "GET /api/v1/audit.csv": (CSV,),
    "GET /api/v1/audit.jsonl": ("application/jsonl",),
    "GET /api/v1/watchlists/{watchlist}/entries.csv": (CSV,),
    "GET /s/{secret}": ("text/html",),
    "GET /s/{secret}/footage.mp4": (_MP4,),
    "GET /footage": _CONVERTED,
    "GET /camera_info": (JSON,),
    "GET /recordings": (JSON,),
    "GET /recordings/recording_index.json": (JSON,),
    "GET /v2/video/segments/{segment}/download": (_MP4,),
    "GET /v2/stream/video-feed": (_MJPEG,),
    "GET /v2/stream/snapshot": (_JPEG,),
    "GET /v2/stream/annotated-snapshot": (_JPEG,),
    "GET /api/video/{chunk}/download": (_MP4,),
    "GET /api/v1/media/{media}/download": _MEDIA,
    "GET /api/v1/media/{media}/thumbnail": (_JPEG,),
    "GET /api/v1/media/{media}/sprite": (_JPEG,),
    "GET /api/v1/media/{media}/hls/{name}": (_M3U8, _MP4),
    "GET /video/stream/{video}": _MEDIA,
    "GET /srce/api/video/stream/{video}": _MEDIA,
    "GET /metrics": (TEXT,),
}
"""Of answers that are there: their types, where a route does not name a model for them. Else they are JSON."""


def _text(name: str, description: str, *, required: bool = False, choices: tuple[str, ...] = ()) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", **({"enum": list(choices)} if choices else {})}
    return {"name": name, "in": "query", "description": description, "required": required, "schema": schema}


UNDECLARED: Final[dict[str, list[dict[str, Any]]]] = {
    "GET /footage": [
        _text("from", "YYYYMMDD_HHMMSS, RFC 3339 or seconds since 1970", required=True),
        _text("to", "as `from`; after it", required=True),
        _text("camera", "id of the camera; none: the default camera"),
        _text("tz", "zone of times without an offset"),
        _text("format", "none: `mp4`", choices=("mp4", "webm", "mkv")),
        _text("cut", "none: `exact`", choices=("exact", "smart")),
    ],
    "GET /s/{secret}/footage.mp4": [
        {"name": "secret", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 64}},
        _text("download", "whether a browser saves the file", choices=("true", "false")),
    ],
}
"""Parameters of routes that read them as they come, so that a wrong one is told in their own way."""

_NAMED: Final = {"type": "string", "maxLength": 255, "description": "who records; `username` is taken too"}
_LOGIN: Final[dict[str, Any]] = {
    "schema": {
        "type": "object",
        "required": ["user_name", "password"],
        "properties": {"user_name": _NAMED, "password": {"type": "string", "format": "password", "maxLength": 1024}},
    },
    "example": {"user_name": "ada", "password": "copper lantern winter 9"},
}
_SECONDS: Final = {"type": "integer", "minimum": 60, "maximum": 3600}
UNDECLARED_BODIES: Final[dict[str, dict[str, Any]]] = {
    "POST /api/start-recording": {
        "schema": {
            "type": "object",
            "required": ["user_name"],
            "properties": {
                "user_name": _NAMED,
                "source": {"type": "string", "description": "`camera:` and the id of a camera"},
                "camera": {"type": "string", "description": "the id alone; none: the default camera"},
                "total_duration_seconds": {**_SECONDS, "maximum": 86_400},
                "chunk_duration_seconds": {**_SECONDS, "minimum": 30},
            },
        },
        "example": {
            "user_name": "ada",
            "camera": "gate",
            "total_duration_seconds": 900,
            "chunk_duration_seconds": 180,
        },
    },
    "POST /api/stop-recording": {
        "schema": {
            "type": "object",
            "required": ["user_name"],
            "properties": {
                "user_name": _NAMED,
                "session_id": {"type": "string", "description": "of the session; none: the newest one that goes on"},
            },
        },
        "example": {"user_name": "ada"},
    },
    "POST /api/users/register": _LOGIN,
    "POST /api/users/login": _LOGIN,
}
"""Bodies in JSON of routes that read them as they come."""

_BLOBS: Final = ("POST /upload_blob", "POST /upload_blob/", "POST /srce/api/upload_blob/")
_BLOBS_COMPLETE: Final = ("POST /upload_blob/complete", "POST /srce/api/upload_blob/complete")
_FILES: Final = ("POST /upload/", "POST /srce/api/upload/")
_FILE_OF: Final = {
    "username": {"type": "string", "maxLength": 255, "description": "whose it is: who asks"},
    "filename": {
        "type": "string",
        "maxLength": 1000,
        "description": "of the file: its blobs find each other by it",
    },
}
_BLOB: Final[dict[str, Any]] = {
    "schema": {
        "type": "object",
        "required": ["blobId", "username", "filename", "blobObject"],
        "properties": {
            "blobId": {"type": ["string", "integer"], "description": "1, 2, 3, or 0, 1, 2"},
            **_FILE_OF,
            "blobObject": {"type": "string", "description": "the bytes, in Base64, or as a `data:` URL"},
            "is_last": {"type": ["string", "boolean"], "description": "`True` or `False`"},
        },
    },
    "example": {
        "blobId": "1",
        "username": "cofucan",
        "filename": "projectdemo",
        "blobObject": "GkXfow==",
        "is_last": "False",
    },
}
_WHOLE: Final[dict[str, Any]] = {
    "schema": {"type": "object", "required": ["username", "filename"], "properties": _FILE_OF},
    "example": {"username": "cofucan", "filename": "projectdemo"},
}
UNDECLARED_BODIES.update({**dict.fromkeys(_BLOBS, _BLOB), **dict.fromkeys(_BLOBS_COMPLETE, _WHOLE)})
_FILE: Final = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": {"type": "string", "format": "binary", "description": "the film or sound"}},
}
FORMS: Final[dict[str, dict[str, Any]]] = dict.fromkeys(("POST /api/v1/media", *_FILES), _FILE)
"""Forms (multipart/form-data) of routes that read them while they come."""

TABLES: Final[dict[str, str]] = {
    "POST /api/v1/watchlists/{watchlist}/import": "plate,distance,owner\nBEX 77 AB,1,Ada\n",
}
"""Bodies that are tables (text/csv), each an example of one."""

RANGED: Final = frozenset(
    {
        "GET /api/v1/footage",
        "GET /api/v1/media/chunks/{chunk}.mp4",
        "GET /api/v1/clips/{clip}/media",
        "GET /s/{secret}/footage.mp4",
        "GET /footage",
        "GET /v2/video/segments/{segment}/download",
        "GET /api/video/{chunk}/download",
        "GET /api/v1/media/{media}/download",
        "GET /api/v1/media/{media}/thumbnail",
        "GET /api/v1/media/{media}/sprite",
        "GET /api/v1/media/{media}/hls/{name}",
        "GET /video/stream/{video}",
        "GET /srce/api/video/stream/{video}",
    }
)
"""Files with a length: they are given by ranges."""

CACHED: Final = RANGED | {"GET /api/v1/plates/{plate}/crop.jpg", "GET /api/v1/plates/{plate}/frame.jpg"}
"""What is not sent again to whoever has it: 304."""

MORE: Final[dict[str, tuple[int, ...]]] = {
    "POST /api/v1/cameras": (409,),
    "PATCH /api/v1/users/{user}": (409,),
    "POST /api/v1/users": (409,),
    "POST /api/v1/watchlists": (409, 413),
    "PATCH /api/v1/watchlists/{watchlist}": (409,),
    "POST /api/v1/watchlists/{watchlist}/entries": (409, 413),
    "PATCH /api/v1/watchlists/{watchlist}/entries/{entry}": (409,),
    "POST /api/v1/watchlists/{watchlist}/import": (409, 413),
    "DELETE /api/v1/users/{user}": (409,),
    "POST /api/v1/tokens": (404, 409),
    "POST /api/v1/links": (404, 409),
    "POST /api/v1/holds": (404, 409),
    "POST /api/v1/webhooks": (409,),
    "POST /api/v1/webhooks/{webhook}/deliveries/{delivery}/replay": (409,),
    "POST /api/v1/auth/setup": (401, 409),
    "POST /api/v1/auth/login": (401,),
    "POST /api/v1/auth/signup": (409,),
    "PUT /api/v1/auth/password": (409,),
    "GET /api/v1/timeline": (413,),
    "GET /api/v1/coverage": (413,),
    "GET /api/v1/cameras/{camera}/coverage": (413,),
    "GET /api/v1/hls/{camera}/vod.m3u8": (413,),
    "GET /api/v1/footage": (413, 500),
    "GET /api/v1/cameras/{camera}/export": (413, 500),
    "POST /api/v1/exports": (404, 413),
    "GET /api/v1/clips/{clip}/media": (410, 500),
    "GET /api/v1/plates/{plate}/crop.jpg": (410,),
    "GET /api/v1/plates/{plate}/frame.jpg": (410,),
    "GET /api/v1/cameras/{camera}/thumbnail.jpg": (500,),
    "GET /api/v1/media/chunks/{chunk}.mp4": (410, 500),
    "GET /s/{secret}": (410,),
    "GET /s/{secret}/footage.mp4": (410, 500),
    "GET /footage": (413, 500),
    "GET /v2/video/segments/{segment}/download": (410, 500),
    "POST /api/users/register": (409,),
    "POST /api/users/login": (401,),
    "POST /api/start-recording": (404, 409),
    "POST /api/stop-recording": (404, 409),
    "DELETE /api/delete-video/{chunk}": (409,),
    "POST /api/v1/session-files/{chunk}/restore": (409,),
    "GET /api/video/{chunk}/download": (410, 500),
    "DELETE /api/v1/media/{media}": (409,),
    "POST /api/v1/media/{media}/restore": (409,),
    "GET /api/v1/media/{media}/download": (410, 500),
    "GET /api/v1/media/{media}/thumbnail": (410, 500),
    "GET /api/v1/media/{media}/sprite": (410, 500),
    "GET /api/v1/media/{media}/hls/{name}": (410, 500),
    "POST /api/v1/media/{media}/audio": (409,),
    "POST /api/v1/media/{media}/transcode": (409,),
    "POST /api/v1/media/{media}/retry": (409,),
    "DELETE /api/v1/jobs/{job}": (409,),
    "DELETE /video/{video}": (409,),
    "DELETE /srce/api/video/{video}": (409,),
    "GET /video/stream/{video}": (410, 500),
    "GET /srce/api/video/stream/{video}": (410, 500),
    "POST /v2/detection/detect-from-image": (415,),
    "POST /api/v1/uploads": (404, 409, 411, 412, 413, 415, 460, 507),
    "GET /api/v1/uploads/{upload}": (410, 415),
    "PATCH /api/v1/uploads/{upload}": (409, 410, 411, 412, 415, 460, 507),
    "DELETE /api/v1/uploads/{upload}": (409, 410, 411, 415),
    "POST /api/v1/media": (404, 411, 415, 507),
    **dict.fromkeys(_BLOBS, (404, 409, 507)),
    **dict.fromkeys(_BLOBS_COMPLETE, (404, 409)),
    **dict.fromkeys(_FILES, (404, 411, 507)),
}
"""Errors beside those that follow from what a route takes and asks for."""

STATUSES: Final = {
    200: "OK",
    206: "The part that was asked for",
    304: "It is as it was",
    400: "A value is not valid",
    401: "Nobody is known who asks",
    403: "Who asks may not, or a page of another site asks",
    404: "There is no such thing, for whoever asks",
    409: "The present state forbids it",
    410: "It has been deleted, or has ended",
    411: "Its length has to be said",
    412: "It has been changed since",
    413: "More than a limit",
    414: "The address is longer than the web server takes",
    415: "Not of a type that is taken",
    416: "No such part",
    421: "This server does not answer to that name",
    422: "The request does not fit its model",
    429: "Too often",
    460: "The checksum is another",
    500: "Stored bytes are damaged",
    503: "Something that is needed does not answer, or is busy",
    507: "More than a quota, or than there is room for",
}

PROBLEM_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "its last part is what programs look at"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "one sentence for whoever has to act"},
        "instance": {"type": "string", "description": "the path that was asked for"},
        "request_id": {"type": "string", "description": "by which the log tells more"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
        "nearest": {
            "type": "object",
            "description": "of `range-not-recorded`: where the nearest footage ends, and begins",
            "properties": {"before": {"type": ["string", "null"]}, "after": {"type": ["string", "null"]}},
        },
    },
}
"""The component `Problem`."""

DETAIL_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "description": "What went wrong, as clients of `/v2` know it.",
    "required": ["detail"],
    "properties": {"detail": {"type": ["string", "array"]}},
}
ERROR_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "description": "What went wrong, as clients of the old `/api` know it.",
    "required": ["error"],
    "properties": {"error": {"type": "string"}},
}
OF_OLD_ROUTES: Final = {"Detail": DETAIL_SCHEMA, "OldError": ERROR_SCHEMA}

URI_TOO_LONG: Final = 414
_PLAIN = frozenset({"/camera_info", "/recordings", "/recordings/recording_index.json", "/footage"})
_WITH_DETAIL = ("/v2/", "/upload_blob", "/upload/", "/videos/", "/video/", "/srce/api/")


def error_content(path: str, status: int) -> dict[str, Any]:
    """Return how the document describes an error of a route: as a problem, or as clients of old routes know errors."""
    if path in _PLAIN or status == URI_TOO_LONG:  # of that the web server tells, before there is a route
        return {TEXT: {"schema": {"type": "string"}}}
    if path.startswith(_WITH_DETAIL):
        return {JSON: {"schema": {"$ref": "#/components/schemas/Detail"}}}
    if path.startswith("/api/") and not path.startswith("/api/v1/"):
        return {JSON: {"schema": {"$ref": "#/components/schemas/OldError"}}}
    example = {
        "type": f"https://gatehouse.example/problems/{_SLUGS.get(status, f'http-{status}')}",
        "title": STATUSES[status],
        "status": status,
        "detail": STATUSES[status],
        "instance": path,
        "request_id": "0190d8f0-0000-7000-8000-000000000000",
    }
    return {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}}


_SLUGS: Final = {
    400: "validation",
    401: "unauthenticated",
    403: "forbidden",
    404: "not-found",
    409: "conflict",
    410: "gone",
    412: "precondition-failed",
    411: "length-required",
    413: "too-large",
    415: "unsupported-media",
    421: "wrong-host",
    422: "validation",
    429: "rate-limited",
    460: "checksum-mismatch",
    500: "data-loss",
    503: "dependency-unavailable",
    507: "quota-exceeded",
}
