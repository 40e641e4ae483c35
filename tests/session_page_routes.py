"""The routes of the pages of recorder sessions and viewings, as `access_routes.py` has the others."""

from __future__ import annotations

from access_route import Route
from gatehouse_common.accounts import Permission, Scope

_FILES = frozenset({Scope.RECORDS_OWN, Scope.RECORDS_ALL})
_DELETES = frozenset({Scope.RECORDS_OWN, Scope.FOOTAGE_DELETE})
_OWN = frozenset({Scope.RECORDS_OWN})
_ADMIN = frozenset({Scope.SETTINGS_ADMIN})
_LIVE = frozenset({Scope.LIVE_VIEW})
_LOGS, _LOG = frozenset({Scope.LIVE_VIEW, Scope.RECORDS_ALL}), "/logs/{log}"
_DELETE = "/dashboard/{file}/delete"

SESSION_PAGE_ROUTES: dict[str, Route] = {
    "GET /dashboard": Route("/dashboard", _FILES, Permission.PLAYBACK),
    "GET /library": Route("/library", _FILES, Permission.PLAYBACK),
    "GET /dashboard/<int:chunk>/delete": Route(_DELETE, _DELETES, Permission.PLAYBACK),
    "POST /dashboard/<int:chunk>/delete": Route(_DELETE, _DELETES, Permission.PLAYBACK),
    "POST /dashboard/<int:chunk>/restore": Route("/dashboard/{trashed}/restore", _DELETES, Permission.PLAYBACK),
    "GET /api/v1/viewings/<viewing>": Route("/api/v1/viewings/{viewing}", _LIVE, Permission.LIVE),
    "POST /api/v1/viewings/<viewing>/record": Route(
        "/api/v1/viewings/{viewing}/record", _OWN, Permission.LIVE, json={"on": "true"}
    ),
    "GET /view/<camera>": Route("/view/{camera}", _LIVE, Permission.LIVE),
    "POST /view/<camera>/record": Route("/view/{camera}/record", _OWN, Permission.LIVE),
    "GET /logs": Route("/logs", _LOGS),
    "GET /logs/<int:number>": Route(_LOG, _LOGS),
    "POST /logs/<int:number>": Route(_LOG, _DELETES),
    "GET /logs/<int:number>/delete": Route(_LOG + "/delete", _DELETES, Permission.PLAYBACK),
    "POST /logs/<int:number>/delete": Route(_LOG + "/delete", _DELETES, Permission.PLAYBACK),
    "GET /settings": Route("/settings", _ADMIN),
    "GET /settings/saved": Route("/settings/saved", _ADMIN),
    "POST /settings": Route("/settings", _ADMIN),
    "GET /record": Route("/record", _OWN, Permission.LIVE),
    "POST /record": Route("/record", _OWN, Permission.LIVE),
}
NO_PAGES = {"GET /api/v1/viewings/<viewing>"}
"""It is of somebody who does not ask."""
