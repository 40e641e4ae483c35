"""What the settings say of each camera: whether plates are looked for, where, and when a read is sure enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from gatehouse_common.db import CameraRepository
from gatehouse_common.errors import GatehouseError
from gatehouse_common.runtime import Core
from gatehouse_common.settings.cameras import (
    CameraSettings,
    Polygon,
    camera_settings,
    plate_region,
    plate_threshold,
)

log = structlog.get_logger(__name__)

_ANYWAY = 5
"""Of so many looks one is at the rows themselves: a mark may deceive."""


@dataclass(frozen=True, slots=True)
class Watched:
    """How one camera is watched.

    Attributes:
        enabled: whether it is.
        threshold: a read must be strictly surer.
        region: syntaxes of plates to prefer; empty: all alike.
        masks: what is in these polygons is not looked at.
        zones: if there are any, only what is in them is; corners as fractions of the picture.
    """

    enabled: bool
    threshold: float
    region: str
    masks: Sequence[Polygon] = ()
    zones: Sequence[Polygon] = ()

    def counts(self, x: float, y: float) -> bool:
        """Return whether a plate at a place counts; fractions of the picture's width and height."""
        if any(_is_in(polygon, x, y) for polygon in self.masks):
            return False
        return not self.zones or any(_is_in(polygon, x, y) for polygon in self.zones)


class WatchedCameras:
    """The settings of all cameras; while the index is away, as they were last known.

    Args:
        core: what services are built from.
    """

    def __init__(self, core: Core) -> None:
        self._site = core.settings.values
        self._cameras = CameraRepository(core.db)
        self._known: dict[str, Watched] = {}
        self._seen: str | None = None
        self._looks = 0
        self._default = self._watched(CameraSettings())
        self._told: dict[str, str] = {}

    def refresh(self) -> None:
        """Look up what the settings say now, if any camera was changed since; now and then whatever is said of that."""
        try:
            seen = self._cameras.mark()  # before the rows: a change between the two is seen once more
            self._looks += 1
            is_same = seen == self._seen and self._looks % _ANYWAY != 0
            cameras = [] if is_same else self._cameras.list()
        except GatehouseError as error:
            self._tell("", f"the settings of cameras cannot be read: {error.message}")
            return
        self._told.pop("", None)
        if is_same:
            return
        self._seen = seen
        known: dict[str, Watched] = {}
        for camera in cameras:
            try:
                known[camera.id] = self._watched(camera_settings(camera.settings or {}))
                self._told.pop(camera.id, None)
            except GatehouseError as error:
                known[camera.id] = self._default
                self._tell(camera.id, error.message)
        self._known = known

    def of(self, camera: str) -> Watched:
        """Return how a camera is watched; one that the index does not know as the site's settings say."""
        return self._known.get(camera, self._default)

    def ids(self) -> list[str]:
        """Return the ids of all cameras that are known."""
        return list(self._known)

    def _watched(self, own: CameraSettings) -> Watched:
        return Watched(
            own.plates.enabled,
            plate_threshold(self._site, own),
            plate_region(self._site, own),
            own.plates.masks,
            own.plates.zones,
        )

    def _tell(self, camera: str, reason: str) -> None:
        if self._told.get(camera) != reason:
            self._told[camera] = reason
            log.warning("settings of cameras are taken as they were", camera=camera or None, reason=reason)


def _is_in(polygon: Polygon, x: float, y: float) -> bool:
    """Return whether a point lies in a polygon: a ray from it crosses the border an odd number of times."""
    inside = False
    for (ax, ay), (bx, by) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            inside = not inside
    return inside
