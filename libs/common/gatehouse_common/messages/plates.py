"""Messages about plates: each read of one, and what became of the visit that it belongs to.

A *visit* is one plate at one camera, from the first read to the last: the plate event of the index. Its state travels
whole in each message, so that a lost or repeated one changes nothing that the next does not put right.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from .envelope import Message
from .fields import Count, Moment

PLATE = r"^[A-Z0-9]{1,16}$"
MAX_ALTERNATIVES = 8

PlateText = Annotated[str, Field(pattern=PLATE, description="normalised: A-Z and 0-9 alone")]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Corner = tuple[float, float]
Quad = tuple[Corner, Corner, Corner, Corner]
Area = tuple[Count, Count, Count, Count]
Alternative = tuple[PlateText, Probability]
Alternatives = Annotated[list[Alternative], Field(max_length=MAX_ALTERNATIVES)]
Characters = Annotated[list[Probability], Field(max_length=16)]


class Direction(StrEnum):
    """Which way a plate moved through the picture."""

    LEFT = "left"
    RIGHT = "right"
    APPROACHING = "approaching"
    LEAVING = "leaving"
    STANDING = "standing"
    UNKNOWN = "unknown"


class ReadFields(BaseModel):
    """One plate on one frame."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    id: str = Field(max_length=36, description="id of the read, UUIDv7; a frame that is looked at again gives it anew")
    time_us: Moment = Field(description="when the frame is on the screen, microseconds UTC")
    run: str = Field(max_length=36, description="id of the run")
    pts: Moment = Field(description="presentation time of the frame in the run, in ticks of 1/90000 s")
    text: PlateText = Field(description="what was read")
    confidence: Probability = Field(description="calibrated: how probably the text is right to the letter")
    characters: Characters = Field(description="confidence of each character")
    region: str = Field("", max_length=16, description="the table of syntaxes that it fits; empty: none")
    pattern: str = Field("", max_length=32, description="the syntax; empty: none")
    alternatives: Alternatives = Field(default_factory=list, description="other texts, the likeliest first")
    quad: Quad = Field(description="corners in the whole picture, pixels, clockwise from the upper left one")
    picture_width: Count = Field(description="of the whole picture")
    picture_height: Count = Field(description="of the whole picture")
    area: Area = Field(description="what of the picture was looked at: left, upper edge, width, height in pixels")


class VisitFields(BaseModel):
    """What is known of a visit so far."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    event: str = Field(max_length=36, description="id of the plate event, UUIDv7")
    start_us: Moment = Field(description="first qualifying read, microseconds UTC")
    end_us: Moment = Field(description="last qualifying read so far, microseconds UTC")
    text: PlateText = Field(description="by vote of all reads, character by character")
    confidence: Probability = Field(description="calibrated, of the voted text")
    characters: Characters = Field(description="share of the votes of each character")
    region: str = Field("", max_length=16, description="the table of syntaxes that it fits; empty: none")
    pattern: str = Field("", max_length=32, description="the syntax; empty: none")
    alternatives: Alternatives = Field(default_factory=list, description="other texts, the likeliest first")
    reads: Count = Field(description="qualifying reads so far")
    direction: Direction = Field(Direction.UNKNOWN, description="which way it moved so far")
    best: ReadFields = Field(description="the read that the pictures are of")
    frame_key: str = Field("", max_length=255, description="object key of the frame of ``best``, a JPEG; empty: none")
    crop_key: str = Field("", max_length=255, description="object key of the plate in it, a JPEG; empty: none")


class PlateSeen(Message):
    """A plate has been read on a frame, surely enough or not.

    ``visit`` is null while no read of it was surer than the threshold. Reads of a plate that stands still are told
    once at its beginning and at its end, and in between at most twice a minute.
    """

    TYPE: ClassVar[str] = "plate.seen"

    read: ReadFields = Field(description="the read")
    threshold: Probability = Field(description="the camera's: what is strictly surer qualifies")
    standing: bool = Field(default=False, description="whether the plate has not moved for some seconds")
    visit: VisitFields | None = Field(default=None, description="the visit that it belongs to; null: none yet")

    @property
    def qualifies(self) -> bool:
        """Whether the read is strictly surer than the threshold."""
        return self.visit is not None and self.read.confidence > self.threshold


class PlateClosed(Message):
    """A visit has ended: the plate was not read for some time, or is no longer looked for."""

    TYPE: ClassVar[str] = "plate.closed"

    visit: VisitFields = Field(description="the whole of it")


class PlateIndexed(Message):
    """A plate event's row is committed."""

    TYPE: ClassVar[str] = "plate.indexed"

    event: str = Field(max_length=36, description="id of the plate event")
    change: str = Field(pattern="^(opened|updated|closed|corrected)$", description="what became of it")


class PlateListed(Message):
    """A plate is on a watch list: told for each visit and entry, and anew when it is to the letter, or of another kind.

    The id is that of the row as it was told: who is told twice knows it by that. ``distance`` above 0 says that the
    plate is like the entry and not the same: who opens a gate for an ``allow`` does not for such a one.
    """

    TYPE: ClassVar[str] = "plate.listed"

    event: str = Field(max_length=36, description="id of the plate event")
    text: PlateText = Field(description="what the plate said when it was found to match")
    watch_list: str = Field(max_length=36, description="id of the list")
    list_name: str = Field(max_length=100, description="what it is called")
    kind: str = Field(pattern="^(deny|watch|allow)$", description="what the list is for")
    entry: str = Field(max_length=36, description="id of the entry")
    plate: str = Field(max_length=64, description="the entry: a plate, or a pattern with `*` and `?`")
    match: str = Field(pattern="^(exact|pattern|fuzzy)$", description="how it matches; `fuzzy`: not to the letter")
    distance: int = Field(ge=0, le=2, description="0: to the letter; else characters wrong, missing or too many")
