"""The workers that record: one for each camera, and never two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from gatehouse_common.clock import SECOND, Clock
from gatehouse_common.messages import CameraState, GapCause, Interruption
from gatehouse_common.runtime import Check

from .absences import Absences
from .camera import CameraWorker
from .roster import Assignment, Listing

log = structlog.get_logger(__name__)

Make = Callable[[Assignment, Sequence[Interruption]], CameraWorker]


class Workers:
    """Starts and stops workers.

    A worker that does not end in time is kept until it has: a second one of the same camera would write beside it.

    Args:
        absences: why cameras were not recorded.
        clock: the time.
        stop_s: seconds that workers which are stopped together get to end.
    """

    def __init__(self, absences: Absences, clock: Clock, stop_s: float) -> None:
        self._absences, self._clock, self._stop_s = absences, clock, stop_s
        self._all_end = False
        self._working: dict[str, CameraWorker] = {}
        self._ending: dict[str, CameraWorker] = {}
        self._causes: dict[str, GapCause] = {}
        self._ends: dict[str, int] = {}

    @property
    def present(self) -> frozenset[str]:
        """The cameras that have a worker now, those included whose worker was stopped and has not ended."""
        return frozenset({*self._working, *self._ending})

    @property
    def waiting(self) -> bool:
        """Whether workers that were stopped have not ended yet, so that :meth:`follow` has to be called again."""
        return bool(self._ending)

    def follow(self, listing: Listing | None, make: Make) -> None:
        """Start, restart and stop workers so that exactly the listed cameras are recorded.

        A listing that is not the index's own starts workers and stops none, and None changes nothing: not to know a
        camera does not mean that it should not be recorded.

        Args:
            listing: the cameras, None if they are not known now.
            make: makes a worker from a camera with the end of its recording, and why it was not recorded since.
        """
        self._reap()
        self._absences.update({i: w.interruptions for i, w in self._working.items()})
        if listing is not None:
            self._let_go(listing)
            for one in listing.wanted:
                if one.id not in self._working and one.id not in self._ending:
                    self._start(one, make)
            if listing.from_index:
                self._absences.settled()
        self._absences.keep()

    def _let_go(self, listing: Listing) -> None:
        """Stop the workers that should not go on as they are; without the index only those that died of a fault."""
        dead = [i for i, w in self._working.items() if w.join(0)]
        self.stop(dead, GapCause.SERVICE_DOWN)
        if not listing.from_index:
            return
        urls = {one.id: one.url for one in listing.wanted}
        self.stop([i for i in self._working if i in listing.elsewhere], GapCause.SERVICE_DOWN)
        gone = [i for i, w in self._working.items() if urls.get(i) != w.url]
        self.stop(gone, GapCause.DISABLED)
        for camera in listing.elsewhere:
            self._absences.forget(camera)
        for camera in {*gone, *listing.off, *(self._absences.known - urls.keys())}:
            self._absences.off(camera)

    def stop(self, cameras: Sequence[str], cause: GapCause) -> None:
        """Stop workers, and wait for their ends as long as they have; ``cause`` is that of the gap that begins."""
        for camera in cameras:
            self._causes[camera] = cause
            self._ending[camera] = self._working[camera]  # present all the time, see there
            del self._working[camera]
            self._ending[camera].stop(cause)
        until_us = self._clock.monotonic_us() + round(self._stop_s * SECOND)
        for camera in cameras:
            worker = self._ending[camera]
            if worker.join(max(0.0, (until_us - self._clock.monotonic_us()) / SECOND)):
                self._ended(worker)
            else:
                log.error("camera does not stop; it is not begun anew before it has", camera=camera)

    def stop_all(self, cause: GapCause) -> None:
        """Stop every worker, and keep what is known of their cameras."""
        self._all_end = True
        self.stop(list(self._working), cause)
        self._absences.keep()

    def watch(self) -> None:
        """Let workers see to connections over which no picture comes; called every half second or so.

        Those that were told to stop too: no picture may come that would end them.
        """
        for worker in list(self._working.values()):
            worker.watch()
        for worker in list(self._ending.values()):
            worker.watch(hurry=self._all_end)

    def checks(self) -> list[Check]:
        """Return for each camera whether it records as it should."""
        found = [
            Check(f"camera {w.id}", ok=False, detail="its last connection does not end; it is waited for")
            for w in list(self._ending.values())
        ]
        for worker in list(self._working.values()):
            status = worker.status
            ok = status.state in {CameraState.RECORDING, CameraState.STARTING, CameraState.ENDED}
            why = (status.detail, (status.cause or GapCause.CAMERA_OFFLINE).value)
            found.append(Check(f"camera {worker.id}", ok, *(() if ok else why)))
        return found

    def _start(self, one: Assignment, make: Make) -> None:
        ends = [end for end in (one.end_us, self._ends.get(one.id)) if end is not None]
        known = replace(one, end_us=max(ends, default=None))
        # A lease of a camera that has footage comes from a worker that is gone.
        worker = make(known, self._absences.on(one.id, taken_over=one.epoch > 0 and known.end_us is not None))
        worker.start()
        self._working[one.id] = worker

    def _reap(self) -> None:
        """Forget the workers that have ended by now, and tell the others again that they should."""
        for camera, worker in list(self._ending.items()):
            if worker.join(0):
                log.info("camera has stopped at last", camera=camera)
                self._ended(worker)
            else:
                worker.stop(self._causes[camera])  # a source that was being opened then can be interrupted now

    def _ended(self, worker: CameraWorker) -> None:
        del self._ending[worker.id], self._causes[worker.id]
        self._absences.update({worker.id: worker.interruptions})
        if worker.end_us is not None:
            self._ends[worker.id] = worker.end_us
