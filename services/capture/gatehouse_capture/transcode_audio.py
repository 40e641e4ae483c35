"""G.711 and its kin become AAC: MP4 has no place for them, and browsers play AAC."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import av
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream

_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)


class AacEncoder:
    """Encodes one audio stream of a container.

    Attributes:
        stream: a stream that describes what is made, for the init segment.
    """

    def __init__(self, source: AudioStream) -> None:
        rate = source.codec_context.sample_rate
        self._rate = rate if rate in _RATES else 48_000
        # A stream needs a container; this one is never written to.
        self._home = av.open(BytesIO(), "w", format="mp4")
        stream = self._home.add_stream("aac", rate=self._rate, layout="mono")
        if not isinstance(stream, AudioStream):
            raise TypeError("aac is not audio")
        self.stream = stream
        self.stream.codec_context.flags |= av.codec.context.Flags.global_header
        self.stream.codec_context.open()
        self._resampler = AudioResampler(format="fltp", layout="mono", rate=self._rate, frame_size=1024)
        self._next: int | None = None

    def encode(self, packet: av.Packet[AudioStream]) -> Iterator[tuple[int, int, bytes]]:
        """Yield ``(pts, duration, data)`` in samples for what ``packet`` completes."""
        for frame in packet.decode():
            if self._next is None and frame.pts is not None and frame.time_base is not None:
                self._next = round(frame.pts * frame.time_base * self._rate)
            for piece in self._resampler.resample(frame):
                piece.pts = None
                for made in self.stream.codec_context.encode(piece):
                    at = self._next or 0
                    self._next = at + 1024
                    yield at, 1024, bytes(made)
