"""Which job is to be done next, and which are those of the dead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from gatehouse_common.clock import SECOND, Clock
from gatehouse_common.db import Job, JobQueue
from gatehouse_common.errors import GatehouseError
from gatehouse_common.ids import new_id
from gatehouse_common.sharing.watching import Watch

DEAD_US = 7 * SECOND
"""Whose job looks the same for so long is dead, or about to let go of it."""
_LOOKED_AT = 256
_LONGEST_NAME = 64


class Dispatch:
    """Finds jobs and takes them.

    Args:
        queue: the jobs.
        clock: the time.
        name: of this process.
    """

    def __init__(self, queue: JobQueue, clock: Clock, name: str) -> None:
        self._queue, self._clock, self._name = queue, clock, name
        self._watch = Watch()
        self._jobs: list[Job] = []

    def look(self, mine: Collection[str], *, room: bool = True) -> None:
        """Look at jobs that wait, some of each user, and at those of others, which may be dead.

        Args:
            mine: ids of those that this process does.
            room: whether one more can be done; else those that wait are not asked for.

        Raises:
            GatehouseError: the index does not answer.
        """
        try:
            running = self._queue.running()
            queued = self._queue.queued(_LOOKED_AT, self._clock.now_us()) if room else []
        except GatehouseError:
            self._watch.blind()
            raise
        now_us = self._clock.monotonic_us()
        others = [job for job in running if job.id not in mine]
        self._watch.see({job.id: (job.owner, job.renewals) for job in others}, now_us)
        left = [job for job in others if self._watch.same_for_us(job.id, now_us) >= DEAD_US]
        self._jobs = left + in_turn(queued, running)

    def take(self) -> Job | None:
        """Take the next job that still is there; None if there is none. It may have failed by being taken too often.

        Raises:
            GatehouseError: the index does not answer.
        """
        while self._jobs:
            seen = self._jobs.pop(0)
            own = f"{self._name[-(_LONGEST_NAME - 37) :]}/{new_id()}"
            taken = self._queue.take(seen, own, self._clock.now_us())
            if taken is not None:
                return taken
        return None


def in_turn(queued: list[Job], running: list[Job]) -> list[Job]:
    """Return jobs in the order in which they are done: each user has a turn, and of a user the oldest comes first."""
    ahead = Counter(job.user for job in running)
    places = []
    for number, job in enumerate(queued):
        places.append((ahead[job.user], number, job))
        ahead[job.user] += 1
    return [job for _, _, job in sorted(places, key=lambda place: place[:2])]
