"""Paths and queries of the routes of an older recorder."""

from __future__ import annotations

from pydantic import BaseModel, Field


class NamePath(BaseModel):
    """A user in the path; a name that could be none is that of nobody."""

    name: str = Field(description="name of the user")


class ChunkPath(BaseModel):
    """A file in the path; a number that could be none is one that is not there."""

    chunk: int = Field(description="number of the file")


class StatusQuery(BaseModel):
    """Which recording is meant."""

    session_id: str = Field("", max_length=64, description="of the session; empty: the newest one that goes on")


class DeleteQuery(BaseModel):
    """How a file is deleted."""

    purge: bool = Field(False, description="at once, past the trash; for admins")
