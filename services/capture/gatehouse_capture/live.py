"""Live view of one camera, made only while somebody asks for it: fragments of a frame or two, and previews."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction

import av
import structlog

from gatehouse_common.bus.transient import TransientTopics
from gatehouse_common.clock import SECOND, Clock
from gatehouse_common.errors import DataLoss
from gatehouse_common.media.decode import make_decoder, packet_of
from gatehouse_common.media.fragment import TimedSample, build_fragment
from gatehouse_common.media.pictures import encode_jpeg
from gatehouse_common.media.samples import VIDEO_TIMESCALE, TrackFormat
from gatehouse_common.messages import LiveMedia, LivePreview, LiveRequested

from .frames import KeyframeSampler
from .sources.jpeg import with_tables

log = structlog.get_logger(__name__)

_PREVIEW_FPS = 15
_PREVIEW_WIDTH = 1280
_PREVIEW_STEP = VIDEO_TIMESCALE // _PREVIEW_FPS * 9 // 10
"""Pictures that follow one another by less are left out; a little under the interval, as arrival times vary."""


class LiveTap:
    """What a camera's recorder hands on for live view, and to detectors.

    Called in the recorder's thread; costs next to nothing while nobody watches.

    Args:
        topics: where live view goes.
        clock: the time.
        camera: the camera.
        fragment_us: length of a fragment.
        frames: what takes pictures for detectors, if there are any.
    """

    def __init__(
        self,
        topics: TransientTopics,
        clock: Clock,
        camera: str,
        fragment_us: int,
        frames: KeyframeSampler | None = None,
    ) -> None:
        self._frames = frames
        self._topics, self._clock, self._camera = topics, clock, camera
        self._fragment_ticks = fragment_us * VIDEO_TIMESCALE // SECOND
        self._media_until = self._preview_until = 0
        self._samples: list[TimedSample] = []
        self._gop: deque[TimedSample] = deque()
        self._sequence = 0
        self._run = self._chunk = ""
        self._format: TrackFormat | None = None
        self._wall: Callable[[int], int] = int
        self._preview: PreviewDecoder | None = None
        self._has_jpegs = False
        self._shown = -VIDEO_TIMESCALE

    def request(self, wanted: LiveRequested) -> None:
        """Somebody watches: go on until the request's time is over."""
        until = self._clock.monotonic_us() + wanted.ttl_us
        if "media" in wanted.kinds:
            self._media_until = max(self._media_until, until)
        if "preview" in wanted.kinds:
            self._preview_until = max(self._preview_until, until)

    def begin_run(self, run: str, format_: TrackFormat, wall: Callable[[int], int]) -> None:
        """A run begins: what follows is decoded by ``format_``, and ``wall`` gives wall times of its ticks."""
        self.end_run()
        self._run, self._format, self._wall = run, format_, wall
        if self._frames is not None:
            self._frames.begin_run(run, format_, wall)

    def end_run(self) -> None:
        """The run has ended."""
        if self._frames is not None:
            self._frames.end_run()
        self._samples.clear()
        self._gop.clear()
        self._has_jpegs = False
        self._shown = -VIDEO_TIMESCALE
        if self._preview is not None:
            self._preview.close()
            self._preview = None

    def picture(self, jpeg: bytes, ticks: int) -> None:
        """Take a picture of the run that the camera itself sent as a JPEG: it is shown as it is, nothing is decoded.

        Pictures wider than previews are at most are not taken; those are made from the recorded ones.
        """
        width = self._format.width if self._format is not None else 0
        self._has_jpegs = 0 < width <= _PREVIEW_WIDTH
        if not self._has_jpegs or self._format is None or self._clock.monotonic_us() >= self._preview_until:
            return
        if ticks - self._shown < _PREVIEW_STEP:
            return
        self._shown = ticks
        message = LivePreview(camera=self._camera, time_us=self._wall(ticks), width=width, height=self._format.height)
        self._topics.publish(message, with_tables(jpeg))

    def sample(self, chunk: str, sample: TimedSample) -> None:
        """Take the next video sample."""
        now = self._clock.monotonic_us()
        if sample.sync:
            self._gop.clear()
        self._gop.append(sample)
        self._feed_preview(sample, now)
        if self._frames is not None:
            self._frames.sample(sample)
        if sample.sync or chunk != self._chunk:
            self.flush()
        self._chunk = chunk
        # Kept while nobody watches too: whoever begins to, in the middle of a part, gets what is not yet written.
        self._samples.append(sample)
        first = self._samples[0]
        if now < self._media_until and sample.dts + sample.dur - first.dts >= self._fragment_ticks:
            self.flush()

    def flush(self) -> None:
        """Publish the fragment at hand; called at each part's end, so that fragments never straddle parts."""
        if self._clock.monotonic_us() >= self._media_until:
            self._samples = []
        if not self._samples or self._format is None:
            return
        self._sequence += 1
        first = self._samples[0]
        body = b"".join(build_fragment(self._sequence, [(self._format.track_id, self._samples)]))
        message = LiveMedia(
            camera=self._camera,
            time_us=self._wall(first.dts),
            run=self._run,
            chunk=self._chunk,
            start_dts=first.dts,
            sync=first.sync,
        )
        self._samples = []
        self._topics.publish(message, body)

    def _feed_preview(self, sample: TimedSample, now: int) -> None:
        if now >= self._preview_until or self._has_jpegs:
            if self._preview is not None:
                self._preview.close()
                self._preview = None
            return
        if self._preview is None and self._format is not None:
            self._preview = PreviewDecoder(self._topics, self._camera, self._format, self._wall)
            for earlier in self._gop:
                self._preview.feed(earlier, show=earlier is sample)
        elif self._preview is not None:
            self._preview.feed(sample, show=True)


class PreviewDecoder:
    """Decodes one camera's run once for all who watch it as JPEGs, in a thread of its own."""

    def __init__(self, topics: TransientTopics, camera: str, format_: TrackFormat, wall: Callable[[int], int]) -> None:
        self._topics, self._camera, self._format, self._wall = topics, camera, format_, wall
        self._queue: queue.Queue[tuple[TimedSample, bool] | None] = queue.Queue(maxsize=256)
        self._skipping = False
        self._last = -VIDEO_TIMESCALE
        threading.Thread(target=self._work, name=f"preview-{camera}", daemon=True).start()

    def feed(self, sample: TimedSample, *, show: bool) -> None:
        """Take a sample; when the decoder cannot keep up, go on with the next keyframe."""
        if self._skipping and not sample.sync:
            return
        try:
            self._queue.put_nowait((sample, show))
            self._skipping = False
        except queue.Full:
            self._skipping = True

    def close(self) -> None:
        """End soon."""
        with suppress(queue.Full):
            self._queue.put_nowait(None)

    def _work(self) -> None:
        try:
            decoder = make_decoder(self._format)
        except DataLoss as error:
            log.warning("no preview", camera=self._camera, reason=error.message)
            return
        while True:
            try:
                item = self._queue.get(timeout=30)
            except queue.Empty:  # nobody closed it and nothing comes: the camera is gone
                return
            if item is None:
                return
            sample, show = item
            packet = packet_of(sample.data)
            packet.pts, packet.time_base = sample.dts + sample.cts, Fraction(1, VIDEO_TIMESCALE)
            try:
                for frame in decoder.decode(packet):
                    if show:
                        self._publish(frame)
            except av.FFmpegError:
                continue  # a damaged picture is not shown; the next keyframe mends it

    def _publish(self, frame: av.VideoFrame) -> None:
        pts = frame.pts or 0
        if pts - self._last < _PREVIEW_STEP:
            return
        self._last = pts
        jpeg, width, height = encode_jpeg(frame, _PREVIEW_WIDTH)
        message = LivePreview(camera=self._camera, time_us=self._wall(pts), width=width, height=height)
        self._topics.publish(message, jpeg)
