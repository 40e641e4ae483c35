"""Settings of recorder sessions."""

from __future__ import annotations

from pydantic import Field, model_validator

from .group import Group


class SessionSettings(Group):
    """How long users record a camera, and in files of which length, unless they say otherwise."""

    total_seconds: int = Field(900, ge=60, le=86_400, description="a session ends by itself after so long")
    chunk_seconds: int = Field(180, ge=30, le=3600, description="length of its files")
    trash_hours: float = Field(
        24,
        ge=0,
        le=8760,
        description="files that users delete can be taken out of the trash for so long, 0: they cannot",
    )

    @model_validator(mode="after")
    def _fit(self) -> SessionSettings:
        if self.chunk_seconds > self.total_seconds:
            raise ValueError("sessions.chunk_seconds must not be more than sessions.total_seconds")
        return self
