"""Paths and queries of the routes of an older recorder."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field


def _with_slashes(name: str) -> str:
    """Return a name of the path with its slashes: those the server leaves as they were sent, `%2F`."""
    return re.sub("%2f", "/", name, flags=re.IGNORECASE)


NameInPath = Annotated[str, AfterValidator(_with_slashes)]


class NamePath(BaseModel):
    """A user in the path; a name that could be none is that of nobody."""

    name: NameInPath = Field(description="name of the user")


class ChunkPath(BaseModel):
    """A file in the path; a number that could be none is one that is not there."""

    chunk: int = Field(description="number of the file")


class StatusQuery(BaseModel):
    """Which recording is meant."""

    session_id: str = Field("", max_length=64, description="of the session; empty: the newest one that goes on")


class DeleteQuery(BaseModel):
    """How a file is deleted."""

    purge: bool = Field(False, description="at once, past the trash; for admins")
