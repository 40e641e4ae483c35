"""What waits to be decoded of one camera: bounded, and thinned out to keyframes when it becomes too much."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto

from gatehouse_common.media.fragment import TimedSample
from gatehouse_common.media.samples import VIDEO_TIMESCALE, TrackFormat
from gatehouse_common.observability.metrics import WATCH_SHED

_MOST_BEHIND = 6 * VIDEO_TIMESCALE
_MOST_LOOKS = 4
"""Keyframes that wait to be looked at alone: one that is seconds old is not worth one that is new."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run as decoders know it: its id, its format, and what gives wall times of its ticks."""

    id: str
    format: TrackFormat
    wall: Callable[[int], int]


class Kind(Enum):
    """What is to be done."""

    BEGIN = auto()
    """A run begins."""
    LOOK = auto()
    """Decode a keyframe alone."""
    FOLLOW = auto()
    """Decode a sample after those before it."""
    REST = auto()
    """That was the last for now."""


@dataclass(frozen=True, slots=True)
class Work:
    """One thing to do. ``restart``: what came before ``sample`` is not there, and it can be decoded without."""

    kind: Kind
    sample: TimedSample | None = None
    run: Run | None = None
    restart: bool = False


class Backlog:
    """A queue from the recorder's thread to the one that decodes. Putting never waits.

    Args:
        camera: whose.
        rate: tells how many pictures a second are wanted, so that those which are not looked at can be counted.
    """

    def __init__(self, camera: str, rate: Callable[[], float]) -> None:
        self._camera, self._rate = camera, rate
        self._lock = threading.Lock()
        self._waiting: deque[Work] = deque()
        self._allowed = _MOST_BEHIND
        self._skipping = False
        self._newest = self._next = 0

    @property
    def behind(self) -> int:
        """Ticks of footage that wait beyond what was asked for after the fact."""
        return max(0, self._newest - self._next - (self._allowed - _MOST_BEHIND))

    def begin(self, run: Run) -> None:
        """A run begins. What waits of the one before is looked at first, of those before that nothing is."""
        with self._lock:
            if any(work.kind is Kind.BEGIN for work in self._waiting):
                self._waiting.clear()
            self._waiting.append(Work(Kind.BEGIN, run=run))
            self._skipping = False

    def look(self, sample: TimedSample) -> None:
        """Let a keyframe be decoded alone."""
        with self._lock:
            looks = [work for work in self._waiting if work.kind is Kind.LOOK]
            if len(looks) >= _MOST_LOOKS:
                self._waiting.remove(looks[0])
                self._shed("behind", 1)
            self._waiting.append(Work(Kind.LOOK, sample, restart=True))

    def follow(self, samples: list[TimedSample]) -> None:
        """Let samples be decoded one after the other; the first is a keyframe, and more will come."""
        with self._lock:
            self._skipping = False
            self._next, self._newest = samples[0].dts, samples[-1].dts
            self._allowed = self._newest - self._next + _MOST_BEHIND
            self._waiting.append(Work(Kind.FOLLOW, samples[0], restart=True))
            self._waiting.extend(Work(Kind.FOLLOW, sample) for sample in samples[1:])

    def more(self, sample: TimedSample) -> None:
        """Take the next sample to follow."""
        with self._lock:
            self._newest = sample.dts
            if self._skipping and not sample.sync:
                self._count(sample.dur)
                return
            self._waiting.append(Work(Kind.FOLLOW, sample, restart=self._skipping))
            self._skipping = False
            if self._newest - self._next > self._allowed:
                self._thin_out()

    def rest(self) -> None:
        """What was put is all that is to be followed for now."""
        with self._lock:
            self._waiting.append(Work(Kind.REST))

    def take(self) -> Work | None:
        """Return what is to be done next, None if nothing is."""
        with self._lock:
            if not self._waiting:
                return None
            work = self._waiting.popleft()
            if work.kind is Kind.FOLLOW and work.sample is not None:
                self._next = work.sample.dts
                self._allowed = min(self._allowed, max(0, self._newest - self._next) + _MOST_BEHIND)
            return work

    def __len__(self) -> int:
        return len(self._waiting)

    def _thin_out(self) -> None:
        """Leave of what is to be followed the keyframes, and everything of the newest GOP unless that is too old.

        Keyframes that are too old go as well, but for the last few: where every picture is one, nothing else would go.
        """
        keys = [k for k, w in enumerate(self._waiting) if w.kind is Kind.FOLLOW and w.sample and w.sample.sync]
        last, from_here = keys[-_MOST_LOOKS:], keys[-1] if keys else len(self._waiting)
        key = self._waiting[from_here].sample if keys else None
        if key is None or self._newest - key.dts > _MOST_BEHIND:
            self._skipping = True
        kept: deque[Work] = deque()
        for k, work in enumerate(self._waiting):
            if work.kind is not Kind.FOLLOW or work.sample is None:
                kept.append(work)
            elif k in last or (work.sample.sync and self._newest - work.sample.dts <= _MOST_BEHIND):
                kept.append(replace(work, restart=True))
            elif k > from_here and not self._skipping:
                kept.append(work)
            else:
                self._count(work.sample.dur)
        self._waiting = kept
        first = next((w.sample for w in kept if w.kind is Kind.FOLLOW and w.sample), None)
        self._next = self._newest if self._skipping or first is None else first.dts
        self._allowed = _MOST_BEHIND

    def _count(self, ticks: int) -> None:
        self._shed("behind", ticks * self._rate() / VIDEO_TIMESCALE)

    def _shed(self, reason: str, pictures: float) -> None:
        WATCH_SHED.labels(self._camera, reason).inc(pictures)
