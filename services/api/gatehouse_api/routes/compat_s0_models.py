"""Paths of the routes of an older recorder."""

from __future__ import annotations

from pydantic import BaseModel, Field


class NamePath(BaseModel):
    """A user in the path."""

    name: str = Field(max_length=255, description="name of the user")


class ChunkPath(BaseModel):
    """A file in the path."""

    chunk: int = Field(ge=1, lt=2**31, description="number of the file")
