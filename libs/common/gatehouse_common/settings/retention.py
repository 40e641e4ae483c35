"""How long recordings, clips and plates are kept, and how much room they may take."""

from __future__ import annotations

from pydantic import Field

from .group import Group


class RetentionSettings(Group):
    """What the janitor deletes, and when. What is on hold is never deleted."""

    enabled: bool = Field(True, description="whether anything is deleted at all, also of what is in the trash")
    continuous_hours: float = Field(
        72.0, ge=0, le=876_000, description="recordings are kept for so long; 0: until their room is needed"
    )
    event_days: float = Field(
        30.0, ge=0, le=36_500, description="clips of plate events are archived after so long; 0: never by age"
    )
    archive_days: float = Field(
        0.0, ge=0, le=36_500, description="an archived clip keeps its file for so much longer; its row stays"
    )
    plate_days: float = Field(
        365.0,
        ge=0,
        le=36_500,
        description="plate events, their reads and pictures are kept for so long, and the bodies by which webhooks "
        "were told of plates no longer after they were; 0: for good",
    )
    session_days: float = Field(
        0.0, ge=0, le=36_500, description="files of recorder sessions are kept for so long; 0: until they are deleted"
    )
    upload_days: float = Field(
        0.0, ge=0, le=36_500, description="uploads are kept for so long; 0: until they are deleted"
    )
    export_days: float = Field(
        0.0, ge=0, le=36_500, description="exports that people made are kept for so long; 0: until they are deleted"
    )
    viewing_days: float = Field(
        365, ge=0, le=36_500, description="the log of who watched live pictures is kept for so long, 0: for ever"
    )
    minimum_hours: float = Field(
        0.0, ge=0, le=876_000, description="nothing younger is deleted, not even when the disk is full"
    )
    max_gb: float = Field(
        0.0, ge=0, description="recordings and clips may take so much, in 10^9 bytes; 0: as much as the disk has"
    )
    reserve_gb: float = Field(
        0.0,
        ge=0,
        description="so much of the disk is kept free, in 10^9 bytes; 0: what is recorded in an hour, but at most 5 GB "
        "and a tenth of the disk",
    )
    look_seconds: float = Field(5.0, ge=0.2, le=3600, description="how often the room is looked at")


class CameraRetention(Group):
    """What a camera says of its own footage; what it does not say is the site's."""

    continuous_hours: float | None = Field(None, ge=0, le=876_000, description="recordings are kept for so long")
    event_days: float | None = Field(None, ge=0, le=36_500, description="clips are archived after so long")
    minimum_hours: float | None = Field(None, ge=0, le=876_000, description="nothing younger is deleted")
    max_gb: float | None = Field(None, ge=0, description="its recordings may take so much, in 10^9 bytes; 0: no limit")
