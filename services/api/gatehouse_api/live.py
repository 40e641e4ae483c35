"""Live views: one hub per camera and kind, asked for by message, shared by all who watch."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from gatehouse_common.bus import Delivery, Subscription
from gatehouse_common.clock import SECOND, Clock
from gatehouse_common.errors import Unavailable
from gatehouse_common.messages import LiveMedia
from gatehouse_common.messages.live import LiveKind
from gatehouse_common.observability.metrics import LIVE_PLACES, LIVE_VIEWERS

from .live_feed import LiveFeeds

_ASK_AGAIN_US = 3 * SECOND
_MOST_FRAGMENTS = 900
_PREVIEWS_KEPT = 32


@dataclass(frozen=True, slots=True)
class Live:
    """Something to show.

    Attributes:
        number: counts up by one; a viewer that sees a hole was too slow.
        run: the run it is of.
        start_dts: decode time of its first sample, for media.
        sync: whether a viewer can begin here.
        at_us: wall time.
        data: a fragment, or a JPEG.
    """

    number: int
    run: str
    start_dts: int
    sync: bool
    at_us: int
    data: bytes


class Hub:
    """What comes from one camera, for any number of viewers; each reads at its own pace."""

    def __init__(self, feeds: LiveFeeds, clock: Clock, camera: str, kind: LiveKind) -> None:
        self._feeds, self._clock, self.camera, self.kind = feeds, clock, camera, kind
        self._ring: deque[Live] = deque(maxlen=_MOST_FRAGMENTS if kind == "media" else _PREVIEWS_KEPT)
        self._changed = threading.Condition()
        self._count = 0
        self._asked_us: int | None = None
        self._bells: set[threading.Event] = set()
        self.viewers = 0
        self._subscription: Subscription = feeds.open(camera, kind, self._on, _MOST_FRAGMENTS)

    def ask(self) -> None:
        """Ask capture for what this hub shows, if it has not been asked lately."""
        now = self._clock.monotonic_us()
        if self._asked_us is None or now - self._asked_us > _ASK_AGAIN_US:
            self._asked_us = now
            self._feeds.ask(self.camera, self.kind)

    def next_after(self, number: int, timeout_s: float) -> list[Live]:
        """Return what came after ``number``, waiting for at most ``timeout_s``; empty if nothing came."""
        with self._changed:
            if self._count <= number:
                self._changed.wait(timeout_s)
            return [one for one in self._ring if one.number > number]

    def newest_after(self, number: int) -> Live | None:
        """Return the newest if it came after ``number``; what came between is passed over, nothing is waited for."""
        with self._changed:
            return self._ring[-1] if self._count > number else None

    @contextmanager
    def ringing(self, bell: threading.Event) -> Iterator[None]:
        """Set ``bell`` whenever something comes, for who waits for several hubs at once."""
        with self._changed:
            self._bells.add(bell)
        try:
            yield
        finally:
            with self._changed:
                self._bells.discard(bell)

    @property
    def newest(self) -> int:
        """The number of the newest; 0 before the first."""
        return self._count

    def close(self) -> None:
        """Stop listening."""
        self._subscription.close()

    def _on(self, delivery: Delivery) -> None:
        message, body = delivery.message, delivery.body
        if body is None:
            return
        with self._changed:
            self._count += 1
            if isinstance(message, LiveMedia):
                one = Live(self._count, message.run, message.start_dts, message.sync, message.time_us, bytes(body))
            else:
                one = Live(self._count, "", 0, True, message.time_us, bytes(body))
            self._ring.append(one)
            self._changed.notify_all()
            for bell in self._bells:
                bell.set()


class LiveDesk:
    """All hubs; a hub lives as long as it has viewers."""

    def __init__(self, feeds: LiveFeeds, clock: Clock, most_viewers: int) -> None:
        self._feeds, self._clock, self._most = feeds, clock, most_viewers
        self._lock = threading.Lock()
        self._hubs: dict[tuple[str, LiveKind], Hub] = {}
        self._viewers = 0

    @contextmanager
    def watch(self, camera: str, kind: LiveKind) -> Iterator[Hub]:
        """Yield a camera's hub for as long as a viewer watches.

        Raises:
            Unavailable: there are as many viewers as the server bears.
        """
        with self.watch_all([camera], kind) as (hub,):
            yield hub

    @contextmanager
    def watch_all(self, cameras: Sequence[str], kind: LiveKind) -> Iterator[list[Hub]]:
        """Yield the hubs of several cameras, in their order, for one viewer, who takes one place and holds one thread.

        Raises:
            Unavailable: there are as many viewers as the server bears.
        """
        with self._place(), ExitStack() as held:
            hubs = [held.enter_context(self._hub(camera, kind)) for camera in cameras]
            for hub in hubs:
                hub.ask()
            yield hubs

    @contextmanager
    def _place(self) -> Iterator[None]:
        with self._lock:
            if self._viewers >= self._most:
                raise Unavailable(f"{self._most} live views are open, and that is the limit; close one")
            self._viewers += 1
        LIVE_PLACES.inc()
        try:
            yield
        finally:
            LIVE_PLACES.dec()
            with self._lock:
                self._viewers -= 1

    @contextmanager
    def _hub(self, camera: str, kind: LiveKind) -> Iterator[Hub]:
        with self._lock:
            hub = self._hubs.get((camera, kind))
            if hub is None:
                hub = self._hubs[camera, kind] = Hub(self._feeds, self._clock, camera, kind)
            hub.viewers += 1
        LIVE_VIEWERS.labels(camera, kind).inc()
        try:
            yield hub
        finally:
            LIVE_VIEWERS.labels(camera, kind).dec()
            with self._lock:
                hub.viewers -= 1
                gone = hub.viewers == 0
                if gone:
                    self._hubs.pop((camera, kind), None)
            if gone:
                hub.close()

    def full(self) -> bool:
        """Return whether no further viewer is let in."""
        return self._viewers >= self._most
