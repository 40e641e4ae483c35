"""The one decode of a camera, for all who look at it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from time import thread_time

import av
import structlog

from gatehouse_common.errors import DataLoss
from gatehouse_common.media.decode import make_decoder, packet_of, video_codec
from gatehouse_common.media.fragment import TimedSample
from gatehouse_common.media.samples import VIDEO_TIMESCALE
from gatehouse_common.observability.metrics import WATCH_DAMAGED, WATCH_DECODED

from .analyst import Analyst
from .backlog import Backlog, Kind, Run, Work
from .listeners import PictureListener

log = structlog.get_logger(__name__)

_TURN_S, _TURN = 0.02, 8
"""A turn is over after so much time of a processor, or so many pictures, whichever comes first."""
_MOST_TOLD = 10
_QUICKLY = {"mjpeg": {"lowres": "2"}}
"""How pictures are decoded of which only a small grey one is made. JPEGs come out at a quarter of their size."""
_ANY_QUICKLY = {"skip_loop_filter": "all"}


class SharedDecode:
    """Decodes what waits of one camera, a little at a time; a ``Task`` for ``Turns``.

    A decoder has a dozen whole pictures in memory, so there is one only while pictures are followed.

    Args:
        camera: the camera.
        backlog: what waits.
        analyst: looks at keyframes, and at what is followed.
        listeners: who else looks at what is followed.
    """

    def __init__(
        self, camera: str, backlog: Backlog, analyst: Analyst, listeners: Sequence[PictureListener] = ()
    ) -> None:
        self._camera, self._backlog, self._analyst = camera, backlog, analyst
        self._listeners: tuple[PictureListener, ...] = (analyst, *listeners)
        self._run: Run | None = None
        self._decoder: av.VideoCodecContext | None = None
        self._from = 0
        self._told: set[str] = set()
        self.answer: tuple[Run, int, bool] | None = None
        """Of the keyframe looked at last: its run, its decode time, and whether something has changed since."""
        self.urgent = True
        self._looks = WATCH_DECODED.labels(camera, "look")
        self._followed = WATCH_DECODED.labels(camera, "follow")

    def turn(self) -> bool:
        """Work for some milliseconds; return whether more waits."""
        began = thread_time()
        for _ in range(_TURN):
            if (work := self._backlog.take()) is None:
                return False
            try:
                self._do(work)
            except (DataLoss, av.FFmpegError) as error:
                self._damaged(str(error))  # it is not shown; the next keyframe mends it
                if work.kind is Kind.FOLLOW and work.sample is not None:
                    self._analyst.pass_over(work.sample.dts + work.sample.cts)
            if thread_time() - began > _TURN_S:
                break
        return len(self._backlog) > 0

    def _damaged(self, reason: str) -> None:
        """Count a picture that cannot be decoded; of each run each reason is told once."""
        WATCH_DAMAGED.labels(self._camera).inc()
        kind = "".join(char for char in reason if not char.isdigit())
        if kind not in self._told and len(self._told) < _MOST_TOLD:
            self._told.add(kind)
            log.warning("a picture cannot be decoded", camera=self._camera, reason=reason)
        else:
            log.debug("a picture cannot be decoded", camera=self._camera, reason=reason)

    def _do(self, work: Work) -> None:
        if work.kind is Kind.BEGIN and work.run is not None:
            self._begin(work.run)
        elif work.kind is Kind.REST:
            self._rest()
        elif self._run is None or work.sample is None:
            return
        elif work.kind is Kind.LOOK:
            self._look(self._run, work.sample)
        else:
            self._follow(self._run, work.sample, restart=work.restart)

    def _begin(self, run: Run) -> None:
        self._rest()
        self._run = run
        self._told.clear()
        for listener in self._listeners:
            listener.begin_run(run)

    def _look(self, run: Run, sample: TimedSample) -> None:
        moved = False
        try:
            decoder = make_decoder(run.format)
            if not self._analyst.sends_next_look:
                decoder.options = _QUICKLY.get(video_codec(run.format), _ANY_QUICKLY)
            pts = sample.dts + sample.cts
            frames = [*decoder.decode(_packet(sample)), *decoder.decode(None)]
            if frames:
                self._looks.inc()
                moved = self._analyst.look(frames[0], pts)
        finally:  # whatever it shows, nobody waits for it
            self.answer = run, sample.dts, moved

    def _follow(self, run: Run, sample: TimedSample, *, restart: bool) -> None:
        if restart:
            if self._decoder is not None:
                self._decoder.flush_buffers()
            else:
                self._decoder = make_decoder(run.format)
            self._from = sample.dts + sample.cts
        if self._decoder is None:
            return
        self._show(self._decoder.decode(_packet(sample)))

    def _rest(self) -> None:
        decoder, self._decoder = self._decoder, None
        if decoder is None:
            return
        try:
            self._show(decoder.decode(None))
        finally:
            for listener in self._listeners:
                listener.rest()

    def _show(self, frames: list[av.VideoFrame]) -> None:
        self._followed.inc(len(frames))
        for frame in frames:
            pts = frame.pts
            if pts is None or pts < self._from:
                continue  # leads the first keyframe: refers to pictures that were not decoded
            for listener in self._listeners:
                listener.picture(frame, pts)


def _packet(sample: TimedSample) -> av.Packet[av.VideoStream]:
    packet = packet_of(sample.data)
    packet.pts, packet.time_base = sample.dts + sample.cts, Fraction(1, VIDEO_TIMESCALE)
    return packet
