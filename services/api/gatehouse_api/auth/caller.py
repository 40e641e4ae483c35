"""Who asks, for routes."""

from __future__ import annotations

from typing import cast

from flask import g, request

from gatehouse_api.forwarded import VIA
from gatehouse_api.hosts import LOOPBACK, host_name
from gatehouse_common.accounts import Permission, Principal
from gatehouse_common.db import Camera, CameraRepository, Visible
from gatehouse_common.errors import NotFound
from gatehouse_common.settings.model import ApiSettings

from .login_desk import Caller


def caller() -> Principal:
    """Return who sent the request that is being answered."""
    return cast("Principal", g.principal)


def known_caller() -> Principal | None:
    """Return who sent the request that is being answered, None if nobody knows."""
    found: Principal | None = g.get("principal")
    return found


def sender() -> Caller:
    """Return where the request that is being answered comes from."""
    return Caller(request.remote_addr or "", request.user_agent.string)


def visible_to(asks: Principal | None, permission: Permission | None, now_us: int) -> Visible | None:
    """Return what there is for somebody, with a permission if one is named; None: everything.

    Args:
        asks: who; None: nobody who is known, for whom there is nothing.
        permission: what for.
        now_us: the time, from which those look back who may do so only for a while.
    """
    if asks is None:
        return Visible(frozenset())
    cameras = asks.cameras(permission)
    if cameras is None:
        return None
    limits = {camera: asks.earliest_us(camera, now_us) for camera in cameras}
    return Visible(cameras, {camera: at for camera, at in limits.items() if at is not None})


def wanted_permission(permission: Permission | None = None) -> Permission | None:
    """Return the permission that is asked for, by default that of the route."""
    if permission is not None:
        return permission
    found: Permission | None = g.get("permission")
    return found


class VisibleCameras:
    """The cameras that there are for whoever asks; of others it says what it says of those that there never were.

    Args:
        cameras: all of them.
    """

    def __init__(self, cameras: CameraRepository) -> None:
        self._cameras = cameras

    def list(self, permission: Permission | None = None) -> list[Camera]:
        """Return the cameras, by id; with a permission, those with which it was granted."""
        asks = caller()
        return [camera for camera in self._cameras.list() if asks.sees(camera.id, wanted_permission(permission))]

    def get(self, camera_id: str, permission: Permission | None = None) -> Camera:
        """Return a camera.

        Raises:
            NotFound: there is none of that id, for this caller and what the route is for.
        """
        if not caller().sees(camera_id, wanted_permission(permission)):
            raise NotFound(f"there is no camera {camera_id[:64]!r}")
        found = self._cameras.get(camera_id)
        g.camera = found.id
        return found


def is_local(api: ApiSettings) -> bool:
    """Return whether a request comes from this machine, as far as can be told.

    Nothing else reaches the server, no proxy is named in its settings, and the request has no sign of one: not its
    headers, and not HTTP/1.0, which nginx speaks to what is behind it unless told otherwise.
    """
    if api.host not in LOOPBACK or api.trusted_proxies or api.allowed_hosts or VIA in request.environ:
        return False
    signs = [name for name in dict(request.headers) if name.lower().startswith(_OF_PROXIES)]
    direct = request.environ.get("SERVER_PROTOCOL") == "HTTP/1.1" and host_name(request.host) in LOOPBACK
    return direct and (request.remote_addr or "") in LOOPBACK and not signs


_OF_PROXIES = ("x-forwarded", "forwarded", "via", "x-real-ip", "true-client-ip", "cf-", "x-client-ip", "x-original-")
