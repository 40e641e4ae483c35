"""What a camera shows now, and where the plates in it are."""

from __future__ import annotations

from gatehouse_common.clock import SECOND
from gatehouse_common.db import PlateReader, PlateReadRecord
from gatehouse_common.errors import GatehouseError
from gatehouse_common.media.pictures import Picture, exact_picture

from .context import Context
from .overlays import Mark
from .plate_views import box_of

MOST_WIDTH = 3840
_FRESH_US = 2 * SECOND


def newest_jpeg(ctx: Context, camera: str, width: int = MOST_WIDTH) -> Picture:
    """Return the newest recorded frame of a camera.

    Raises:
        NotFound: nothing is recorded yet.
    """
    chunk = ctx.library.newest(camera)
    return exact_picture(chunk, chunk.end_us, ctx.core.media, width)


def newest_reads(plates: PlateReader, camera: str, at_us: int) -> list[PlateReadRecord]:
    """Return the newest read of each plate that is before a camera at an instant."""
    found: list[PlateReadRecord] = []
    for event in plates.open_events([camera]):
        if abs(at_us - event.end_us) > _FRESH_US:
            continue
        found += plates.newest_reads(event.id, 1)
    return found


def marks_of(reads: list[PlateReadRecord]) -> list[Mark]:
    """Return what to draw for reads."""
    return [Mark(box_of(read.quad), f"{read.text} {read.confidence:.0%}".replace("%", "")) for read in reads]


def asked_marks(ctx: Context, jpeg: bytes, camera: str, region: str) -> list[Mark] | None:
    """Return what a detector finds in a picture of a camera; None where none can be asked."""
    try:
        readings = ctx.detectors.ask(jpeg, camera, region)
    except GatehouseError:  # the picture is worth more than its boxes: those of the last reads will do
        return None
    return [Mark(box_of(one.quad), f"{one.text} {one.confidence:.0%}".replace("%", "")) for one in readings]
