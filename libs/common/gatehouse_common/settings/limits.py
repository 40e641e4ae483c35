"""Settings of how often who asks may ask."""

from __future__ import annotations

from pydantic import Field

from .group import Group


class LimitSettings(Group):
    """How often somebody may ask the web server; beyond that the answer is 429 for a while.

    Each is of a user or token, and four times as much of an address, behind which there may be several. Each process of
    the web server counts what it is asked. Wrong passwords are counted in the index, whatever stands here.
    """

    requests_per_minute: int = Field(30_000, ge=0, le=10_000_000, description="requests of any other kind; 0: no limit")
    exports_per_minute: int = Field(
        3_000, ge=0, le=1_000_000, description="files of footage, signed exports, links; 0: no limit"
    )
    live_per_minute: int = Field(
        3_000, ge=0, le=1_000_000, description="live views and streams of events that are opened; 0: no limit"
    )
