"""How a camera is watched: what the site says, and what is the camera's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from gatehouse_common.settings.cameras import camera_settings
from gatehouse_common.settings.model import DetectionSettings

from .area import Area


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """How a camera is watched.

    Attributes:
        frames: which pictures detectors get.
        fps: pictures a second at most.
        area: what may be looked at.
    """

    frames: Literal["off", "keyframes", "activity"] = "off"
    fps: float = 5.0
    area: Area = field(default_factory=Area)


def watch_options(site: DetectionSettings, kept: dict[str, Any]) -> WatchOptions:
    """Return how a camera is watched that has the settings ``kept``.

    Raises:
        InvalidInput: they are none.
    """
    own = camera_settings(kept).plates
    return WatchOptions(site.frames if own.enabled else "off", site.fps, Area(tuple(own.masks), tuple(own.zones)))
