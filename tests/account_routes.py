"""The routes of accounts, as `access_routes.py` has the others: users and tokens are of no camera."""

from __future__ import annotations

from access_route import ANYBODY, Route
from gatehouse_common.accounts import Permission, Scope

KNOWN = frozenset(Scope)
_USERS, _AUDIT = frozenset({Scope.USERS_ADMIN}), frozenset({Scope.AUDIT_READ})
_SETTINGS = frozenset({Scope.SETTINGS_ADMIN})
_EXPORT = frozenset({Scope.FOOTAGE_EXPORT})
_RANGE = {"camera": "{camera}", "from": "{from}", "to": "{to}"}
_NEW = {"name": "x", "password": "x"}

COMING_IN: dict[str, Route] = {
    "GET /login": Route("/login", ANYBODY),
    "POST /login": Route("/login", ANYBODY),
    "POST /logout": Route("/logout", ANYBODY),
    "GET /setup": Route("/setup", ANYBODY),
    "POST /setup": Route("/setup", ANYBODY),
    "GET /signup": Route("/signup", ANYBODY),
    "POST /signup": Route("/signup", ANYBODY),
    "POST /api/v1/auth/setup": Route("/api/v1/auth/setup", ANYBODY, json=_NEW),
    "POST /api/v1/auth/login": Route("/api/v1/auth/login", ANYBODY, json={"name": "x"}),
    "POST /api/v1/auth/signup": Route("/api/v1/auth/signup", ANYBODY, json=_NEW),
    "POST /api/v1/auth/logout": Route("/api/v1/auth/logout", ANYBODY),
    "POST /api/users/register": Route("/api/users/register", ANYBODY, json=_NEW),
    "POST /api/users/login": Route("/api/users/login", ANYBODY, json=_NEW),
}
"""By these people become known."""

SHARED: dict[str, Route] = {
    "GET /s/<secret>": Route("/s/none", ANYBODY),
    "GET /s/<secret>/footage.mp4": Route("/s/none/footage.mp4", ANYBODY),
}
"""What whoever has a link sees; tried in test_links.py."""

ACCOUNT_ROUTES: dict[str, Route] = {
    **COMING_IN,
    **SHARED,
    "GET /api/v1/links": Route("/api/v1/links", _EXPORT, Permission.EXPORT),
    "POST /api/v1/links": Route("/api/v1/links", _EXPORT, Permission.EXPORT, json=_RANGE),
    "DELETE /api/v1/links/<link>": Route("/api/v1/links/none", _EXPORT, Permission.EXPORT),
    "GET /account": Route("/account", KNOWN, in_person=True),
    "POST /account/password": Route("/account/password", KNOWN, in_person=True),
    "POST /account/sessions/end": Route("/account/sessions/end", KNOWN, in_person=True),
    "POST /account/links/revoke": Route("/account/links/revoke", KNOWN, in_person=True),
    "POST /account/tokens": Route("/account/tokens", KNOWN, in_person=True),
    "POST /account/tokens/revoke": Route("/account/tokens/revoke", KNOWN, in_person=True),
    "GET /users": Route("/users", _USERS),
    "POST /users": Route("/users", _USERS),
    "POST /users/<user>": Route("/users/none", _USERS),
    "GET /audit": Route("/audit", _AUDIT),
    "GET /api/v1/auth/me": Route("/api/v1/auth/me", KNOWN),
    "PUT /api/v1/auth/password": Route(
        "/api/v1/auth/password", KNOWN, json={"current": "x", "password": "x"}, in_person=True
    ),
    "GET /api/v1/auth/sessions": Route("/api/v1/auth/sessions", KNOWN, in_person=True),
    "DELETE /api/v1/auth/sessions": Route("/api/v1/auth/sessions", KNOWN, in_person=True),
    "DELETE /api/v1/auth/sessions/<session>": Route("/api/v1/auth/sessions/none", KNOWN, in_person=True),
    "GET /api/v1/tokens": Route("/api/v1/tokens?all=true", KNOWN, in_person=True),
    "POST /api/v1/tokens": Route("/api/v1/tokens", KNOWN, json={"name": "x"}, in_person=True),
    "DELETE /api/v1/tokens/<token>": Route("/api/v1/tokens/none", KNOWN, in_person=True),
    "GET /api/v1/users": Route("/api/v1/users", _USERS),
    "POST /api/v1/users": Route("/api/v1/users", _USERS, json={"name": ""}),
    "GET /api/v1/users/<user>": Route("/api/v1/users/none", _USERS),
    "PATCH /api/v1/users/<user>": Route("/api/v1/users/none", _USERS, json={"name": "x"}),
    "PUT /api/v1/users/<user>/grants": Route("/api/v1/users/none/grants", _USERS, json={"grants": "x"}),
    "DELETE /api/v1/users/<user>": Route("/api/v1/users/none", _USERS),
    "GET /webhooks": Route("/webhooks", _SETTINGS),
    "POST /webhooks": Route("/webhooks", _SETTINGS),
    "GET /webhooks/<webhook>": Route("/webhooks/none", _SETTINGS),
    "POST /webhooks/<webhook>": Route("/webhooks/none", _SETTINGS),
    "POST /webhooks/<webhook>/deliveries": Route("/webhooks/none/deliveries", _SETTINGS),
    "GET /api/v1/webhooks": Route("/api/v1/webhooks", _SETTINGS),
    "POST /api/v1/webhooks": Route("/api/v1/webhooks", _SETTINGS, json={"url": "ftp://example.org"}),
    "GET /api/v1/webhooks/<webhook>": Route("/api/v1/webhooks/none", _SETTINGS),
    "PATCH /api/v1/webhooks/<webhook>": Route("/api/v1/webhooks/none", _SETTINGS, json={"active": False}),
    "DELETE /api/v1/webhooks/<webhook>": Route("/api/v1/webhooks/none", _SETTINGS),
    "POST /api/v1/webhooks/<webhook>/secret": Route("/api/v1/webhooks/none/secret", _SETTINGS, json={}),
    "POST /api/v1/webhooks/<webhook>/test": Route("/api/v1/webhooks/none/test", _SETTINGS),
    "GET /api/v1/webhooks/<webhook>/deliveries": Route("/api/v1/webhooks/none/deliveries", _SETTINGS),
    "POST /api/v1/webhooks/<webhook>/deliveries/<delivery>/replay": Route(
        "/api/v1/webhooks/none/deliveries/none/replay", _SETTINGS
    ),
    "GET /api/v1/audit": Route("/api/v1/audit", _AUDIT),
    "GET /api/v1/audit.csv": Route("/api/v1/audit.csv", _AUDIT),
    "GET /api/v1/audit.jsonl": Route("/api/v1/audit.jsonl", _AUDIT),
}
