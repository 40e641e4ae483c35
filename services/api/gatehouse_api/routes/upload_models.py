"""What routes of uploads take and show."""

from __future__ import annotations

from pydantic import BaseModel, Field

from gatehouse_api.uploads.tus import PATH
from gatehouse_common.db import Upload
from gatehouse_common.timefmt import rfc3339


class UploadPath(BaseModel):
    """An upload in the path."""

    upload: str = Field(max_length=64, description="id of the upload")


class UploadView(BaseModel):
    """An upload, and how far it is."""

    id: str
    url: str = Field(description="where it is gone on with")
    name: str = Field(description="what its client calls the file")
    door: str = Field(description="how it comes: tus, resumable, blob or form")
    state: str = Field(description="receiving or complete")
    length: int | None = Field(description="size of the file in bytes, null: not known yet")
    offset: int = Field(description="bytes that are here")
    media: int | None = Field(description="number of the medium that it became, null: not yet")
    created: str = Field(description="when it was begun")
    expires: str | None = Field(description="when it is deleted if nothing comes; null: it is complete")


class UploadList(BaseModel):
    """Uploads that were begun and not ended, the newest first."""

    items: list[UploadView]


def upload_view(upload: Upload) -> UploadView:
    """Return an upload as answers show it."""
    return UploadView(
        id=upload.id,
        url=f"{PATH}/{upload.id}",
        name=upload.name,
        door=upload.door,
        state=upload.state,
        length=upload.length,
        offset=upload.received,
        media=upload.media,
        created=rfc3339(upload.created_us),
        expires=rfc3339(upload.expires_us) if upload.state == "receiving" else None,
    )
