"""Messages about cameras as a whole."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from .envelope import Message
from .fields import Count, Moment
from .vocabulary import CameraState, GapCause


class CameraChanged(Message):
    """A camera was added, changed or removed in the index; capture reads its row again."""

    TYPE: ClassVar[str] = "camera.changed"

    action: Literal["added", "updated", "removed"] = Field(description="what was done to it")


class CameraStatus(Message):
    """What a camera is doing: sent at every change, and every 30 s while it records."""

    TYPE: ClassVar[str] = "camera.status"

    state: CameraState = Field(description="what it is doing")
    since_us: Moment = Field(description="since when it is in this state, microseconds UTC")
    cause: GapCause | None = Field(default=None, description="why it does not record, when it does not")
    detail: str = Field(default="", description="one sentence for a person, without credentials")
    width: Count = Field(default=0, description="pixels")
    height: Count = Field(default=0, description="pixels")
    fps: float = Field(default=0.0, description="frames per second measured, 0 when not recording")
    asked_fps: float = Field(
        default=0.0, ge=0, description="frames per second asked of a device, or stated by the camera; 0: neither"
    )
    dropped: float = Field(default=0.0, ge=0, le=1, description="share of these that did not come in half a minute")
    dropped_frames: Count = Field(default=0, description="frames of these that did not come since it is recorded")
    codec: str = Field(default="", description="RFC 6381 codec string of the video")
    fallback: str | None = Field(default=None, description="the device used in place of the configured one")
    backend: str = Field(default="", description="how it is read, e.g. RTSP, V4L2")
    epoch: Count = Field(default=0, description="of the worker's lease: that of a later worker is greater; 0: no lease")
