"""Cameras named on the command line: ``--camera ID=URL``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from gatehouse_common.camera_url import parse_url
from gatehouse_common.db import Camera, CameraRepository
from gatehouse_common.errors import GatehouseError, InvalidInput, Kind, NotFound
from gatehouse_common.ids import parse_slug
from gatehouse_common.messages import CameraState, CameraStatus
from gatehouse_common.observability.camera_secrets import register_camera_url
from gatehouse_common.runtime import Core

log = structlog.get_logger(__name__)

DEMO_URL = "synthetic:?plate=GATE123,7KLM248,BRA2E19&pause=22"
"""Between two cars the street is empty for so long that each is a clip of its own."""


@dataclass(frozen=True, slots=True)
class CameraArgument:
    """A camera's id and URL, both checked."""

    id: str
    url: str


def parse_camera(camera_id: str, url: str) -> CameraArgument:
    """Return a checked camera; its password is masked in everything from now on.

    Raises:
        InvalidInput: the id or the URL is wrong.
    """
    register_camera_url(url)
    parse_url(url)
    return CameraArgument(parse_slug(camera_id), url)


def parse_cameras(arguments: Sequence[str], *, demo: bool) -> list[CameraArgument]:
    """Return the cameras of ``--camera ID=URL`` options, and the synthetic one if ``demo``.

    Raises:
        InvalidInput: one of them is not of that form, or an id comes twice.
    """
    cameras = [CameraArgument("demo", DEMO_URL)] if demo else []
    for argument in arguments:
        camera_id, equals, url = argument.partition("=")
        if not equals or "://" in camera_id:
            raise InvalidInput("--camera needs an id and a URL: ID=URL, e.g. front-gate=rtsp://host/path.", "camera")
        cameras.append(parse_camera(camera_id, url))
    ids = [c.id for c in cameras]
    twice = sorted({i for i in ids if ids.count(i) > 1})
    if twice:
        raise InvalidInput(f"camera {twice[0]!r} is named twice: every camera needs an id of its own.", "camera")
    return cameras


def enrol(core: Core, cameras: Sequence[CameraArgument]) -> None:
    """Add cameras to the index, or give those that it knows a new URL.

    Without a database they cannot be kept; those of the last time are recorded, and the log says so.
    """
    repository = CameraRepository(core.db)
    for camera in cameras:
        try:
            _put(repository, camera, core.clock.now_us())
        except GatehouseError as error:
            if error.kind is not Kind.UNAVAILABLE:
                raise
            log.warning("a camera could not be added", camera=camera.id, reason=error.message)


def seal(core: Core) -> None:
    """Seal what the index has of cameras from the time before it had a key; say so where it has none."""
    try:
        sealed = CameraRepository(core.db).seal()
    except GatehouseError as error:  # a full disk must not keep it from starting; the next start does it
        log.warning("addresses of cameras are not encrypted yet", reason=error.message)
        return
    if sealed:
        log.info("addresses of cameras are encrypted from now on", cameras=sealed)
    elif not core.db.sealer.seals:
        log.warning("passwords of cameras are not encrypted in the index: set sealing_key, the same everywhere")


def begin_states(core: Core) -> None:
    """Show every camera as starting: what the index says is from the life of another process."""
    repository, now_us = CameraRepository(core.db), core.clock.now_us()
    try:
        for camera in repository.list():
            status = CameraStatus(camera=camera.id, time_us=now_us, state=CameraState.STARTING, since_us=now_us)
            repository.report(status)
    except GatehouseError as error:
        if error.kind is not Kind.UNAVAILABLE:
            raise
        log.warning("states of cameras are as they were", reason=error.message)


def _put(repository: CameraRepository, camera: CameraArgument, now_us: int) -> None:
    try:
        known = repository.get(camera.id)
    except NotFound:
        repository.add(Camera(id=camera.id, url=camera.url, name=camera.id, created_us=now_us))
        return
    if known.url != camera.url or not known.enabled:
        repository.change(camera.id, url=camera.url, enabled=True)
