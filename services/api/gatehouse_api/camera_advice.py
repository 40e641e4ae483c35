"""What somebody can do about a camera of which many pictures do not come."""

from __future__ import annotations

from gatehouse_common.db import Camera

MUCH_DROPPED = 0.05
"""From this share of dropped pictures on there is advice."""
_OPENED_SO = frozenset({"V4L2", "synthetic"})
"""How cameras are read whose size and rate are asked for in their source."""


def advice_of(camera: Camera) -> str | None:
    """Return what to do, in a sentence; None: all is well, or nothing is known of it."""
    if camera.state != "recording" or not camera.enabled or camera.dropped <= MUCH_DROPPED:
        return None
    where = "in its source, as size= and fps=" if camera.backend in _OPENED_SO else "in its own settings"
    return (
        f"{camera.dropped:.0%} of the {camera.asked_fps:g} pictures a second that it should send do not come: "
        f"lower its size or its pictures a second, {where}."
    )
