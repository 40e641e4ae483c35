"""Checks as jobs: whoever leads takes the oldest, tells how far it is, and keeps what came of it in the index."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import structlog

from gatehouse_common.clock import SECOND
from gatehouse_common.db import Job, JobRepository
from gatehouse_common.db.jobs import CONSISTENCY_CHECK
from gatehouse_common.errors import Cancelled, GatehouseError
from gatehouse_common.observability.metrics import CONSISTENCY_CHECKED, CONSISTENCY_ISSUES, JOB_SECONDS, JOBS
from gatehouse_common.runtime import Check as HealthCheck
from gatehouse_common.runtime import Core

from .care import LIVE, Care
from .check import Check, Report
from .last_check import keep_left, kept_left, left_of
from .problem import Kind, Problem
from .repair import Repair
from .safety import refuse_if_store_is_away
from .timetable import Timetable

log = structlog.get_logger(__name__)

MOST_TOLD = 1000
"""So many problems are kept with a job, word by word; all are counted."""
_LOOK_S = 1.0
_RENEW_US = SECOND


class CheckJobs:
    """Does the jobs ``consistency-check``, one at a time, in a thread of its own.

    Args:
        core: index, store and bus.
        leads: whether this process is the one to do them, at this moment.
        care: who else is at work.
    """

    def __init__(self, core: Core, leads: Callable[[], bool], care: Care = LIVE) -> None:
        self._core, self._leads, self._care = core, leads, care
        self._jobs, self._timetable = JobRepository(core.db), Timetable(core)
        self._told = ""
        self._last = ""
        self._all: dict[str, int] = {}
        self._has_told_all = False

    def run(self, stop: threading.Event) -> None:
        """Do what is asked for and what is due until told to stop."""
        while not self._core.clock.wait(stop, _LOOK_S):
            try:
                self.look(stop)
            except GatehouseError as error:
                if error.message != self._told:
                    log.warning("checks wait", reason=error.message)
                self._told = error.message
            except Exception:  # a fault in one check must not end those of every night
                log.exception("a check failed")

    def look(self, stop: threading.Event) -> bool:
        """Ask for what is due, and do the oldest job if there is one; return whether there was.

        Raises:
            GatehouseError: the index does not answer.
        """
        if not self._leads():
            self._has_told_all = False
            return False
        self._tell_all()
        self._timetable.look()
        self._told = ""
        seen = self._jobs.next(CONSISTENCY_CHECK)
        job = None if seen is None else self._jobs.take(seen, self._core.name, self._core.clock.now_us())
        if job is None:
            return False
        self._do(_Hand(self._core, self._jobs, job, stop, self._leads))
        return True

    def _tell_all(self) -> None:
        """Tell, once, what the last check of everything found, whoever did it: a start mends nothing of it."""
        if self._has_told_all:
            return
        self._all = kept_left(self._core)
        self._last = _told(self._all)
        for kind, count in self._all.items():
            CONSISTENCY_ISSUES.labels(kind).set(count)
        self._has_told_all = True

    def health(self) -> list[HealthCheck]:
        """Return what the last check of everything found: to be told, and no reason to be unready."""
        return [HealthCheck("consistency", ok=True, detail=self._last)] if self._last else []

    def _do(self, hand: _Hand) -> None:
        began_us, since = self._core.clock.now_us(), self._core.clock.monotonic_us()
        state, detail, result = "failed", "", None
        try:
            report, mended = self._checked(hand)
            state, result = "done", _result(report, mended, hand.parameters, began_us)
            detail = _sentence(report, mended)
            self._note(report, mended, hand.parameters, began_us)
        except Cancelled as error:
            log.info("a check is left to be done again", reason=error.message)
            hand.put_back()
            return
        except GatehouseError as error:
            detail = error.message
            log.warning("a check failed", reason=error.message)
        except Exception as error:
            detail = f"{type(error).__name__}: this is a fault of the program; the log has more"
            hand.end(state, detail, result)
            raise
        hand.end(state, detail, result)
        JOBS.labels(CONSISTENCY_CHECK, state).inc()
        JOB_SECONDS.labels(CONSISTENCY_CHECK).observe((self._core.clock.monotonic_us() - since) / SECOND)

    def _checked(self, hand: _Hand) -> tuple[Report, dict[Problem, str]]:
        rate = self._core.settings.values.maintenance.mb_per_second * 1e6
        care = replace(self._care, bytes_per_second=rate)
        check = Check(self._core, care, quick=bool(hand.parameters.get("quick")), stop=hand.stopped)
        if hand.parameters.get("scope") == "new":
            report = check.since(self._timetable.checked_until(), hand.advance)
        else:
            hand.total = check.steps()
            report = check.all(hand.advance)
        if not hand.parameters.get("repair") or not report.problems:
            return report, {}
        refuse_if_store_is_away(self._core, report)
        repair, mended = Repair(self._core, check, self._core.bus.publish), dict[Problem, str]()
        for problem in repair.ordered(report.problems):
            hand.advance(1)
            what = repair.mend(problem)
            if what is not None:
                mended[problem] = what
        return report, mended

    def _note(
        self, report: Report, mended: Mapping[Problem, str], parameters: Mapping[str, Any], began_us: int
    ) -> None:
        """Keep what a check found where people and programs look for it."""
        scope = "new" if parameters.get("scope") == "new" else "all"
        left = left_of(report, mended)
        if scope == "all":
            self._all, self._last = left, _told(left)
        for kind in Kind:
            CONSISTENCY_ISSUES.labels(kind.value).set(max(self._all.get(kind.value, 0), left.get(kind.value, 0)))
        CONSISTENCY_CHECKED.labels(scope).set(self._core.clock.now_us() / SECOND)
        if not parameters.get("quick"):  # which does not see all that there may be
            self._timetable.checked(began_us)
            if scope == "all":
                keep_left(self._core, left)
        log.info("index and store were compared", scope=scope, chunks=report.chunks, files=report.files, left=left)


class _Hand:
    """A job in hand: it goes on for as long as this process leads and the job is its own."""

    def __init__(
        self, core: Core, jobs: JobRepository, job: Job, stop: threading.Event, leads: Callable[[], bool]
    ) -> None:
        self._core, self._jobs, self._job, self._leads = core, jobs, job, leads
        self._done, self._renewed_us = 0, core.clock.monotonic_us()
        self._lost = False
        self.stopped, self.total = stop, 0

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What was asked for."""
        return self._job.parameters

    def advance(self, steps: int) -> None:
        """Count steps, and give a sign of life once a second.

        Raises:
            Cancelled: this process is to end, or another does the job by now.
        """
        self._done += steps
        now = self._core.clock.monotonic_us()
        if self.stopped.is_set() or not self._leads():
            raise Cancelled("this process does not do it any more")
        if now - self._renewed_us < _RENEW_US:
            return
        self._renewed_us = now
        renewed = self._jobs.renew(self._job, self._done, max(self.total, self._done), "comparing")
        if renewed is None:
            self._lost = True
            raise Cancelled("another process does it by now, or it was called off")
        self._job = renewed

    def end(self, state: str, detail: str, result: Mapping[str, Any] | None) -> None:
        """Keep what came of it."""
        kept = self._jobs.renew(self._job, self._done, self._done, detail)
        if kept is not None:
            self._jobs.end(kept, state, detail, result, self._core.clock.now_us())

    def put_back(self) -> None:
        """Leave it to whoever leads next."""
        if not self._lost:
            try:
                self._jobs.put_back(self._job)
            except GatehouseError as error:  # then it is found as one that a crash has left
                log.warning("a check could not be put back", reason=error.message)


def _result(
    report: Report, mended: Mapping[Problem, str], parameters: Mapping[str, Any], began_us: int
) -> dict[str, Any]:
    told = [
        {
            "kind": p.kind.value,
            "area": p.area.value,
            "camera": p.camera,
            "key": p.key,
            "detail": p.detail,
            "mended": mended.get(p),
        }
        for p in report.problems[:MOST_TOLD]
    ]
    return {
        "scope": parameters.get("scope", "all"),
        "began_us": began_us,
        "chunks": report.chunks,
        "files": report.files,
        "clips": report.clips,
        "sessions": report.sessions,
        "pictures": report.pictures,
        "spool_files": report.spool_files,
        "quarantined": report.quarantined,
        "counts": report.counts,
        "mended": len(mended),
        "problems": told,
    }


def _sentence(report: Report, mended: Mapping[Problem, str]) -> str:
    if not report.problems:
        return "index and store agree"
    return f"{len(report.problems)} problems, {len(mended)} of them mended: {_counted(report.counts)}"


def _told(left: Mapping[str, int]) -> str:
    return f"the last check found {_counted(left)}: `gatehouse check` tells more" if left else ""


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())
