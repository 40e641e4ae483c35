"""The routes of uploads, as `access_routes.py` has the others."""

from __future__ import annotations

from access_route import Route
from gatehouse_common.accounts import Scope

_UPLOADS = frozenset({Scope.UPLOADS_WRITE})
_NONE = "01900000-0000-7000-8000-000000000000"

UPLOAD_ROUTES: dict[str, Route] = {
    "POST /api/v1/uploads": Route("/api/v1/uploads", _UPLOADS),
    "GET /api/v1/uploads": Route("/api/v1/uploads", _UPLOADS),
    "GET /api/v1/uploads/<upload>": Route(f"/api/v1/uploads/{_NONE}", _UPLOADS),
    "PATCH /api/v1/uploads/<upload>": Route(f"/api/v1/uploads/{_NONE}", _UPLOADS),
    "DELETE /api/v1/uploads/<upload>": Route(f"/api/v1/uploads/{_NONE}", _UPLOADS),
    "POST /api/v1/media": Route("/api/v1/media", _UPLOADS),
    "POST /upload_blob": Route("/upload_blob", _UPLOADS, json={}),
    "POST /upload_blob/": Route("/upload_blob/", _UPLOADS, json={}),
    "POST /upload_blob/complete": Route("/upload_blob/complete", _UPLOADS, json={}),
    "POST /srce/api/upload_blob/": Route("/srce/api/upload_blob/", _UPLOADS, json={}),
    "POST /srce/api/upload_blob/complete": Route("/srce/api/upload_blob/complete", _UPLOADS, json={}),
    "POST /upload/": Route("/upload/", _UPLOADS),
    "POST /srce/api/upload/": Route("/srce/api/upload/", _UPLOADS),
}
NO_UPLOADS = {"GET /api/v1/uploads/<upload>"}
"""Nothing is being uploaded."""
