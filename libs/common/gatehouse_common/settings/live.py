"""Settings of live views."""

from __future__ import annotations

from pydantic import Field

from .group import Group


class LiveSettings(Group):
    """What becomes of live views beside the picture."""

    fps: float = Field(15, ge=0.2, le=15, description="pictures a second of MJPEG live views at most")
    record_sessions: bool = Field(
        False, description="what is watched of one camera by who may record is kept in files; else where one asks"
    )
