"""Cameras that send JPEGs over HTTP (``multipart/x-mixed-replace``)."""

from __future__ import annotations

from collections.abc import Iterator

import av

from gatehouse_capture.encoding import Encoder, make_encoder
from gatehouse_common.camera_url import CameraUrl
from gatehouse_common.clock import SECOND, Clock
from gatehouse_common.errors import SourceUnavailable

from .http_request import Stream
from .jpeg import JpegDecoder, JpegSizes
from .multipart import PictureParts
from .port import Packet, StreamInfo
from .times import PictureClock

_OPEN_S = 10.0
_SUPPOSED_FPS = 15.0
"""The stream does not tell its rate; this guides the bit rate and the distance of keyframes, no more."""


class HttpMjpegSource:
    """One request of an MJPEG stream.

    The parts carry no times: a picture is of the time at which its first bytes were here.
    """

    def __init__(self, url: CameraUrl, clock: Clock, idle_s: float) -> None:
        self._url, self._clock, self._idle_s = url, clock, idle_s
        self._stream: Stream | None = None
        self._pictures: Iterator[tuple[bytes, int]] = iter(())
        self._first: tuple[av.VideoFrame, bytes, int] | None = None
        self._decoder = JpegDecoder()
        self._encoder: Encoder | None = None
        self._interrupted = False

    def open(self) -> StreamInfo:
        """Send the request and look at the first picture that can be decoded.

        Raises:
            SourceUnavailable: there is no such stream; the sentence says what there is.
        """
        self._stream = stream = Stream(self._url.text, _OPEN_S)
        kind = stream.content_type
        if kind.startswith(("text/", "application/json", "application/xml")):
            raise SourceUnavailable(f"no MJPEG stream: the camera answers with a page ({kind})")
        if kind.startswith("image/"):
            raise SourceUnavailable(f"no MJPEG stream: the camera answers with a single picture ({kind})")
        self._pictures = self._received(stream)
        for jpeg, taken_us in self._pictures:
            frame = self._decoder.decode(jpeg)
            if frame is not None:
                self._first = frame, jpeg, taken_us
                self._encoder = make_encoder(self._url.codec(), frame.width, frame.height, _SUPPOSED_FPS, "HTTP")
                return self._encoder.info
        raise SourceUnavailable("no MJPEG stream: the camera ended it before a picture")

    def packets(self) -> Iterator[Packet]:
        """Yield encoded pictures, the camera's JPEG beside each; a damaged one is left out.

        Raises:
            SourceUnavailable: the stream ended, or no whole picture came for the idle time.
        """
        if self._encoder is None or self._first is None:
            return
        times = PictureClock(self._clock)
        first, self._first = self._first, None
        # The first was decoded, to see that there is something to see.
        yield from self._encoder.encode(first[0], *times.of(first[2]), first[1])
        sizes = JpegSizes()
        for jpeg, taken_us in self._pictures:
            if self._encoder.takes_jpegs:
                if sizes.is_whole(jpeg):
                    yield from self._encoder.encode(None, *times.of(taken_us), jpeg)
                continue
            frame = self._decoder.decode(jpeg)
            if frame is not None:
                yield from self._encoder.encode(frame, *times.of(taken_us), jpeg)
        raise SourceUnavailable("the camera ended the stream")

    def _received(self, stream: Stream) -> Iterator[tuple[bytes, int]]:
        """Yield pictures, each with the monotonic time at which it began to arrive, to the end of the stream."""
        parts = PictureParts(stream.boundary)
        deadline = self._deadline()
        while True:
            left_us = deadline - self._clock.monotonic_us()
            data = stream.read(left_us / SECOND) if left_us > 0 else None
            if data is None:  # not one whole picture, however much else came
                raise SourceUnavailable(f"no picture for {self._idle_s:g} s")
            if not data:
                break
            for picture in parts.feed(data, self._clock.monotonic_us()):
                yield picture
                deadline = self._deadline()
        last = parts.rest()
        if last is not None and not self._interrupted:
            yield last

    def _deadline(self) -> int:
        return self._clock.monotonic_us() + round(self._idle_s * SECOND)

    def interrupt(self) -> None:
        """Cut the connection: the thread that reads sees its end at once."""
        self._interrupted = True
        if self._stream is not None:
            self._stream.cut()

    def give_up(self) -> None:
        """Nothing: its own reads have an end."""

    def close(self) -> None:
        """End the request."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
