"""Settings of recorder sessions."""

from __future__ import annotations

from pydantic import Field, model_validator

from .group import Group
from .session_path import DEFAULT_SESSION_PATH, SessionPath


class SessionSettings(Group):
    """How long users record a camera, in files of which length unless they say otherwise, and where these are."""

    total_seconds: int = Field(900, ge=60, le=86_400, description="a session ends by itself after so long")
    chunk_seconds: int = Field(180, ge=30, le=3600, description="length of its files")
    trash_hours: float = Field(
        24,
        ge=0,
        le=8760,
        description="files that users delete can be taken out of the trash for so long, 0: they cannot",
    )

    path: SessionPath = Field(
        DEFAULT_SESSION_PATH,
        description="where below sessions/ of the store new files are put; {date}, {time}, {camera} and {user} may be "
        "in it, {id} must be in the last part",
    )

    @model_validator(mode="after")
    def _fit(self) -> SessionSettings:
        if self.chunk_seconds > self.total_seconds:
            raise ValueError("sessions.chunk_seconds must not be more than sessions.total_seconds")
        return self
