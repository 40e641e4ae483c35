"""What a recorder of the library is fed with: pictures of a program, or a camera that is read in a thread."""

from __future__ import annotations

import threading
from contextlib import closing

import structlog

from gatehouse_capture.encoding import Encoder, make_encoder
from gatehouse_capture.sources import Packet, Source, StreamInfo, open_source
from gatehouse_common.camera_url import CameraUrl, Codec
from gatehouse_common.clock import SECOND, Clock, ticks_us
from gatehouse_common.errors import GatehouseError, SourceUnavailable
from gatehouse_common.media.chunked_recorder import ChunkedRecorder
from gatehouse_common.media.event_recorder import Picture, frame_of
from gatehouse_common.media.recorder import Sample
from gatehouse_common.media.samples import VIDEO_TIMESCALE

log = structlog.get_logger(__name__)

_IDLE_S = 10.0
_AGAIN_S = 1.0
_JUMP_US = 10 * SECOND
_SET_BACK_US = SECOND // 2
_PAUSE_US = 2 * SECOND
"""Pictures that follow later than that were not on the screen meanwhile: there is a gap between them."""


class Intake:
    """Puts packets into a recorder: from the first keyframe of each stream on, which is its media time zero."""

    def __init__(self, recorder: ChunkedRecorder) -> None:
        self._recorder = recorder
        self._info: StreamInfo | None = None
        self._zero: int | None = None
        self._last: tuple[int, int] | None = None

    def begin(self, info: StreamInfo) -> None:
        """Say of which stream the packets are that follow."""
        self._info, self._zero, self._last = info, None, None

    def take(self, packet: Packet, at_us: int) -> bool:
        """Take a packet that came at a wall time; return whether the recording goes on.

        Raises:
            GatehouseError: it cannot be written.
        """
        if self._info is None:
            return not self._recorder.is_over
        if self._has_jumped(packet, at_us):
            self._zero = None
        if self._zero is None:
            if packet.track or not packet.sync or self._recorder.is_over:
                return not self._recorder.is_over
            self._recorder.begin_run(self._info, at_us)
            self._zero = packet.pts
        zero = self._zero * self._info.formats[packet.track].timescale // VIDEO_TIMESCALE
        try:
            return self._recorder.add(Sample(packet.track, packet.pts - zero, packet.dur, packet.sync, packet.data))
        except GatehouseError:
            self._zero = None  # the run is over: another begins with the next keyframe
            raise

    def _has_jumped(self, packet: Packet, at_us: int) -> bool:
        """Return whether a stream's own time was set: it goes on elsewhere, and nothing passed meanwhile."""
        if packet.track:
            return False
        (before, before_us), self._last = self._last or (packet.pts, at_us), (packet.pts, at_us)
        step_us = ticks_us(packet.pts - before)
        return abs(step_us) > _JUMP_US and abs(step_us - (at_us - before_us)) > _JUMP_US


class Pictures:
    """Encodes pictures for a recorder; another size begins another stream, and so does a pause.

    Args:
        recorder: gets them.
        fps: about so many come in a second.
        codec: what to encode to.
    """

    def __init__(self, recorder: ChunkedRecorder, fps: float, codec: Codec) -> None:
        self._intake = Intake(recorder)
        self._fps, self._codec = fps, codec
        self._encoder: Encoder | None = None
        self._size = (0, 0)
        self._origin_us = self._last_us = 0
        self._pts = -1

    def add(self, picture: Picture, at_us: int) -> bool:
        """Record a picture; return whether the recording goes on.

        Raises:
            InvalidInput: it is no picture.
            GatehouseError: it cannot be written.
        """
        frame = frame_of(picture)
        is_next = self._last_us - _SET_BACK_US <= at_us <= self._last_us + _PAUSE_US
        if self._encoder is None or self._size != (frame.width, frame.height) or not is_next:
            encoder = make_encoder(self._codec, frame.width, frame.height, self._fps, "library")
            self._encoder, self._size = encoder, (frame.width, frame.height)
            self._intake.begin(encoder.info)
            self._origin_us, self._pts = at_us, -1
        self._last_us = at_us
        self._pts = max(round((at_us - self._origin_us) * VIDEO_TIMESCALE / SECOND), self._pts + 1)
        goes_on = True
        for made in self._encoder.encode(frame, self._pts, at_us):
            goes_on = self._intake.take(made, self._origin_us + ticks_us(made.pts))
        return goes_on


class CameraThread(threading.Thread):
    """Reads a camera for a recorder until its time is over; one that goes away is connected to again.

    Args:
        recorder: gets what it sends; used by this thread alone while it runs.
        url: the camera.
        for_s: a camera that never comes back ends the recording after so many seconds.
        clock: the time.

    Attributes:
        failure: why the recording ended, if it could not be written.
    """

    def __init__(self, recorder: ChunkedRecorder, url: CameraUrl, for_s: int, clock: Clock) -> None:
        super().__init__(name="library-camera", daemon=True)
        self._recorder, self._url, self._clock = recorder, url, clock
        self._until_us = clock.monotonic_us() + for_s * SECOND
        self._ended = threading.Event()
        self._connected: tuple[Source, StreamInfo] | None = None
        self.failure: GatehouseError | None = None

    def connect(self) -> None:
        """Connect and begin to read.

        Raises:
            SourceUnavailable: the camera cannot be read.
        """
        self._connected = self._open()
        self.start()

    def end(self) -> None:
        """Stop reading, and wait for it."""
        self._ended.set()
        if self._connected is not None:
            self._connected[0].interrupt()
        self.join()

    def run(self) -> None:
        """Read until the time is over; then the last file is written, whatever happened."""
        try:
            while self._connected is not None and self._record(*self._connected):
                self._connected = self._again()
        except GatehouseError as error:
            self._fail(error)
        except Exception as error:  # a fault in what reads a camera must not leave a recording that nobody ends
            log.exception("a camera could not be read")
            self._fail(SourceUnavailable(f"the camera could not be read: {error}"))
        try:
            self._recorder.stop()
        except GatehouseError as error:
            self._fail(error)

    def _fail(self, error: GatehouseError) -> None:
        self.failure = self.failure or error
        log.warning("the recording cannot be written", reason=error.message)

    def _open(self) -> tuple[Source, StreamInfo]:
        source = open_source(self._url, self._clock, _IDLE_S)
        try:
            return source, source.open()
        except SourceUnavailable:
            source.close()
            raise

    def _again(self) -> tuple[Source, StreamInfo] | None:
        """Connect again as soon as it can be done; None: it is time to end."""
        while not self._clock.wait(self._ended, _AGAIN_S) and self._clock.monotonic_us() < self._until_us:
            try:
                return self._open()
            except SourceUnavailable as error:
                log.warning("the camera is away", reason=error.message)
        return None

    def _record(self, source: Source, info: StreamInfo) -> bool:
        """Record what a source sends; return whether it is to be connected to again."""
        intake = Intake(self._recorder)
        intake.begin(info)
        begun_us = self._clock.now_us()
        with closing(source):
            try:
                for packet in source.packets():
                    at_us = packet.arrival_us if info.live else begun_us + ticks_us(packet.pts)
                    if self._ended.is_set() or not intake.take(packet, at_us):
                        return False
            except SourceUnavailable as error:
                log.warning("the camera is away", reason=error.message)
        return info.live and not self._ended.is_set()
