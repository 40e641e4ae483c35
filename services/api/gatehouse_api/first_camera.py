"""The first camera, which whoever sets an installation up may name at once."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from gatehouse_common.camera_url import parse_url
from gatehouse_common.db import Camera, Deed
from gatehouse_common.errors import Conflict, InvalidInput
from gatehouse_common.ids import parse_slug
from gatehouse_common.messages import CameraChanged
from gatehouse_common.observability.camera_secrets import register_camera_url

from .auth.login_desk import Caller
from .context import Context

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FirstCamera:
    """A camera that can be added: its id, and its address as it is kept."""

    id: str
    url: str


def read_first_camera(name: str, url: str) -> FirstCamera | None:
    """Return the camera of a form, None if both fields are empty.

    Raises:
        InvalidInput: only one of them is written, or one of them cannot be.
    """
    if not name.strip() and not url.strip():
        return None
    if not url.strip():
        raise InvalidInput("write where the camera is, or leave its name empty.", "camera_url")
    if not name.strip():
        raise InvalidInput("write what the camera is called in addresses, or leave its source empty.", "camera")
    found = FirstCamera(parse_slug(name.strip()), parse_url(url.strip()).text)
    register_camera_url(found.url)
    return found


def add_first_camera(ctx: Context, camera: FirstCamera, who: str, caller: Caller) -> None:
    """Add a camera, which is recorded at once; it is on record that whoever set up did so.

    One of that name that is there already, as of a command line, stays as it is.
    """
    now = ctx.core.clock.now_us()
    try:
        ctx.camera_records.add(Camera(camera.id, camera.url, "", True, now, state_since_us=now))
    except Conflict as error:
        log.info("the first camera is there already", camera=camera.id, reason=error.message)
        return
    ctx.core.bus.publish(CameraChanged(camera=camera.id, time_us=now, action="added"))
    user = ctx.doorkeeper.users.named(who)
    deed = Deed("camera.added", f"camera {camera.id}", who, None if user is None else user.id, None, caller.address, {})
    ctx.audit.write(deed, now)
