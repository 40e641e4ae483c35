"""Films and cameras whose pictures are decoded and encoded once: they cannot be stored, or hold no usable times."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from gatehouse_capture.encoding import make_encoder
from gatehouse_common.camera_url import Codec
from gatehouse_common.clock import Clock
from gatehouse_common.errors import SourceUnavailable

from .container import explain
from .port import Packet, StreamInfo
from .times import PictureTimes

_HIGHEST_FPS = 240.0


class DecodedReader:
    """Reads an open container of any codec that libavcodec decodes.

    Args:
        container: the container.
        clock: tells when a picture is here.
        backend: how it is read, for people.
        live: whether pictures arrive when they happen.
        timeless: whether the format tells only when pictures are decoded, if that.
        codec: what to encode to.

    Raises:
        SourceUnavailable: it holds no video.
    """

    def __init__(
        self,
        container: InputContainer,
        clock: Clock,
        backend: str,
        *,
        live: bool,
        timeless: bool = False,
        codec: Codec | None = None,
    ) -> None:
        video = next(iter(container.streams.video), None)
        if video is None or not video.codec_context.width:
            raise SourceUnavailable("it holds no video")
        self._container, self._video, self._clock = container, video, clock
        rate = min(float(video.average_rate or video.guessed_rate or 30), _HIGHEST_FPS)
        context = video.codec_context
        self._encoder = make_encoder(codec, context.width, context.height, rate, backend, live=live)
        # Decoders give pictures in the order in which they are shown.
        self._times = PictureTimes(rate, reordered=False, live=live)
        self._timeless = timeless
        self._decode_times: deque[int | None] = deque()

    @property
    def info(self) -> StreamInfo:
        """What the encoder makes."""
        return self._encoder.info

    def packets(self) -> Iterator[Packet]:
        """Yield encoded pictures; a damaged one is left out.

        Raises:
            SourceUnavailable: reading failed.
        """
        last: int | None = None
        context = self._video.codec_context
        try:
            for packet in self._container.demux(self._video):
                for frame in self._decoded(packet):
                    now = self._clock.now_us()
                    if self._timeless:  # the i-th picture shown has the i-th time of decoding
                        frame.pts = self._decode_times.popleft() if self._decode_times else None
                        frame.time_base = self._video.time_base or frame.time_base
                    at = self._times.of(frame, now)
                    if last is not None and at <= last:  # some senders give two pictures one time
                        continue
                    last = at
                    jpeg = bytes(packet) if context.name == "mjpeg" else None
                    yield from self._encoder.encode(frame, at, now, jpeg)
        except (av.FFmpegError, OSError) as error:
            raise SourceUnavailable(f"the connection was lost: {explain(error)}") from error

    def _decoded(self, packet: av.Packet[VideoStream]) -> list[av.VideoFrame]:
        if self._timeless and packet.size:
            self._decode_times.append(packet.dts)
        try:
            return packet.decode()
        except av.InvalidDataError:
            if self._decode_times:
                self._decode_times.pop()
            return []
