"""What a camera's recorder hands on: to live view, made only while somebody asks for it, and to who watches."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import av
import structlog

from gatehouse_common.bus.transient import TransientTopics
from gatehouse_common.clock import SECOND, Clock
from gatehouse_common.media.fragment import TimedSample, build_fragment
from gatehouse_common.media.pictures import encode_jpeg
from gatehouse_common.media.samples import VIDEO_TIMESCALE, TrackFormat
from gatehouse_common.messages import LiveMedia, LivePreview, LiveRequested

from .sources.jpeg import with_tables
from .watching.analyst import Publish
from .watching.backlog import Run
from .watching.listeners import PictureListener
from .watching.options import WatchOptions
from .watching.turns import Turns
from .watching.watch import CameraWatch

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
        turns: who decodes, together with other cameras; by default for this one alone.
        publish: where pictures for detectors go; by default where live view goes.
        options: how the camera is watched; by default it is not.
        listeners: who else looks at what is decoded.
    """

    def __init__(
        self,
        topics: TransientTopics,
        clock: Clock,
        camera: str,
        fragment_us: int,
        turns: Turns | None = None,
        publish: Publish | None = None,
        options: WatchOptions | None = None,
        listeners: Sequence[PictureListener] = (),
    ) -> None:
        self._preview = PreviewSender(topics, camera)
        self._watch = CameraWatch(
            camera,
            turns or Turns(1),
            publish or topics.publish,
            options or WatchOptions("off"),
            [self._preview, *listeners],
        )
        self._topics, self._clock, self._camera = topics, clock, camera
        self._fragment_ticks = fragment_us * VIDEO_TIMESCALE // SECOND
        self._media_until = self._preview_until = 0
        self._samples: list[TimedSample] = []
        self._sequence = 0
        self._run = self._chunk = ""
        self._format: TrackFormat | None = None
        self._wall: Callable[[int], int] = int
        self._has_jpegs = self._faulty = False
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
        self._watch.begin_run(run, format_, wall)

    def end_run(self) -> None:
        """The run has ended."""
        self._watch.end_run()
        self._preview.since = None
        self._samples.clear()
        self._has_jpegs = self._faulty = False
        self._shown = -VIDEO_TIMESCALE

    def configure(self, options: WatchOptions) -> None:
        """Watch the camera by other options from now on. May be called from any thread."""
        self._watch.configure(options)

    def close(self) -> None:
        """Decode nothing more; the camera is gone."""
        self._watch.close()

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
        shown = now < self._preview_until and not self._has_jpegs
        if not shown:
            self._preview.since = None
        elif self._preview.since is None:
            self._preview.since = sample.dts
        self._watched(sample, shown=shown)
        if sample.sync or chunk != self._chunk:
            self.flush()
        self._chunk = chunk
        # Kept while nobody watches too: whoever begins to, in the middle of a part, gets what is not yet written.
        self._samples.append(sample)
        first = self._samples[0]
        if now < self._media_until and sample.dts + sample.dur - first.dts >= self._fragment_ticks:
            self.flush()

    def _watched(self, sample: TimedSample, *, shown: bool) -> None:
        """Let it be watched: a fault in that must not end the recording whose thread this is."""
        try:
            self._watch.sample(sample, shown=shown)
        except Exception:  # whatever it is, once a run is often enough to be told of it
            if not self._faulty:
                log.exception("a camera is not watched as it should be", camera=self._camera, run=self._run)
            self._faulty = True

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


class PreviewSender:
    """Publishes decoded pictures as JPEGs for all who watch them so; a ``PictureListener``.

    Attributes:
        since: time in ticks from which pictures are shown, None while nobody watches.
    """

    def __init__(self, topics: TransientTopics, camera: str) -> None:
        self._topics, self._camera = topics, camera
        self._wall: Callable[[int], int] = int
        self._last = -VIDEO_TIMESCALE
        self.since: int | None = None

    def begin_run(self, run: Run) -> None:
        """A run begins: times of pictures begin anew."""
        self._wall, self._last = run.wall, -VIDEO_TIMESCALE

    def picture(self, frame: av.VideoFrame, pts: int) -> None:
        """Show a picture, unless it is older than who watches, or follows the last too soon."""
        if self.since is None or pts < self.since or pts - self._last < _PREVIEW_STEP:
            return
        self._last = pts
        jpeg, width, height = encode_jpeg(frame, _PREVIEW_WIDTH)
        message = LivePreview(camera=self._camera, time_us=self._wall(pts), width=width, height=height)
        self._topics.publish(message, jpeg)

    def rest(self) -> None:
        """No picture follows for now."""
