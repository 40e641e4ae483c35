"""Settings of what people upload."""

from __future__ import annotations

from pydantic import Field

from .group import Group
from .values import Origins

_MIB, _GIB = 1 << 20, 1 << 30


class UploadSettings(Group):
    """How much people may upload, and for how long what is not whole waits for its rest."""

    max_gib: float = Field(20.0, gt=0, le=1000, description="largest file, GiB")
    max_blob_mib: float = Field(16.0, gt=0, le=256, description="largest blob of `/upload_blob/`, MiB")
    user_gib: float = Field(
        0.0, ge=0, le=1_000_000, description="all uploads and media of a user together, GiB; 0: no limit"
    )
    user_uploads: int = Field(100, ge=0, le=100_000, description="unfinished uploads of a user; 0: no limit")
    least_free_gib: float = Field(
        6.0,
        ge=0,
        le=100_000,
        description="with less room than this in the store nothing is taken; 0: any. With less than is kept free for "
        "what is recorded (`retention.reserve_gb`), uploads take the place of footage",
    )
    unfinished_hours: float = Field(
        48.0,
        gt=0,
        le=8760,
        description="an upload of which nothing comes for so long is deleted; a recording of a browser ends with what "
        "was received of it",
    )
    idle_minutes: float = Field(
        30.0,
        gt=0,
        le=10_080,
        description="an upload in blobs whose last one nobody named is taken for whole after so long, if its file is; "
        "a recording of a browser of which nothing comes for so long is told as ended, and goes on if it comes back",
    )
    allowed_origins: Origins = Field(
        "",
        description="pages of which other sites may upload, with commas between, e.g. `chrome-extension://<id>`: they "
        "show a token; empty: none",
    )

    @property
    def most_bytes(self) -> int:
        """Largest file, bytes."""
        return round(self.max_gib * _GIB)

    @property
    def user_bytes(self) -> int:
        """All uploads and media of a user together, bytes; 0: no limit."""
        return round(self.user_gib * _GIB)

    @property
    def least_free_bytes(self) -> int:
        """With less room than this in the store nothing is taken, bytes."""
        return round(self.least_free_gib * _GIB)

    @property
    def most_blob_bytes(self) -> int:
        """Largest blob, bytes."""
        return round(self.max_blob_mib * _MIB)
