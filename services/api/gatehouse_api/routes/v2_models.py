"""Requests of the older plate recorder's routes; what they are given in place of nothing is as it was."""

from __future__ import annotations

from flask_openapi3 import FileStorage
from pydantic import BaseModel, Field, field_validator
from werkzeug.datastructures import FileStorage as UploadedFile

from gatehouse_api.routes.models import Asked

_MOST = 1000
_FAR = 10_000_000


class SegmentsQuery(Asked):
    """A page of segments."""

    limit: int = Field(20, ge=1, le=_MOST)
    offset: int = Field(0, ge=0, le=_FAR)


class SegmentPath(BaseModel):
    """A segment in the path; an id that could be none is one that is not there."""

    segment: str = Field(description="id of the segment")


class DetectionPath(BaseModel):
    """A detection in the path."""

    detection: str = Field(description="id of the detection")


class CleanupQuery(Asked):
    """What to archive."""

    retention_days: int = Field(30, ge=0, le=100_000, description="segments that ended longer ago")


class ResultsQuery(Asked):
    """A page of results."""

    limit: int = Field(10, ge=1, le=_MOST)
    skip: int = Field(0, ge=0, le=_FAR)
    min_confidence: float = Field(0.0, ge=0, le=1, allow_inf_nan=False)


class CameraQuery(Asked):
    """A camera; an addition to what was."""

    camera: str = Field("", max_length=64, description="id of the camera; empty: the default camera")


class PictureForm(BaseModel):
    """An uploaded picture."""

    file: FileStorage = Field(description="JPEG or PNG")

    @field_validator("file", mode="before")
    @classmethod
    def _is_file(cls, value: object) -> object:
        """Refuse a field of that name that is no file."""
        if not isinstance(value, UploadedFile):
            raise ValueError("Expected a file, as multipart/form-data")  # noqa: TRY004 - told as a wrong value is
        return value
