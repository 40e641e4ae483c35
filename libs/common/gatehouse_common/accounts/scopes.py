"""What may be done, by name, and which roles may do it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

from gatehouse_common.errors import InvalidInput


class Scope(StrEnum):
    """Something that may be done. A token has some of those that its user has."""

    CAMERAS_READ = "cameras:read"
    CAMERAS_WRITE = "cameras:write"
    CAMERAS_CONTROL = "cameras:control"
    LIVE_VIEW = "live:view"
    FOOTAGE_READ = "footage:read"
    FOOTAGE_EXPORT = "footage:export"
    FOOTAGE_DELETE = "footage:delete"
    PLATES_READ = "plates:read"
    PLATES_WRITE = "plates:write"
    LISTS_WRITE = "lists:write"
    UPLOADS_WRITE = "uploads:write"
    RECORDS_OWN = "records:own"
    RECORDS_ALL = "records:all"
    RECORDS_IMPERSONATE = "records:impersonate"
    HOLDS_WRITE = "holds:write"
    USERS_ADMIN = "users:admin"
    SETTINGS_ADMIN = "settings:admin"
    AUDIT_READ = "audit:read"
    METRICS_READ = "metrics:read"


class Role(StrEnum):
    """What somebody is here for."""

    ADMIN = "admin"
    OPERATOR = "operator"
    VIEWER = "viewer"
    UPLOADER = "uploader"


_VIEWER = {Scope.CAMERAS_READ, Scope.LIVE_VIEW, Scope.FOOTAGE_READ}
_UPLOADER = {Scope.UPLOADS_WRITE, Scope.RECORDS_OWN}
_OPERATOR = {
    *_VIEWER,
    *_UPLOADER,
    Scope.CAMERAS_CONTROL,
    Scope.FOOTAGE_EXPORT,
    Scope.PLATES_READ,
    Scope.PLATES_WRITE,
    Scope.LISTS_WRITE,
    Scope.RECORDS_ALL,
    Scope.HOLDS_WRITE,
}

ROLE_SCOPES: Mapping[Role, frozenset[Scope]] = MappingProxyType(
    {
        Role.ADMIN: frozenset(Scope),
        Role.OPERATOR: frozenset(_OPERATOR),
        Role.VIEWER: frozenset(_VIEWER),
        Role.UPLOADER: frozenset(_UPLOADER),
    }
)


def parse_scopes(names: Iterable[str]) -> frozenset[Scope]:
    """Return scopes by their names.

    Raises:
        InvalidInput: there is none of a name.
    """
    found = set()
    for name in names:
        try:
            found.add(Scope(name))
        except ValueError as error:
            known = ", ".join(Scope)
            raise InvalidInput(f"there is no scope {name[:40]!r}: there are {known}.", "scopes") from error
    return frozenset(found)
