"""Requests and answers about longer works."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify
from pydantic import BaseModel, ConfigDict, Field, model_validator

from gatehouse_api.routes.models import Asked
from gatehouse_common.db import Job
from gatehouse_common.timefmt import rfc3339


class CheckRequest(BaseModel):
    """What a comparison of index and store is to do."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"repair": False, "quick": False}})

    @model_validator(mode="before")
    @classmethod
    def _of_nothing(cls, asked: object) -> object:
        """Take no body at all for one that leaves everything as it is by default."""
        return {} if asked is None else asked

    repair: bool = Field(False, description="mend what differs; nothing is deleted, what nobody explains is set aside")
    quick: bool = Field(False, description="compare names and sizes only, and read no file")


class JobPath(BaseModel):
    """A job in the path."""

    job: str = Field(max_length=64, description="id of the job")


class JobsQuery(Asked):
    """Which jobs."""

    kind: str | None = Field(None, max_length=32, description="of this kind only, e.g. `consistency-check`")
    mine: bool = Field(False, description="those alone that are made for who asks, also for who may see others'")
    limit: int = Field(50, ge=1, le=500, description="so many at most")
    cursor: str | None = Field(None, max_length=200, description="`next_cursor` of the page before")


class JobView(BaseModel):
    """A longer work, and how far it is."""

    id: str
    kind: str
    state: str = Field(description="queued, running, done, failed or cancelled")
    parameters: dict[str, Any] = Field(description="what was asked for")
    done: int = Field(description="steps done so far")
    total: int = Field(description="steps in all, about; 0: not known")
    progress: float = Field(description="how much of it is done, 0 to 1")
    media: int | None = Field(description="number of the medium that it is about, null: of none")
    detail: str = Field(description="what is going on, what came of it, or why it failed, in a sentence")
    created: str = Field(description="RFC 3339")
    created_by: str = Field(description="empty: it was due")
    started: str | None = Field(description="RFC 3339")
    ended: str | None = Field(description="RFC 3339")
    result: dict[str, Any] | None = Field(
        description="of a check: `counts` by kind, `problems`, the first 1000, and how much was looked at"
    )


class JobList(BaseModel):
    """Jobs, the newest first; their results without the single problems."""

    items: list[JobView]
    next_cursor: str | None


def job_view(job: Job, *, whole: bool = True) -> JobView:
    """Return what is shown of a job; without ``whole``, not each single problem."""
    result = job.result
    if result is not None and not whole:
        result = {name: value for name, value in result.items() if name != "problems"}
    return JobView(
        id=job.id,
        kind=job.kind,
        state=job.state,
        parameters=job.parameters,
        done=job.done,
        total=job.total,
        progress=_progress(job),
        media=job.media,
        detail=job.detail,
        created=rfc3339(job.created_us),
        created_by=job.created_by,
        started=None if job.started_us is None else rfc3339(job.started_us),
        ended=None if job.ended_us is None else rfc3339(job.ended_us),
        result=result,
    )


def job_asked(job: Job) -> tuple[Response, int, dict[str, str]]:
    """Return the answer to who asked for a job: what it is, and where to look how far it is."""
    return jsonify(job_view(job).model_dump()), 202, {"Location": f"/api/v1/jobs/{job.id}"}


def _progress(job: Job) -> float:
    if job.state == "done":
        return 1.0
    return min(1.0, round(job.done / job.total, 4)) if job.total else 0.0
