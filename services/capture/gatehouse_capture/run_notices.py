"""What a camera's sessions work with, and how what a recorder does becomes messages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from gatehouse_common.clock import SECOND, Clock
from gatehouse_common.media.fragment import TimedSample
from gatehouse_common.media.recorder import ChunkPolicy, Written
from gatehouse_common.messages import (
    ChunkClosed,
    ChunkOpened,
    GapCause,
    GapRecorded,
    GopWritten,
    Message,
    RunStarted,
)
from gatehouse_common.observability.metrics import CAPTURE_BYTES, KEYFRAME_INTERVAL, RECORDING_RECORDED_SECONDS

from .live import LiveTap

log = structlog.get_logger(__name__)

_RARE_US = 60 * SECOND
"""Keyframes further apart are worth a word: whoever looks at a picture waits for all since the last to be decoded."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What a session works with; the same for all sessions of a camera."""

    camera: str
    root: Path
    policy: ChunkPolicy
    clock: Clock
    send: Callable[[Message], None]
    live: LiveTap
    address: str = ""
    """Where other machines read the spool; empty: they do not."""
    epoch: Callable[[], int] = int
    """Tells the epoch of the camera's lease, 0 without one; it may become another while the camera is recorded."""
    chunk_us: Callable[[], int] | None = None
    """Tells the length of its chunks, where it may become another while the camera is recorded."""
    wanted_us: Callable[[], int] = int
    """Tells up to which wall time somebody waits for its footage."""
    refused: Callable[[], str] = str
    """Tells why it must not be recorded now, in a sentence; empty: it may."""
    wrote: Callable[[int], None] = lambda _count: None
    """Counts the bytes that are written of it."""
    chunk_bytes: Callable[[], int] | None = None
    """Tells the size from which on a chunk file has to end; asked before one is begun."""


class RunNotices:
    """Turns what a recorder tells into messages; ``origin_us`` follows the run's origin, to its very end.

    The run itself is told with its first chunk file: while a disk is full there are attempts, but no runs.
    """

    def __init__(self, desk: Desk, started: RunStarted) -> None:
        self._desk, self._started = desk, started
        self._run, self.origin_us = started.run, started.origin_us
        self._paused_us = self._gop_us = 0
        self._rare = False
        self.told = False

    def paused(self, start_us: int, end_us: int, detail: str) -> None:
        """Tell of a pause inside the run: the file covers it, by the frame before it, and it is not recorded."""
        self._paused_us += end_us - start_us
        self._desk.send(
            GapRecorded(
                camera=self._desk.camera,
                time_us=start_us,
                start_us=start_us,
                end_us=end_us,
                cause=GapCause.DROPPED,
                detail=detail,
            )
        )

    def chunk_opened(self, chunk: str, key: str, start_us: int, /) -> None:
        """Tell it, after its run."""
        if not self.told:
            self.told = True
            origin_us = self.origin_us
            self._desk.send(
                self._started.model_copy(update={"time_us": origin_us, "origin_us": origin_us, "start_us": origin_us})
            )
        self._desk.send(
            ChunkOpened(
                camera=self._desk.camera,
                time_us=start_us,
                run=self._run,
                chunk=chunk,
                key=key,
                start_us=start_us,
                origin_us=self.origin_us,
            )
        )

    def sample_timed(self, chunk: str, sample: TimedSample, /) -> None:
        """Hand it on to live view."""
        self._desk.live.sample(chunk, sample)

    def part_written(self, part: Written, /) -> None:
        """Live view's fragments end where parts end; what is written is counted."""
        self._desk.live.flush()
        self._desk.wrote(part.length)
        span_us = max(0, part.end_us - part.start_us)
        shown_us = max(0, span_us - self._paused_us)
        self._paused_us -= span_us - shown_us  # what is left of it is in a part that is yet to be written
        RECORDING_RECORDED_SECONDS.labels(self._desk.camera).inc(shown_us / SECOND)

    def gop_written(self, gop: Written, /) -> None:
        """Tell it."""
        CAPTURE_BYTES.labels(self._desk.camera).inc(gop.length)
        if gop.sync:
            self._gop_us = gop.start_us
        interval_us = gop.end_us - self._gop_us
        KEYFRAME_INTERVAL.labels(self._desk.camera).set(interval_us / SECOND)
        if interval_us > _RARE_US and not self._rare:
            self._rare = True
            log.warning("the camera sends keyframes rarely", camera=self._desk.camera, seconds=interval_us // SECOND)
        self._desk.send(
            GopWritten(
                camera=self._desk.camera,
                time_us=gop.start_us,
                run=self._run,
                chunk=gop.chunk,
                key=gop.key,
                offset=gop.offset,
                length=gop.length,
                start_us=gop.start_us,
                end_us=gop.end_us,
                origin_us=self.origin_us,
                frames=gop.frames,
                keyframe_length=gop.keyframe_length,
            )
        )

    def chunk_closed(self, chunk: str, key: str, start_us: int, end_us: int, size: int, /) -> None:
        """Tell it."""
        self._desk.send(
            ChunkClosed(
                camera=self._desk.camera,
                time_us=end_us,
                run=self._run,
                chunk=chunk,
                key=key,
                start_us=start_us,
                end_us=end_us,
                origin_us=self.origin_us,
                bytes=size,
                spool_url=self._desk.address,
            )
        )
