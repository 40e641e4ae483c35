"""Pictures for whoever looks at what cameras see. Transient: footage never waits for analysis."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from .envelope import Message
from .fields import Count, Moment


class FrameSampled(Message):
    """A picture of a camera, or a region of one, to be looked at; the body is a JPEG.

    ``time_us`` is when it is on the screen. Newer pictures push out older ones that nobody had the time to look at.
    """

    TYPE: ClassVar[str] = "frame.sampled"

    run: str = Field(description="id of the run")
    pts: Moment = Field(description="presentation time in the run, in ticks of 1/90000 s")
    x: Count = Field(description="pixels from the picture's left edge to the region's")
    y: Count = Field(description="pixels from the picture's upper edge to the region's")
    width: Count = Field(description="of the region, which is at the camera's own resolution")
    height: Count = Field(description="of the region")
    picture_width: Count = Field(description="of the whole picture")
    picture_height: Count = Field(description="of the whole picture")
    whole: bool = Field(default=True, description="whether it is the whole picture; else what moves in it")
