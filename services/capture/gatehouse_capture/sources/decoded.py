"""Sources whose pictures are decoded and encoded once: USB and HTTP cameras, films in other codecs."""

from __future__ import annotations

from collections.abc import Iterator

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from gatehouse_capture.encoding import PictureEncoder
from gatehouse_common.clock import Clock
from gatehouse_common.errors import SourceUnavailable
from gatehouse_common.media.samples import VIDEO_TIMESCALE

from .container import explain
from .port import Packet, StreamInfo


class DecodedReader:
    """Reads an open container of any codec that libavcodec decodes.

    Args:
        container: the container.
        clock: tells when a picture is here.
        backend: how it is read, for people.
        fps: as asked for, 0 to take the container's word.

    Raises:
        SourceUnavailable: it holds no video.
    """

    def __init__(self, container: InputContainer, clock: Clock, backend: str, fps: float = 0.0) -> None:
        video = next(iter(container.streams.video), None)
        if video is None or not video.codec_context.width:
            raise SourceUnavailable("it sends no video")
        self._container, self._video, self._clock = container, video, clock
        rate = fps or float(video.average_rate or video.guessed_rate or 30)
        context = video.codec_context
        # Encoders of 4:2:0 pictures take even sizes only.
        width, height = context.width // 2 * 2, context.height // 2 * 2
        self._encoder = PictureEncoder(width, height, min(rate, 240.0), backend)
        self._fps = rate

    @property
    def info(self) -> StreamInfo:
        """What the encoder makes."""
        return self._encoder.info

    def packets(self) -> Iterator[Packet]:
        """Yield encoded pictures; a damaged one is left out.

        Raises:
            SourceUnavailable: reading failed.
        """
        began: int | None = None
        last = -1
        try:
            for packet in self._container.demux(self._video):
                for frame in self._decoded(packet):
                    now = self._clock.now_us()
                    if frame.pts is not None and frame.time_base is not None:
                        at = round(frame.pts * frame.time_base * VIDEO_TIMESCALE)
                    else:
                        at = now * VIDEO_TIMESCALE // 1_000_000
                    began = at if began is None else began
                    if at - began <= last:  # some devices send the same time twice
                        continue
                    last = at - began
                    yield from self._encoder.encode(frame, last, now)
        except (av.FFmpegError, OSError) as error:
            raise SourceUnavailable(f"the connection was lost: {explain(error)}") from error

    @staticmethod
    def _decoded(packet: av.Packet[VideoStream]) -> list[av.VideoFrame]:
        try:
            return packet.decode()
        except av.InvalidDataError:
            return []
