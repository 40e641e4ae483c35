"""The closed sets of words that messages, the index and the API share."""

from __future__ import annotations

from enum import StrEnum


class GapCause(StrEnum):
    """Why a span that should have been recorded was not."""

    CAMERA_OFFLINE = "camera_offline"
    SERVICE_DOWN = "service_down"
    STORAGE_FULL = "storage_full"
    DISABLED = "disabled"
    DROPPED = "dropped"
    CLOCK_STEP = "clock_step"
    CORRUPT = "corrupt"
    PURGED = "purged"
    DELETED = "deleted"


class CameraState(StrEnum):
    """What a camera is doing."""

    STARTING = "starting"
    RECORDING = "recording"
    RECONNECTING = "reconnecting"
    ENDED = "ended"
    FAILED = "failed"
