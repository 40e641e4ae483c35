"""Who asks: a user, by a session or by a token, and what that allows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from .grants import ALL_PERMISSIONS, Grant, Permission
from .scopes import ROLE_SCOPES, Role, Scope


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. What is not allowed here is allowed nowhere.

    Attributes:
        user: id of the user.
        number: the same as an integer, for the interfaces that have one.
        name: what the user is called.
        role: what the user is here for.
        scopes: what may be done: all that the role may, or what a token was given of it.
        grants: the cameras that there are for this user, by slug; None: all of them.
        token: id of the token, None: no token was shown.
        session: fingerprint of the session, None: it is none.
    """

    user: str
    number: int
    name: str
    role: Role
    scopes: frozenset[Scope]
    grants: Mapping[str, Grant] | None
    token: str | None = None
    session: str | None = None

    def may(self, scope: Scope) -> bool:
        """Return whether something may be done at all."""
        return scope in self.scopes and scope in ROLE_SCOPES[self.role]

    def cameras(self, permission: Permission | None = None) -> frozenset[str] | None:
        """Return the cameras that there are for this user, with a permission if one is named; None: all."""
        if self.grants is None:
            return None
        found = (g.camera for g in self.grants.values() if permission is None or permission in g.permissions)
        return frozenset(found)

    def sees(self, camera: str, permission: Permission | None = None) -> bool:
        """Return whether a camera is there for this user: to others nobody tells that it is."""
        visible = self.cameras(permission)
        return visible is None or camera in visible

    def permissions(self, camera: str) -> frozenset[Permission]:
        """Return what may be done with a camera, as far as the camera has a say."""
        if self.grants is None:
            return ALL_PERMISSIONS
        grant = self.grants.get(camera)
        return frozenset() if grant is None else grant.permissions

    def only(self, cameras: Iterable[str]) -> Principal:
        """Return the same with no other cameras than these, as far as they are there at all."""
        kept = {camera: self._grant(camera) for camera in cameras if self.sees(camera)}
        return replace(self, grants=MappingProxyType(kept))

    def _grant(self, camera: str) -> Grant:
        return Grant(camera) if self.grants is None else self.grants[camera]

    def earliest_us(self, camera: str, now_us: int) -> int | None:
        """Return the first instant of a camera that may be looked at, microseconds UTC; None: there is no limit."""
        grant = None if self.grants is None else self.grants.get(camera)
        return None if grant is None else grant.earliest_us(now_us)
