"""Why there may be no plates: nobody looks, what was read was not sure enough, or there were none."""

from __future__ import annotations

from typing import Literal

from gatehouse_common.clock import HOUR
from gatehouse_common.settings.cameras import camera_settings, plate_threshold

from .context import Context
from .routes.plate_models import Nothing

_RECENT_US = 24 * HOUR


def why_nothing(
    ctx: Context, cameras: frozenset[str] | None, start_us: int | None, end_us: int | None, *, sought: bool
) -> Nothing:
    """Return why a search of some cameras found nothing; without a start, of the last day before its end.

    Args:
        ctx: what routes work with.
        cameras: the cameras; None: all.
        start_us: where the range begins, if it does.
        end_us: where it ends, if it does.
        sought: whether something certain was looked for, which may be nowhere however much was read.
    """
    end = ctx.core.clock.now_us() if end_us is None else end_us
    start = end - _RECENT_US if start_us is None else start_us
    below = ctx.plates.doubted(cameras, start, end)
    site = ctx.core.settings.values
    watched = [c for c in ctx.cameras.list() if cameras is None or c.id in cameras]
    own = [camera_settings(camera.settings) for camera in watched]
    threshold = min((plate_threshold(site, one) for one in own), default=site.detection.threshold)
    off = _why_off(ctx, [one.plates.enabled for one in own])
    if below:
        reads = f"{below} {'read' if below == 1 else 'reads'}"
        was = "was" if below == 1 else "were"
        sentence = f"{reads} in this range {was} not surer than the threshold of {threshold:g}."
        reason: Literal["no_match", "below_threshold"] = "no_match" if sought else "below_threshold"
        return Nothing(reason=reason, below_threshold=below, threshold=threshold, sentence=sentence)
    if off:
        return Nothing(reason="detector_off", below_threshold=0, threshold=threshold, sentence=off)
    found = "No plates match, and none were too unsure to count."
    return Nothing(reason="no_match", below_threshold=0, threshold=threshold, sentence=found)


def _why_off(ctx: Context, watched: list[bool]) -> str:
    detection = ctx.core.settings.values.detection
    if detection.frames == "off":
        return "Nobody looks for plates: the setting detection.frames is 'off'."
    if detection.reader == "none":
        return "Nobody reads plates: the setting detection.reader is 'none'."
    if not watched:
        return "There is no such camera now; what it saw before stays."
    if not any(watched):
        return "These cameras are not watched for plates: see their settings."
    return ""
