"""What happens, for pages that want to be told: one hub, filled from the bus, with a memory of the last thousand."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from gatehouse_common.bus import Bus, Delivery, Subscription
from gatehouse_common.clock import Clock
from gatehouse_common.db import OF_NO_CAMERA, Visible
from gatehouse_common.db.media_records import EXPORT
from gatehouse_common.errors import Unavailable
from gatehouse_common.ids import new_id
from gatehouse_common.messages import ClipStored, JobChanged, PlateIndexed, PlateListed
from gatehouse_common.observability.metrics import EVENT_VIEWERS

from .lookouts import Lookout, States

RING = 1000
_WAITING = 1000
PLATE_NAMES = {
    "opened": "plate.detected",
    "updated": "plate.updated",
    "closed": "plate.closed",
    "corrected": "plate.corrected",
}
EXPORTS = "exports"
"""Jobs that tell of cameras are a topic of their own inside: not all who are told of jobs are told of these."""
LISTED = "plate.listed"
JOB_NAMES = {"done": "job.done", "failed": "job.failed", "cancelled": "job.cancelled"}


def place_of_user(user: int) -> str:
    """Return what stands for the camera in events of a user's jobs; no camera is called so."""
    return f"user:{user}"


@dataclass(slots=True)
class Event:
    """Something that happened.

    Attributes:
        number: counts up by one in this process.
        id: UUIDv7 of the message that told it, the same in every process.
        topic: plates, clips, cameras, recordings or jobs.
        name: e.g. ``plate.closed``.
        subject: id of the plate event, the clip, the camera, the session, or the job.
        data: what is told of it, as JSON, to who sees all cameras; None: not yet looked up.
        camera: whose it is; of a job ``place_of_user``.
        owner: number of the user whose it is; 0: of nobody in particular.
    """

    number: int
    id: str
    topic: str
    name: str
    subject: str
    data: str | None = None
    camera: str = ""
    owner: int = 0


def reset() -> Event:
    """Return what tells a page that it has missed more than can be told, and should look at everything anew."""
    return Event(0, new_id(), "", "reset", "", "{}")


Sights = Mapping[str, Visible | None]
"""By topic what of it there is for a viewer; None: everything."""


class Resolve(Protocol):
    """Fills the ``data`` of events; what is gone, or not there for who is told, gets an empty one."""

    def __call__(self, events: Sequence[Event], visible: Visible | None = None) -> None:
        """Fill in what is told of events to who sees what is ``visible``, None: everything."""


class EventHub:
    """Remembers the last events and hands them to whoever watches. Safe for many threads.

    Args:
        bus: where plates and clips are told of.
        clock: the time.
        most_viewers: so many may watch.
        resolve: looks up what is told of events: when somebody is to be told, and once for all.
        states: by topic, what is looked at while somebody watches.
    """

    def __init__(
        self, bus: Bus, clock: Clock, most_viewers: int, resolve: Resolve, states: Mapping[str, States]
    ) -> None:
        self._most, self._resolve = most_viewers, resolve
        self._lookouts = {topic: Lookout(clock, look) for topic, look in states.items()}
        self._ring: deque[Event] = deque(maxlen=RING)
        self._changed = threading.Condition()
        self._resolving = threading.Lock()
        self._count = 0
        self._viewers = 0
        self._subscription: Subscription = bus.subscribe_transient(
            [PlateIndexed, PlateListed, ClipStored, JobChanged], self._on, maxlen=_WAITING
        )

    @property
    def newest(self) -> int:
        """The number of the newest event; 0 before the first."""
        return self._count

    def full(self) -> bool:
        """Return whether no further viewer is let in."""
        return self._viewers >= self._most

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Take a viewer's place for as long as it watches.

        Raises:
            Unavailable: there are as many as the server bears.
        """
        with self._changed:
            if self._viewers >= self._most:
                raise Unavailable(f"{self._most} pages are told of events already, and that is the limit; close one")
            self._viewers += 1
        EVENT_VIEWERS.inc()
        try:
            yield
        finally:
            EVENT_VIEWERS.dec()
            with self._changed:
                self._viewers -= 1

    def next_after(
        self,
        number: int,
        topics: Collection[str],
        timeout_s: float,
        sights: Sights | None = None,
        user: int | None = None,
    ) -> tuple[int, list[Event]]:
        """Return the number to go on from, and what came after ``number``; waits for at most ``timeout_s``.

        Of whom more has been forgotten than was told, the first is a ``reset``. ``sights``: what there is for the
        viewer; None: everything. ``user``: of what is somebody's, only what is this user's; None: everybody's.
        """
        sights = sights or {}
        for topic in self._lookouts.keys() & set(topics):
            for subject, one in self._lookouts[topic].changes().items():
                self._add(new_id(), topic, one.name, subject, one.data, one.camera, one.owner)
        with self._changed:
            if self._count <= number:
                self._changed.wait(timeout_s)
            newest = self._count
            fresh = [one for one in self._ring if one.number > number and one.topic in topics]
            found = [one for one in fresh if _is_for(sights.get(one.topic), one, user)]
            if self._ring and self._ring[0].number > number + 1:
                found.insert(0, reset())
        found = self._told(found, sights)
        return newest, [one for one in found if one.data]

    def number_of(self, event_id: str) -> int | None:
        """Return the number of an event; None if it is not remembered."""
        with self._changed:
            for one in self._ring:
                if one.id == event_id:
                    return one.number
        return None

    def _told(self, events: Sequence[Event], sights: Sights) -> list[Event]:
        """Return events as they are told to a viewer.

        What is told to who sees everything is looked up once for all of them. To others it may be something else: how
        often a plate came, where they may know of it.
        """
        own = {
            topic: visible for topic, visible in sights.items() if visible is not None and topic not in self._lookouts
        }
        told = [replace(one, data=None) if one.topic in own else one for one in events]
        self.fill([one for one in told if one.topic not in own])
        for topic, visible in own.items():
            if mine := [one for one in told if one.topic == topic]:
                self._resolve(mine, visible)
        return told

    def fill(self, events: Sequence[Event]) -> None:
        """Look up what is to be told of events of which that is not known yet."""
        with self._resolving:
            wanted = [one for one in events if one.data is None]
            if wanted:
                self._resolve(wanted)

    def close(self) -> None:
        """Stop listening."""
        self._subscription.close()

    def _on(self, delivery: Delivery) -> None:
        message = delivery.message
        if isinstance(message, PlateIndexed):
            self._add(message.id, "plates", PLATE_NAMES[message.change], message.event, camera=message.camera)
        elif isinstance(message, PlateListed):
            if self.number_of(message.id) is None:  # it is told again by who cannot know that it was heard
                self._add(message.id, "plates", LISTED, message.id, camera=message.camera)
        elif isinstance(message, ClipStored):
            name = "clip.ready" if message.key else "clip.failed"
            self._add(message.id, "clips", name, message.clip, camera=message.camera)
        elif isinstance(message, JobChanged) and message.user is not None:
            name = JOB_NAMES.get(message.state, "job.changed")
            topic = EXPORTS if message.kind == EXPORT else "jobs"
            self._add(message.id, topic, name, message.job, camera=place_of_user(message.user))

    def _add(
        self,
        event_id: str,
        topic: str,
        name: str,
        subject: str,
        data: str | None = None,
        camera: str = "",
        owner: int = 0,
    ) -> None:
        with self._changed:
            self._count += 1
            self._ring.append(Event(self._count, event_id, topic, name, subject, data, camera, owner))
            self._changed.notify_all()


def _is_for(visible: Visible | None, event: Event, user: int | None) -> bool:
    """Return whether an event is of a camera that is there for a viewer, and theirs where it is somebody's."""
    mine = user is None or event.owner in {0, user}
    of_no_camera = (
        event.topic == "recordings" and event.camera == OF_NO_CAMERA
    )  # recorded in a browser: no grant counts
    return mine and (visible is None or of_no_camera or visible.has(event.camera))
