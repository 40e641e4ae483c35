"""Pictures for detectors: keyframes, decoded in a thread of their own so that recording never waits for them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction

import av
import structlog

from gatehouse_common.errors import DataLoss, GatehouseError
from gatehouse_common.media.decode import make_decoder, packet_of
from gatehouse_common.media.fragment import TimedSample
from gatehouse_common.media.pictures import encode_jpeg
from gatehouse_common.media.samples import VIDEO_TIMESCALE, TrackFormat
from gatehouse_common.messages import FrameSampled, Message
from gatehouse_common.observability.metrics import MESSAGES_DROPPED

log = structlog.get_logger(__name__)

Publish = Callable[[Message, bytes], None]
"""Publishes a transient message with its body."""

_LEAST = VIDEO_TIMESCALE // 2
"""Ticks between two pictures at least: where every picture is a keyframe, not all are taken."""
_WAITING = 2
"""Keyframes that wait to be decoded: a picture that is seconds old is not worth one that is new."""


class KeyframeSampler:
    """Publishes the keyframes of one camera as ``frame.sampled``. Fed in the recorder's thread; never waits.

    Args:
        camera: the camera.
        publish: the bus.
    """

    def __init__(self, camera: str, publish: Publish) -> None:
        self._camera, self._publish = camera, publish
        self._run: _Run | None = None
        self._next = 0

    def begin_run(self, run: str, format_: TrackFormat, wall: Callable[[int], int]) -> None:
        """A run begins: what follows is decoded by ``format_``, and ``wall`` gives wall times of its ticks."""
        self.end_run()
        self._run, self._next = _Run(self._camera, run, format_, wall, self._publish), 0

    def sample(self, sample: TimedSample) -> None:
        """Take the next video sample."""
        if sample.sync and self._run is not None and sample.dts >= self._next:
            self._next = sample.dts + _LEAST
            self._run.feed(sample)

    def end_run(self) -> None:
        """The run has ended."""
        run, self._run = self._run, None
        if run is not None:
            run.close()


class _Run:
    """Decodes keyframes of one run, one after the other, the oldest of those that wait making room."""

    def __init__(
        self, camera: str, run: str, format_: TrackFormat, wall: Callable[[int], int], publish: Publish
    ) -> None:
        self._camera, self._run, self._format, self._wall, self._publish = camera, run, format_, wall, publish
        self._waiting: queue.Queue[TimedSample | None] = queue.Queue(_WAITING)
        threading.Thread(target=self._work, name=f"frames-{camera}", daemon=True).start()

    def feed(self, sample: TimedSample) -> None:
        while True:
            try:
                self._waiting.put_nowait(sample)
            except queue.Full:
                with suppress(queue.Empty):
                    self._waiting.get_nowait()
                    MESSAGES_DROPPED.labels(FrameSampled.TYPE).inc()
            else:
                return

    def close(self) -> None:
        """End soon; what waits is not looked at any more."""
        with suppress(queue.Empty):
            while True:
                self._waiting.get_nowait()
        self._waiting.put(None)

    def _work(self) -> None:
        while (sample := self._waiting.get()) is not None:
            try:
                self._look(sample)
            except (DataLoss, av.FFmpegError) as error:
                log.debug("a keyframe cannot be shown to detectors", camera=self._camera, reason=str(error))
            except GatehouseError as error:
                log.warning("a picture does not reach the detectors", camera=self._camera, reason=error.message)

    def _look(self, sample: TimedSample) -> None:
        decoder = make_decoder(self._format)
        packet = packet_of(sample.data)
        packet.pts, packet.time_base = sample.dts + sample.cts, Fraction(1, VIDEO_TIMESCALE)
        for frame in [*decoder.decode(packet), *decoder.decode(None)][:1]:
            pts = sample.dts + sample.cts
            jpeg, width, height = encode_jpeg(frame, frame.width)
            message = FrameSampled(
                camera=self._camera,
                time_us=self._wall(pts),
                run=self._run,
                pts=pts,
                x=0,
                y=0,
                width=width,
                height=height,
                picture_width=width,
                picture_height=height,
            )
            self._publish(message, jpeg)
