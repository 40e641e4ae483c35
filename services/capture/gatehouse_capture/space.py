"""Room for what cameras send: looked at all the time, and when it becomes scarce the least important ones stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import structlog

from gatehouse_common.clock import SECOND, Clock
from gatehouse_common.errors import GatehouseError
from gatehouse_common.observability.metrics import (
    RECORDING_HELD_BACK,
    STORAGE_CAPACITY,
    STORAGE_FREE,
    STORAGE_FREE_INODES,
)
from gatehouse_common.storage import Capacity
from gatehouse_common.storage.thresholds import GUESSED_RATE

from .space_rules import Writer, held_back, largest_chunk

log = structlog.get_logger(__name__)

_LOOK_S = 0.25
_FRESH_US = SECOND // 10
_MEASURED_US = SECOND
_SLOWER = 0.9
"""How a rate that was measured fades with each second: cameras send in bursts, and the next one needs room too."""
_WHY = "the disk is nearly full: recording waits until there is room, the least important cameras first"


class Space:
    """Knows how much room the spool's file system has, how fast it is filled, and who may fill it.

    Nothing here frees anything: that is for whoever keeps the store. Safe for many threads.

    Args:
        capacity: returns the room of the file system.
        clock: the time.
    """

    def __init__(self, capacity: Callable[[], Capacity], clock: Clock) -> None:
        self._capacity, self._clock = capacity, clock
        self._lock = threading.Lock()
        self._looking = threading.Lock()
        self._slow = False
        self._priorities: dict[str, int] = {}
        self._written: dict[str, int] = {}
        self._rates: dict[str, float] = {}
        self._held: frozenset[str] = frozenset()
        self._chunk_bytes = 1 << 62
        self._looked_us = self._measured_us = clock.monotonic_us()
        self._trouble = ""

    def run(self, stop: threading.Event) -> None:
        """Look four times a second until told to stop."""
        while not self._clock.wait(stop, _LOOK_S):
            try:
                self.look()
            except Exception:  # a fault in one look must not end the looking
                log.exception("the room for footage could not be looked at")

    def follow(self, priorities: Mapping[str, int]) -> None:
        """Take which cameras should be recorded, each with its priority; the higher, the later it is held back."""
        with self._lock:
            gone = self._priorities.keys() - priorities.keys()
            self._priorities = dict(priorities)
            for camera in gone:
                self._rates.pop(camera, None)
                RECORDING_HELD_BACK.remove(camera)
            for camera in priorities:
                RECORDING_HELD_BACK.labels(camera).set(camera in self._held)

    def wrote(self, camera: str, count: int) -> None:
        """Count bytes that a camera has written, and see what room is left."""
        with self._lock:
            self._written[camera] = self._written.get(camera, 0) + count
        self._look_again()

    def refused(self, camera: str) -> str:
        """Return why a camera must not write now, in a sentence; empty: it may."""
        return _WHY if camera in self._held else ""

    def chunk_bytes(self) -> int:
        """Return the size from which on a chunk file has to end; asked at each keyframe, before one is begun."""
        self._look_again()
        return self._chunk_bytes

    def _look_again(self) -> None:
        """Look, if the last look is not of this moment: there may be many cameras, and none waits for another's look.

        Nor for a disk that takes its time to say how full it is, as one over a network may: that is for :meth:`run`.
        """
        if self._slow or self._clock.monotonic_us() - self._looked_us < _FRESH_US:
            return
        if self._looking.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._looking.release()

    def look(self) -> None:
        """Look at the file system, and decide who may write."""
        with self._looking:
            self._look()

    def _look(self) -> None:
        self._looked_us = now = self._clock.monotonic_us()
        try:
            room = self._capacity()
        except GatehouseError as error:  # nothing is known: whoever writes finds out
            if error.message != self._trouble:
                log.warning("the room for footage is not known", reason=error.message)
            self._trouble = error.message
            return
        finally:
            self._slow = self._clock.monotonic_us() - now >= _FRESH_US
        self._trouble = ""
        _show(room)
        with self._lock:
            self._measure(self._clock.monotonic_us())
            self._chunk_bytes = largest_chunk(room.total, len(self._priorities))
            writers = [Writer(c, p, self._rates.get(c, GUESSED_RATE)) for c, p in self._priorities.items()]
            before, self._held = self._held, held_back(writers, self._held, room.free, room.total)
            self._tell(before, room)

    def _measure(self, now_us: int) -> None:
        elapsed_us = now_us - self._measured_us
        if elapsed_us < _MEASURED_US:
            return
        self._measured_us = now_us
        for camera in self._priorities.keys() - self._held:
            rate = self._written.get(camera, 0) * SECOND / elapsed_us
            known = self._rates.get(camera)
            if rate or known is not None:
                self._rates[camera] = max(rate, (known or 0.0) * _SLOWER)
        self._written.clear()

    def _tell(self, before: frozenset[str], room: Capacity) -> None:
        for camera in self._held - before:
            RECORDING_HELD_BACK.labels(camera).set(1)
            log.error("the disk is nearly full: a camera is held back", camera=camera, free=room.free)
        for camera in before - self._held:
            if camera in self._priorities:
                RECORDING_HELD_BACK.labels(camera).set(0)
                log.warning("there is room again: a camera that was held back goes on", camera=camera, free=room.free)


def _show(room: Capacity) -> None:
    STORAGE_FREE.labels("spool").set(room.free)
    STORAGE_CAPACITY.labels("spool").set(room.total)
    if room.free_inodes is not None:
        STORAGE_FREE_INODES.labels("spool").set(room.free_inodes)
