"""Who decodes next: few threads of low priority for all cameras, the one that has waited longest first."""

from __future__ import annotations

import itertools
import os
import threading
from typing import Protocol

import structlog

log = structlog.get_logger(__name__)

_NICE = 10


class Task(Protocol):
    """What wants turns."""

    @property
    def urgent(self) -> bool:
        """Whether it has to come before those that are not."""
        ...

    def turn(self) -> bool:
        """Do a little, and return whether there is more to do. Never called by two threads at once."""
        ...


class Turns:
    """Gives turns to those that have something to do: all get as many, however much each would like to have.

    Those that are not urgent get what the others leave.

    Args:
        threads: how many work at once; by default half as many as there are processors, so that recording and
            whoever looks at it always have the others.
    """

    def __init__(self, threads: int | None = None) -> None:
        self._ready: dict[Task, int] = {}
        """Those that wait, with the number of the last turn that each had."""
        self._last: dict[Task, int] = {}
        self._busy: set[Task] = set()
        self._again: set[Task] = set()
        self._count = itertools.count(1)
        self._changed = threading.Condition()
        self._closing = False
        number = threads or max(1, (os.cpu_count() or 2) // 2)
        self._threads = [threading.Thread(target=self._work, name=f"watch-{k}", daemon=True) for k in range(number)]
        self._started = False

    def wake(self, task: Task) -> None:
        """Tell that ``task`` has something to do. Costs nothing if that is known."""
        if task in self._ready:
            return
        with self._changed:
            if self._closing:
                return
            if not self._started:
                self._started = True
                for thread in self._threads:
                    thread.start()
            if task in self._busy:
                self._again.add(task)
            else:
                self._ready[task] = self._last.get(task, 0)
                self._changed.notify()

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do now."""
        with self._changed:
            return not self._ready and not self._busy

    def forget(self, task: Task) -> None:
        """Let go of a task that will not come back; a turn that it has now goes on to its end."""
        with self._changed:
            for known in (self._ready, self._last):
                known.pop(task, None)
            self._again.discard(task)

    def close(self) -> None:
        """End the threads after the turns that they are at."""
        with self._changed:
            self._closing = True
            self._ready.clear()
            self._changed.notify_all()
        for thread in self._threads if self._started else []:
            thread.join()

    def _work(self) -> None:
        _be_modest()
        while (task := self._next()) is not None:
            more = False
            try:
                more = task.turn()
            except Exception:  # a fault in one camera's pictures must not end those of the others
                log.exception("a camera's pictures could not be looked at")
            with self._changed:
                self._busy.discard(task)
                if (more or task in self._again) and not self._closing:
                    self._again.discard(task)
                    self._ready[task] = self._last.get(task, 0)
                    self._changed.notify()

    def _next(self) -> Task | None:
        with self._changed:
            while not self._ready:
                if self._closing:
                    return None
                self._changed.wait()
            task = min(self._ready, key=lambda one: (not one.urgent, self._ready[one]))
            del self._ready[task]
            self._busy.add(task)
            self._last[task] = next(self._count)
            return task


def _be_modest() -> None:
    """Let recording go first. On Linux priorities are those of threads."""
    try:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
    except (AttributeError, OSError) as error:
        log.debug("watching has the priority of recording", reason=str(error))
