"""Messages about runs: unbroken connections with constant codec parameters."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field

from .envelope import Message
from .fields import Count, InnerUrl, Moment
from .vocabulary import GapCause


class Interruption(BaseModel):
    """One reason, among those that followed one another, why nothing was recorded before a run."""

    model_config = ConfigDict(frozen=True)

    cause: GapCause = Field(description="what it was")
    since_us: Moment | None = Field(description="from when, microseconds UTC; null: from the last recorded frame")


class RunStarted(Message):
    """A camera's first frame after a connection or a change of parameters is about to be written."""

    TYPE: ClassVar[str] = "run.started"

    run: str = Field(description="id of the run, UUIDv7")
    origin_us: Moment = Field(description="wall time of media time zero, microseconds UTC")
    start_us: Moment = Field(description="wall time of the first frame, microseconds UTC")
    init: Base64Bytes = Field(description="ftyp and moov: the init segment")
    width: Count = Field(description="pixels")
    height: Count = Field(description="pixels")
    fps: float = Field(description="frames per second as the camera states it, 0 if it does not")
    video_codec: str = Field(description="RFC 6381 codec string")
    audio_codec: str | None = Field(default=None, description="RFC 6381 codec string, null without sound")
    interruptions: list[Interruption] = Field(default_factory=list, description="causes of the gap before it")
    epoch: Count = Field(default=0, description="of the worker's lease: that of a later worker is greater; 0: no lease")
    spool_url: InnerUrl = Field(
        default="",
        description="inner address of the worker whose spool has its files; empty: a local one",
    )


class RunEnded(Message):
    """A run ended: nothing more will be appended to it."""

    TYPE: ClassVar[str] = "run.ended"

    run: str = Field(description="id of the run")
    end_us: Moment = Field(description="wall time at which its last frame ends, microseconds UTC")
    cause: GapCause = Field(description="why it ended")
