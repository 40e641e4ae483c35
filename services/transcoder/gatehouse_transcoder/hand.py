"""A worker's hand: takes a job to its end, with a sign of life each second, and lets go of what is another's."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog

from gatehouse_common.clock import SECOND
from gatehouse_common.db import Job, JobQueue, MediaWork
from gatehouse_common.db.job_queue import MOST_TRIES, STEPS, tries
from gatehouse_common.db.media_records import MEDIA_KINDS, WHOLE
from gatehouse_common.errors import Cancelled, GatehouseError, Kind
from gatehouse_common.intake import describe_quietly
from gatehouse_common.messages.jobs import JobState
from gatehouse_common.observability.metrics import JOB_SECONDS, JOBS
from gatehouse_common.runtime import Core, tell_job

from .children import ChildDied
from .pipeline import Stage, do_all
from .room import Room
from .work import Lost, Tools, Work

log = structlog.get_logger(__name__)

_BEAT_S = 1.0
_ALONE_US = 5 * SECOND
"""Who could not give a sign of life for so long is taken for dead soon: it lets go before."""
_PAUSES_S = (2, 20)
_AWAY = frozenset({Kind.UNAVAILABLE, Kind.EXHAUSTED})
_FIRST_WAIT_S, _LONGEST_WAIT_S = 5, 300
_MOST_WAITS = 20
"""So often a job waits in a row for room: more than an hour. Then it has failed, and can be tried again by people."""


class _Alone(Lost):
    """The index is away for so long that others take this process for dead."""


class Hand:
    """Does one job.

    Args:
        core: settings, index, store, bus.
        tools: of child processes.
        job: taken under a name that nobody else has.
        stop: is set when this process is to end.
        waits: how often jobs of this process have waited in a row for something that they need, by id.
    """

    def __init__(self, core: Core, tools: Tools, job: Job, stop: threading.Event, waits: dict[str, int]) -> None:
        self._core, self._tools, self._job, self._stop, self._waits = core, tools, job, stop, waits
        self._queue, self._signs = JobQueue(core.db, MEDIA_KINDS), JobQueue(core.signs, MEDIA_KINDS)
        self._rows, self._room = MediaWork(core.db), Room(core)
        self._stage, self._low, self._high, self._done = "", 0.0, 1.0, 0.0
        self._lost: Lost | None = None
        self._told: tuple[str, int] | None = None
        self._over = threading.Event()

    def do(self, folder: Path) -> None:
        """Do it, and keep what came of it.

        Args:
            folder: for temporary files; made, and taken away at the end.

        Raises:
            GatehouseError: what came of it could not be kept: the index is away. Another worker does it again.
        """
        began_us = self._core.clock.monotonic_us()
        beating = threading.Thread(target=self._beat, name="signs-of-life", daemon=True)
        beating.start()
        state: JobState | None = None
        try:
            state = self._outcome(folder)
        finally:
            self._over.set()
            beating.join()
            shutil.rmtree(folder, ignore_errors=True)
        if state is None:
            return
        self._tell(state)
        self._describe()
        if state != "queued":
            self._waits.pop(self._job.id, None)
            JOBS.labels(self._job.kind, state).inc()
            JOB_SECONDS.labels(self._job.kind).observe((self._core.clock.monotonic_us() - began_us) / SECOND)

    def _outcome(self, folder: Path) -> JobState | None:
        """Do it; return how it is now, None if it is another's."""
        job = self._job
        try:
            result = self._made(folder)
        except _Alone as error:
            log.warning("a job is put back", job=job.id, reason=error.message)
            return self._put_back(error.message)
        except Lost as error:
            log.info("a job is let go of", job=job.id, reason=error.message)
            return None
        except Cancelled as error:
            log.info("a job is put back", job=job.id, reason=error.message)
            return self._put_back()
        except GatehouseError as error:
            return self._after(error)
        except Exception as error:  # a fault of ours costs this job, and no other
            log.exception("a job failed", job=job.id)
            return self._fail(f"{type(error).__name__}: this is a fault of the program; the log has more")
        return self._end("done", "", result)

    def _made(self, folder: Path) -> dict[str, object]:
        job = self._job
        media = self._rows.media(int(job.media or job.parameters["media"]))
        if media.state == "deleted":  # since it was asked for, or by whoever did it, and died before saying so
            return {}
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        work = Work(
            self._core,
            self._tools,
            self._rows,
            job,
            media,
            folder,
            self._ending,
            self._advance,
            self._waits.get(job.id, 0),
        )
        do_all(work, lambda stage, low, high: self._begin(work, stage, low, high))
        return work.result

    def _begin(self, work: Work, stage: Stage, low: float, high: float) -> None:
        is_second = bool(self._stage) and not self._low
        self._stage, self._low, self._high, self._done = stage.name, low, high, low
        if is_second:
            self._describe()  # the original is there, and what else is made of it may take hours
        if work.job.kind in WHOLE:
            work.learn(stage=stage.name)
        self._tell("running")

    def _advance(self, done: float) -> None:
        self._done = self._low + (self._high - self._low) * min(1.0, max(0.0, done))

    def _ending(self) -> Cancelled | None:
        """Return why the work is to be broken off, None while it goes on.

        Raises:
            ResourceExhausted: for want of room.
        """
        if self._lost is not None:
            return self._lost
        if self._stop.is_set():
            return Cancelled("this process ends")
        self._room.look()
        return None

    def _beat(self) -> None:
        """Give a sign of life each second; find out that the job is another's."""
        clock = self._core.clock
        last_us = clock.monotonic_us()
        while not clock.wait(self._over, _BEAT_S):
            try:
                if not self._signs.renew(self._job, self._permille, self._stage):
                    self._lost = Lost("another process does it by now, or it was called off")
                    return
                last_us = clock.monotonic_us()
            except GatehouseError as error:
                log.warning("no sign of life could be given", job=self._job.id, reason=error.message)
                if clock.monotonic_us() - last_us > _ALONE_US:
                    self._lost = _Alone("the index is away for so long that others take this process for dead")
                    return
            self._tell("running")

    def _after(self, error: GatehouseError) -> JobState | None:
        """Let a job be begun again, or have failed; return how it is."""
        if isinstance(error, ChildDied):
            return self._died(error)
        if error.kind in _AWAY:
            return self._wait(error)
        return self._fail(error.message)

    @property
    def _permille(self) -> int:
        return min(STEPS - 1, round(self._done * STEPS))

    def _died(self, error: ChildDied) -> JobState | None:
        """Let a job be begun again whose child was killed, if it is not too often."""
        begun = tries(self._job)
        if begun >= MOST_TRIES:
            return self._fail(f"{error.message}, {begun} times: it is not tried again")
        log.warning("a job is tried again", job=self._job.id, reason=error.message)
        at_us = self._core.clock.now_us() + _PAUSES_S[min(begun, len(_PAUSES_S)) - 1] * SECOND
        return self._put_back(error.message, at_us, counts=True)

    def _wait(self, error: GatehouseError) -> JobState | None:
        """Let a job wait for what it needs, ever longer."""
        waited = self._waits[self._job.id] = self._waits.get(self._job.id, 0) + 1
        if error.kind is Kind.EXHAUSTED and waited > _MOST_WAITS:
            return self._fail(f"{error.message}; it has waited {_MOST_WAITS} times")
        pause_s = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2 ** min(waited - 1, 10))
        log.warning("a job waits", job=self._job.id, reason=error.message, seconds=pause_s)
        return self._put_back(error.message, self._core.clock.now_us() + pause_s * SECOND)

    def _fail(self, detail: str) -> JobState | None:
        log.warning("a job failed", job=self._job.id, kind=self._job.kind, stage=self._stage, reason=detail)
        return self._end("failed", detail, None)

    def _put_back(self, detail: str = "", at_us: int = 0, *, counts: bool = False) -> JobState | None:
        kept = self._patiently(lambda: self._queue.put_back(self._job, detail, at_us, counts=counts))
        return "queued" if kept else None

    def _end(self, state: JobState, detail: str, result: Mapping[str, object] | None) -> JobState | None:
        kept = self._patiently(lambda: self._queue.end(self._job, state, detail, result, self._core.clock.now_us()))
        return state if kept else None

    def _patiently(self, keep: Callable[[], bool]) -> bool:
        """Have the index keep what came of a job, however long it is away, unless this process ends.

        What it does not hear is taken for a death, and counts as a try of the job, which has done nothing wrong. Who
        cannot look at the index either takes nobody for dead, and then for some seconds more; who can has the job.
        """
        while True:
            try:
                return keep()
            except GatehouseError as error:
                if error.kind not in _AWAY or self._core.clock.wait(self._stop, _BEAT_S):
                    raise

    def _describe(self) -> None:
        """Write down what the index knows of the medium now: with a lost index it would be lost too."""
        if self._job.media is not None:
            describe_quietly(self._core, self._job.media)

    def _tell(self, state: JobState) -> None:
        """Tell whoever waits for it how far it is, unless that is known."""
        done = STEPS if state == "done" else self._permille
        if state == "running" and self._told == (self._stage, done):
            return
        self._told = (self._stage, done)
        tell_job(self._core, self._job, state, self._stage if state == "running" else "", done)
