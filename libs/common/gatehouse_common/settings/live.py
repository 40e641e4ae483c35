"""Settings of live views."""

from __future__ import annotations

from pydantic import Field

from .group import Group


class LiveSettings(Group):
    """What becomes of live views beside the picture."""

    record_sessions: bool = Field(
        False, description="each viewing is recorded as a file of its own; else only those of which somebody asks it"
    )
