"""What others are told of plates: in order, and of pictures only when they are in the store."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass

import structlog

from gatehouse_common.bus.notices import Outbox
from gatehouse_common.messages import PlateClosed, PlateSeen
from gatehouse_common.messages.plates import VisitFields
from gatehouse_common.runtime import Core

from .pictures import Pictures, Shot
from .visits import Ended, Judged

log = structlog.get_logger(__name__)

_PATIENCE_S = 0.5
_LAST_PATIENCE_S = 2.0
_CLOSING_S = 5.0


@dataclass(frozen=True, slots=True)
class _Item:
    camera: str
    outcome: Judged | Ended | VisitFields
    """What became of a read; a visit that has ended; one whose pictures are in the store only now."""


class Telling:
    """Publishes what becomes of visits, from a thread of its own.

    Args:
        core: what services are built from.
    """

    def __init__(self, core: Core) -> None:
        self._outbox = Outbox(core.bus)
        self._clock = core.clock
        self._pictures = Pictures(core, self._tell_late)
        self._items: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="plate-telling", daemon=True)
        self._thread.start()

    @property
    def pictures(self) -> Pictures:
        """The pictures of the visits."""
        return self._pictures

    def judged(self, camera: str, judged: Judged, shot: Shot | None) -> None:
        """Tell of a read; ``shot`` has its pictures if they are the best of its visit so far."""
        if shot is not None and judged.visit is not None:
            self._pictures.offer(camera, judged.visit.event, judged.visit.start_us, shot)
        if judged.tell:
            self._items.put(_Item(camera, judged))

    def ended(self, camera: str, ended: Ended) -> None:
        """Tell that a visit has ended."""
        self._items.put(_Item(camera, ended))

    def close(self) -> None:
        """Tell what there is to tell, and end."""
        self._items.put(None)
        self._thread.join(_CLOSING_S)
        self._pictures.close()
        if not self._thread.is_alive():
            while not self._items.empty():  # pictures that were stored just now
                self._tell(self._items.get())
        self._outbox.close()

    def _work(self) -> None:
        while (item := self._items.get()) is not None:
            self._tell(item)

    def _tell(self, item: _Item | None) -> None:
        if item is None:
            return
        try:
            if isinstance(item.outcome, Ended):
                self._tell_end(item.camera, item.outcome)
            elif isinstance(item.outcome, VisitFields):
                self._outbox.send(PlateClosed(camera=item.camera, time_us=self._clock.now_us(), visit=item.outcome))
            else:
                self._tell_read(item.camera, item.outcome)
        except Exception:  # one that cannot be told must not keep the others from being told
            log.exception("what became of a plate could not be told", camera=item.camera)

    def _tell_read(self, camera: str, judged: Judged) -> None:
        visit = judged.visit
        if visit is not None:
            kept = self._pictures.kept(visit.event, _PATIENCE_S if judged.best else 0.0)
            visit = kept.named_in(visit) if kept else visit
        message = PlateSeen(
            camera=camera,
            time_us=judged.sighting.read.time_us,
            read=judged.sighting.read,
            threshold=judged.threshold,
            standing=judged.standing,
            visit=visit,
        )
        self._outbox.send(message)

    def _tell_end(self, camera: str, ended: Ended) -> None:
        kept = self._pictures.end(ended.visit, _LAST_PATIENCE_S)
        visit = kept.named_in(ended.visit) if kept else ended.visit
        self._outbox.send(PlateClosed(camera=camera, time_us=ended.time_us, visit=visit))

    def _tell_late(self, camera: str, visit: VisitFields) -> None:
        """Tell again of a visit whose pictures are there now: after it was told of its end, which may be just now."""
        self._items.put(_Item(camera, visit))
