"""Requests and answers about plates and clips, as the OpenAPI document shows them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gatehouse_api.routes.list_models import ListedView
from gatehouse_api.routes.models import Asked

MOST = 500

Box = tuple[float, float, float, float]


class PlatePath(BaseModel):
    """A plate event in the path."""

    plate: str = Field(max_length=64, pattern=r"^[0-9a-f-]{36}$", description="id of the plate event")


class ClipPath(BaseModel):
    """A clip in the path."""

    clip: str = Field(max_length=64, pattern=r"^[0-9a-f-]{36}$", description="id of the clip")


class Ranged(Asked):
    """Some cameras over a range, both as far as they are given."""

    cameras: str = Field("", max_length=4000, description="ids with commas; empty: all")
    from_: str | None = Field(None, alias="from", max_length=64, description="RFC 3339, or as `/footage` takes it")
    to: str | None = Field(None, max_length=64, description="as `from`; after it")
    tz: str | None = Field(None, max_length=64, description="zone of times without an offset")


class PlatesQuery(Ranged):
    """Which plates."""

    q: str = Field("", max_length=64, description="text; separators and case do not matter, `*` and `?` are wildcards")
    match: Literal["auto", "exact", "prefix", "wildcard", "fuzzy"] = Field(
        "auto",
        description="`auto`: wildcards where there are any, else what is exactly so, then what begins so, then what is "
        "like it: one character wrong, missing or too many, those that are confused (O and 0, I and 1...) alike",
    )
    min_confidence: float = Field(0.0, ge=0, le=1, description="at least so sure")
    include_rejected: bool = Field(False, description="with those that a person said are no plates")
    limit: int = Field(50, ge=1, le=MOST, description="so many at most, the newest first")
    cursor: str | None = Field(None, max_length=200, description="`next_cursor` of the page before")


class ClipsQuery(Ranged):
    """Which clips."""

    event: str | None = Field(None, max_length=64, description="those of this plate event alone; no range then")
    state: Literal["planned", "stored", "failed", "archived", "purged"] | None = Field(
        None, description="in this state; none: those that were stored, whatever became of them"
    )
    limit: int = Field(50, ge=1, le=MOST, description="so many at most, the newest first")
    cursor: str | None = Field(None, max_length=200, description="`next_cursor` of the page before")


class PlateTimesQuery(Asked):
    """Plates of a camera on a timeline."""

    camera: str = Field(max_length=64, description="id of the camera")
    from_: str = Field(alias="from", max_length=64, description="RFC 3339, or as `/footage` takes it")
    to: str = Field(max_length=64, description="as `from`; after it")
    tz: str | None = Field(None, max_length=64, description="zone of times without an offset")
    resolution: float = Field(
        1.0, ge=0.001, le=31_000_000, description="visits of so many seconds are told together; more where that is much"
    )


class PictureAsked(Asked):
    """Which of a plate event's pictures."""

    read: str | None = Field(None, max_length=64, description="its `best_read`, for an address that never changes")
    width: int | None = Field(None, ge=16, le=3840, description="scaled down to about so many pixels; none: as it is")


class ConfidencesQuery(Ranged):
    """What to count."""

    bins: int = Field(20, ge=1, le=100, description="bars between 0 and 1")


class ClipView(BaseModel):
    """A clip around plate events."""

    id: str
    camera: str
    state: str = Field(description="planned, stored, failed, archived or purged")
    from_: str = Field(serialization_alias="from", description="wall time of its first frame, RFC 3339")
    to: str = Field(description="when its last frame ends")
    duration_seconds: float
    bytes: int = Field(description="size of the file; 0 while there is none")
    width: int
    height: int
    frames: int
    detail: str = Field(description="why it could not be made, or what is missing in it; empty: nothing")
    previous: str | None = Field(description="id of the clip that it goes on from")
    events: list[str] = Field(description="ids of the plate events in it")
    links: dict[str, str]


class ClipList(BaseModel):
    """A page of clips, the newest first."""

    items: list[ClipView]
    next_cursor: str | None = None


class Seen(BaseModel):
    """How often exactly this text was seen, everywhere."""

    count: int
    first: str
    last: str


class PlateView(BaseModel):
    """One visit of one plate at one camera."""

    id: str
    camera: str
    state: str = Field(description="open while the plate is there, then closed")
    text: str = Field(description="as a person corrected it, else as it was voted")
    voted_text: str = Field(description="as it was voted by its reads")
    corrected_at: str | None = None
    corrected_by: str | None = None
    rejected: bool = Field(description="a person said that it is no plate")
    confidence: float = Field(description="calibrated, of the voted text")
    characters: list[float] = Field(description="share of the votes of each character of the voted text")
    region: str = Field(description="the table of syntaxes that it fits; empty: none")
    pattern: str = Field(description="the syntax; empty: none")
    direction: str = Field(description="left, right, approaching, leaving, standing or unknown")
    from_: str = Field(serialization_alias="from", description="first qualifying read, RFC 3339")
    to: str = Field(description="last qualifying read so far")
    duration_seconds: float
    reads: int = Field(description="qualifying reads so far")
    best_at: str = Field(description="when the frame of its pictures is on the screen")
    best_read: str
    quad: list[tuple[float, float]] = Field(description="corners of the plate in that frame, pixels")
    box: Box = Field(description="left, upper, right and lower edge of the plate in that frame, pixels")
    picture_width: int
    picture_height: int
    area: tuple[int, int, int, int] = Field(
        description="what of the picture was looked at, which is what `frame` shows: left, upper edge, width, height"
    )
    match: str | None = Field(None, description="how it was found: exact, prefix, wildcard or fuzzy")
    lists: list[ListedView] = Field(
        description="watch lists that it is on, as it came and by what it says now: who is denied first"
    )
    seen: Seen
    clips: list[ClipView]
    links: dict[str, str]


class Nothing(BaseModel):
    """Why a search found nothing."""

    reason: Literal["detector_off", "below_threshold", "no_match"]
    below_threshold: int = Field(description="reads in the range that were not sure enough to count")
    threshold: float = Field(description="what they had to be surer than")
    sentence: str


class PlateList(BaseModel):
    """A page of plates."""

    items: list[PlateView]
    next_cursor: str | None = None
    nothing: Nothing | None = Field(None, description="of an empty first page: why")


class ReadView(BaseModel):
    """One plate on one frame."""

    id: str
    at: str
    text: str
    confidence: float
    characters: list[float]
    qualifies: bool = Field(description="whether it was strictly surer than the threshold")
    threshold: float
    region: str
    pattern: str
    box: Box


class Vote(BaseModel):
    """A text, and how many reads gave it."""

    text: str
    reads: int
    confidence: float = Field(description="of the surest of them")


class PlateDetail(PlateView):
    """A plate event with all that is known of it."""

    alternatives: list[tuple[str, float]] = Field(description="other texts and their probabilities")
    votes: list[Vote]
    character_votes: list[dict[str, float]] = Field(
        description="at each place of the voted text: characters, and their shares of the confidence"
    )
    read_list: list[ReadView] = Field(description="its reads in order, the first thousand of them")
    history: list[PlateView] = Field(description="other visits that are shown with exactly this text, the newest first")


class PlateListedView(ListedView):
    """That a plate was found to be on a list, as the event `plate.listed` tells it."""

    id: str = Field(description="told twice, it is the same; another when what was like the plate is it to the letter")
    at: str = Field(description="when that was found, RFC 3339: of a visit of the past when a person corrects it")
    seen: str = Field(description="when the plate was read last, RFC 3339; a gate is opened by what was read just now")
    camera: str
    text: str = Field(description="what the plate said when it matched last")
    visit: PlateView


class PlateTimeView(BaseModel):
    """One visit, or several that are told together."""

    from_: str = Field(serialization_alias="from", description="when the first of them began, RFC 3339")
    to: str = Field(description="when the last of them began")
    count: int
    id: str | None = Field(description="of the visit; null: there are several")
    text: str | None = Field(description="what its plate says; null: there are several")
    confidence: float = Field(description="how sure that is, of several the surest")
    corrected: bool = Field(description="whether a person said what it says; of several it is not told")


class PlateTimes(BaseModel):
    """When plates were seen at a camera, by time."""

    camera: str
    from_: str = Field(serialization_alias="from")
    to: str
    resolution: float = Field(description="seconds of which visits were told together")
    items: list[PlateTimeView]


class PlateChange(BaseModel):
    """What a person says of a plate event."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"text": "AB 123 CD"}})

    text: str | None = Field(None, max_length=64, description="what it says; null: as it was voted")
    rejected: bool | None = Field(None, strict=True, description="whether it is no plate")


class Confidences(BaseModel):
    """How sure reads were."""

    from_: str = Field(serialization_alias="from")
    to: str
    edges: list[float] = Field(description="of the bars: one more than there are")
    counts: list[int]
    below_threshold: int = Field(description="reads that did not qualify")
    thresholds: dict[str, float] = Field(description="by camera: what reads must be surer than")
