"""What is asked for when footage is to become a file later."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from gatehouse_api.routes.job_models import JobView
from gatehouse_common.ids import SLUG

CameraName = Annotated[str, Field(pattern=f"^(?:{SLUG.pattern})$", max_length=64)]


class ExportRequest(BaseModel):
    """A range of one camera or several that becomes one file."""

    model_config = ConfigDict(extra="forbid")

    cameras: list[CameraName] = Field(min_length=1, max_length=16, description="ids; each gets a film of its own")
    from_: str = Field(alias="from", max_length=64, description="RFC 3339, YYYYMMDD_HHMMSS or seconds since 1970")
    to: str = Field(max_length=64, description="as `from`; after it, by 24 h at most")
    tz: str | None = Field(None, max_length=64, description="zone of times without an offset")
    gaps: Literal["keep", "skip"] = Field(
        "keep", description="`keep` holds the last frame before a gap until footage goes on; `skip` joins what is there"
    )
    signed: bool = Field(False, description="with manifest and signature, as `gatehouse verify` verifies them")


class ExportJobView(JobView):
    """The job that makes an export; `media` is the number that its file has."""
