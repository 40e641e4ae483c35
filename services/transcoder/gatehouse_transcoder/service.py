"""The transcoder as a service: looks for jobs, and has them done by its workers."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import structlog

from gatehouse_common.bus import Delivery
from gatehouse_common.clock import HOUR, SECOND
from gatehouse_common.db import Job, JobQueue
from gatehouse_common.db.job_queue import OPEN
from gatehouse_common.db.media_records import MEDIA_KINDS
from gatehouse_common.errors import Cancelled, GatehouseError
from gatehouse_common.messages import JobChanged
from gatehouse_common.observability.metrics import JOB_OLDEST_QUEUED, JOBS_OPEN
from gatehouse_common.runtime import Check, Core, tell_job
from gatehouse_common.runtime.database import check, wait_for

from .children import Limits
from .dispatch import Dispatch
from .hand import Hand
from .program import find_program
from .work import Tools

log = structlog.get_logger(__name__)

NAME = "transcoder"
FOLDER = "transcoder"
"""Of temporary files, in the data directory."""
_LOOK_S = 2.0
_COUNT_US = 5 * SECOND
_END_S = 5.0


class Transcoder:
    """Does the jobs of media, as many at once as it has workers."""

    name = NAME

    def __init__(self, core: Core) -> None:
        self._core, self._settings = core, core.settings.values.transcoder
        self._queue = JobQueue(core.db, MEDIA_KINDS)
        self._dispatch = Dispatch(self._queue, core.clock, core.name)
        self._stop, self._wake = threading.Event(), threading.Event()
        self._folder: Path = core.data_dir / FOLDER
        self._hands: dict[str, threading.Thread] = {}
        self._waits: dict[str, int] = {}
        self._tools: Tools | None = None
        self._trouble = ""
        self._failed = 0
        self._counted_us: int | None = None

    def run(self, stop: threading.Event) -> None:
        """Look for jobs until told to stop; what is in hand then is put back."""
        self._stop, self._tools = stop, None
        if not wait_for(self._core.db, stop, self._core.clock):
            return
        # One process has the data directory: whatever is there is of one that died.
        shutil.rmtree(self._folder, ignore_errors=True)
        heard = self._core.bus.subscribe_transient([JobChanged], self._hear)
        try:
            while not stop.is_set():
                self._look()
                self._sleep()
        finally:
            heard.close()
            for thread in list(self._hands.values()):
                thread.join(_END_S)
            shutil.rmtree(self._folder, ignore_errors=True)

    def health(self) -> list[Check]:
        """Return whether jobs are done; those that failed are told, and no reason to be unready."""
        trouble = check(self._core.db).detail or self._trouble
        if trouble or not self._failed:
            return [Check("transcoder", ok=not trouble, detail=trouble)]
        failed = f"{self._failed} jobs failed within a day: the library says which, and why"
        return [Check("transcoder", ok=True, detail=failed)]

    def _hear(self, delivery: Delivery) -> None:
        message = delivery.message
        if isinstance(message, JobChanged) and message.state == "queued" and message.kind in MEDIA_KINDS:
            self._wake.set()

    def _sleep(self) -> None:
        """Wait until there may be something to do, or this process is to end."""
        waited = 0.0
        while waited < _LOOK_S and not self._stop.is_set():
            if self._wake.wait(0.1):
                self._wake.clear()
                return
            waited += 0.1

    def _look(self) -> None:
        try:
            self._count()
            tools = self._found_tools()
            self._hands = {job: thread for job, thread in self._hands.items() if thread.is_alive()}
            workers = self._settings.workers
            self._dispatch.look(self._hands.keys(), room=len(self._hands) < workers)
            while len(self._hands) < workers:
                job = self._dispatch.take()
                if job is None:
                    break
                self._begin(job, tools)
        except Cancelled:
            return
        except GatehouseError as error:
            if error.message != self._trouble:
                log.warning("uploads wait", reason=error.message)
            self._trouble = error.message
        else:
            self._trouble = ""

    def _begin(self, job: Job, tools: Tools) -> None:
        if job.state != "running":
            log.warning("a job failed", job=job.id, reason=job.detail)
            tell_job(self._core, job, "failed")
            return
        thread = threading.Thread(target=self._do, args=(job, tools), name="transcoding", daemon=True)
        self._hands[job.id] = thread
        thread.start()

    def _do(self, job: Job, tools: Tools) -> None:
        own = self._folder / f"{job.id}-{(job.owner or '')[-12:]}"
        try:
            Hand(self._core, tools, job, self._stop, self._waits).do(own)
        except GatehouseError as error:
            log.warning("what came of a job could not be kept", job=job.id, reason=error.message)
        finally:
            self._wake.set()

    def _found_tools(self) -> Tools:
        """Return what children are made with; looked for once, and now and then while there is nothing.

        Raises:
            Unavailable: there is no ffmpeg.
        """
        if self._tools is not None:
            return self._tools
        program = find_program(self._settings, self._core.clock, self._ending)
        log.info("films are made", program=program.path, version=program.version, encoder=program.encoder)
        self._tools = Tools(program, Limits.of(self._settings), Limits.of_probe(self._settings))
        return self._tools

    def _ending(self) -> Cancelled | None:
        return Cancelled("this process ends") if self._stop.is_set() else None

    def _count(self) -> None:
        """Show dashboards how much waits."""
        now = self._core.clock.monotonic_us()
        if self._counted_us is not None and now - self._counted_us < _COUNT_US:
            return
        self._counted_us, now_us = now, self._core.clock.now_us()
        counts = self._queue.counts(now_us)
        for kind in MEDIA_KINDS:
            for state in OPEN:
                JOBS_OPEN.labels(kind, state).set(counts.get((kind, state), (0, 0))[0])
        waiting = [oldest for (_, state), (_, oldest) in counts.items() if state != "running"]
        JOB_OLDEST_QUEUED.set((now_us - min(waiting)) / SECOND if waiting else 0)
        self._failed = self._queue.failed_since(now_us - 24 * HOUR)


def build(core: Core) -> Transcoder:
    """Return the transcoder."""
    return Transcoder(core)
