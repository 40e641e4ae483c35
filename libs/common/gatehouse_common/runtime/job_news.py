"""Tells on the bus how a job is: workers look for it then, and whoever waits for it is told."""

from __future__ import annotations

import structlog

from gatehouse_common.db import Job
from gatehouse_common.errors import GatehouseError
from gatehouse_common.messages import SITE, JobChanged
from gatehouse_common.messages.jobs import JobState

from .core import Core

log = structlog.get_logger(__name__)


def tell_job(core: Core, job: Job, state: JobState | None = None, stage: str = "", done: int | None = None) -> None:
    """Publish how a job is: a hint, that may be lost, as workers and pages look at rows too.

    Args:
        core: the bus, the time.
        job: as it was read.
        state: what it is by now; None: as it was read.
        stage: what is done of it now; empty: nothing.
        done: how many of its steps are done by now; None: as it was read.
    """
    message = JobChanged.model_validate(
        {
            "camera": SITE,
            "time_us": core.clock.now_us(),
            "job": job.id,
            "kind": job.kind,
            "state": state or job.state,
            "stage": stage,
            "done": job.done if done is None else done,
            "total": job.total,
            "user": job.user,
            "media": job.media,
        }
    )
    try:
        core.bus.publish(message)
    except GatehouseError as error:
        log.info("nobody was told how a job is", job=job.id, reason=error.message)
