"""Pictures that wait to be looked at: each camera has its turn, and what is too much goes, the oldest first."""

from __future__ import annotations

import threading
from bisect import insort
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from gatehouse_common.messages import FrameSampled
from gatehouse_common.observability.metrics import DETECTOR_FRAMES, MESSAGES_DROPPED

from .answers import Answer

LATE_TICKS = 2 * 90_000
"""A picture that is so much older than one of its run that was handed out is not worth a look any more."""
_REMEMBERED = 512
_MOST_ASKED = 16


@dataclass(slots=True)
class Picture:
    """A picture on its way.

    Attributes:
        jpeg: its bytes.
        region: syntaxes of plates to prefer.
        done: gets what became of it; of one camera in the order in which they were handed out.
        message: what capture says of it; None for one that somebody asks about.
    """

    jpeg: bytes | memoryview
    region: str
    done: Callable[[Picture, Answer], None]
    message: FrameSampled | None = None
    answer: Answer | None = field(default=None, repr=False)

    @property
    def camera(self) -> str:
        """Id of its camera, empty if it has none."""
        return self.message.camera if self.message else ""

    @property
    def order(self) -> tuple[str, int]:
        """Its place in time: ids of runs are in the order in which they began."""
        return (self.message.run, self.message.pts) if self.message else ("", 0)


@dataclass(slots=True)
class _Camera:
    """The pictures of one camera: that wait, and that are being looked at."""

    waiting: list[Picture] = field(default_factory=list)
    in_hand: deque[Picture] = field(default_factory=deque)
    newest: tuple[str, int] = ("", 0)
    seen: OrderedDict[tuple[object, ...], None] = field(default_factory=OrderedDict)
    delivering: threading.Lock = field(default_factory=threading.Lock)


class Intake:
    """A queue that is fair over cameras. Safe for use by many threads.

    Args:
        most: so many wait at most; then the oldest of the camera that has most of them goes.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._cameras: dict[str, _Camera] = {}
        self._turns: deque[str] = deque()
        self._asked: deque[Picture] = deque()
        self._waiting = 0
        self._changed = threading.Condition()
        self._closed = False

    def put(self, picture: Picture) -> None:
        """Let a camera's picture wait for its turn; one that has been here, or is far too old, is passed over."""
        camera_id = picture.camera
        with self._changed:
            camera = self._cameras.setdefault(camera_id, _Camera())
            if self._is_late(camera, picture):
                DETECTOR_FRAMES.labels(camera_id, "late").inc()
                return
            if not camera.waiting:
                self._turns.append(camera_id)
            insort(camera.waiting, picture, key=lambda each: each.order)
            self._waiting += 1
            if self._waiting > self._most:
                self._drop()
            self._changed.notify()

    def ask(self, picture: Picture) -> bool:
        """Let a picture that somebody waits for be next; return whether there is room."""
        with self._changed:
            if len(self._asked) >= _MOST_ASKED or self._closed:
                return False
            self._asked.append(picture)
            self._changed.notify()
        return True

    def wait(self, timeout_s: float) -> bool:
        """Wait until there is something to be looked at; return whether there is."""
        with self._changed:
            return self._changed.wait_for(lambda: self._closed or self._any(), timeout_s) and self._any()

    def take(self) -> Picture | None:
        """Return the next picture, None if none waits."""
        with self._changed:
            if self._asked:
                return self._asked.popleft()
            if not self._turns:
                return None
            camera_id = self._turns.popleft()
            camera = self._cameras[camera_id]
            picture = camera.waiting.pop(0)
            self._waiting -= 1
            if camera.waiting:
                self._turns.append(camera_id)
            camera.in_hand.append(picture)
            camera.newest = max(camera.newest, picture.order)
            return picture

    def finish(self, picture: Picture, answer: Answer) -> None:
        """Say what became of a picture that was taken; those before it are waited for."""
        if picture.message is None:
            picture.done(picture, answer)
            return
        camera = self._cameras[picture.camera]
        picture.answer = answer
        with camera.delivering:
            while camera.in_hand and (told := camera.in_hand[0].answer) is not None:
                first = camera.in_hand[0]
                try:
                    first.done(first, told)
                finally:
                    with self._changed:
                        camera.in_hand.popleft()

    def is_idle(self, camera: str) -> bool:
        """Return whether no picture of a camera waits or is looked at."""
        with self._changed:
            known = self._cameras.get(camera)
            return known is None or not (known.waiting or known.in_hand)

    def oldest_us(self) -> int | None:
        """Return the time of the oldest picture that waits, microseconds UTC; None: none waits."""
        with self._changed:
            times = [c.waiting[0].message.time_us for c in self._cameras.values() if c.waiting and c.waiting[0].message]
        return min(times, default=None)

    def forget(self, camera: str) -> None:
        """Let go of the pictures of a camera that is somebody else's now."""
        with self._changed:
            known = self._cameras.get(camera)
            if known is None:
                return
            self._waiting -= len(known.waiting)
            known.waiting.clear()
            self._turns = deque(each for each in self._turns if each != camera)

    def close(self) -> None:
        """Wake whoever waits; nothing is handed out any more."""
        with self._changed:
            self._closed = True
            self._turns.clear()
            self._asked.clear()
            self._changed.notify_all()

    def _any(self) -> bool:
        return bool(self._asked or self._turns)

    def _is_late(self, camera: _Camera, picture: Picture) -> bool:
        message = picture.message
        if message is None:
            return False
        name = (message.run, message.pts, message.x, message.y, message.width, message.height)
        run, pts = camera.newest
        if name in camera.seen or message.run < run or (message.run == run and message.pts < pts - LATE_TICKS):
            return True
        camera.seen[name] = None
        if len(camera.seen) > _REMEMBERED:
            camera.seen.popitem(last=False)
        return False

    def _drop(self) -> None:
        """Let the oldest picture go of the camera that has most."""
        camera_id = max(self._turns, key=lambda each: len(self._cameras[each].waiting))
        camera = self._cameras[camera_id]
        camera.waiting.pop(0)
        self._waiting -= 1
        if not camera.waiting:
            self._turns.remove(camera_id)
        DETECTOR_FRAMES.labels(camera_id, "skipped").inc()
        MESSAGES_DROPPED.labels(FrameSampled.TYPE).inc()
