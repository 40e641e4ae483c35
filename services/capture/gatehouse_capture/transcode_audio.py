"""G.711 and its kin become AAC: MP4 has no place for them, and browsers play AAC."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from gatehouse_common.errors import SourceUnavailable

FRAME = 1024
"""Samples in a packet of AAC-LC (ISO/IEC 14496-3)."""
_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_TOLERANCE_S = 0.03
"""Packets may be so far from where the ones before end: senders round, and their clocks drift."""
_MENDED_S = 1.0
"""Holes and overlaps up to this are mended in the sound; at longer ones what follows gets new times."""


class AacEncoder:
    """Encodes one audio stream of a container.

    The sound stays where the camera's times put it: what was lost on the way is silence, what comes twice is left
    out, and the encoder's own delay is taken off.

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
            raise SourceUnavailable("there is no encoder for AAC")
        self.stream = stream
        self._encoder = stream.codec_context
        self._encoder.bit_rate = 4 * self._rate
        self._encoder.flags |= av.codec.context.Flags.global_header
        self._encoder.open()
        self._resampler = AudioResampler(format="fltp", layout="mono", rate=self._rate)
        self._zero: int | None = None
        self._taken = 0
        self._encoded = 0
        self._skipping = False
        self._waiting: NDArray[np.float32] = np.zeros(0, np.float32)

    def encode(self, packet: av.Packet[AudioStream]) -> Iterator[tuple[int, int, bytes]]:
        """Yield ``(pts, duration, data)`` in samples for what ``packet`` completes; a damaged one is left out."""
        try:
            frames = packet.decode()
        except av.InvalidDataError:
            return
        for frame in frames:
            at = None
            if frame.pts is not None and frame.time_base is not None:
                at = round(frame.pts * frame.time_base * self._rate)
            for piece in self._resampler.resample(frame):
                yield from self._take(np.asarray(piece.to_ndarray(), np.float32).reshape(-1), at)
                at = None

    def _take(self, samples: NDArray[np.float32], at: int | None) -> Iterator[tuple[int, int, bytes]]:
        """Take samples that begin at ``at``, None if where the ones before end."""
        if at is not None:
            samples = self._fit(samples, at)
        self._taken += len(samples)
        self._waiting = np.concatenate([self._waiting, samples])
        while len(self._waiting) >= FRAME:
            first, self._waiting = self._waiting[:FRAME], self._waiting[FRAME:]
            frame = av.AudioFrame.from_ndarray(first.reshape(1, -1), format="fltp", layout="mono")
            frame.sample_rate, frame.time_base, frame.pts = self._rate, Fraction(1, self._rate), self._encoded
            self._encoded += FRAME
            for made in self._encoder.encode(frame):
                # The encoder's times begin before those it was given by what it is late.
                yield (self._zero or 0) + (made.pts or 0), FRAME, bytes(made)

    def _fit(self, samples: NDArray[np.float32], at: int) -> NDArray[np.float32]:
        """Return ``samples`` so that they follow the ones before without a hole or an overlap."""
        if self._zero is None:
            self._zero = at
        ahead = at - self._zero - self._taken
        # An overlap is left out to its very end, not but for a tolerable rest.
        self._skipping = ahead < (0 if self._skipping else -_TOLERANCE_S * self._rate)
        if abs(ahead) > _MENDED_S * self._rate:
            self._zero += ahead
        elif ahead > _TOLERANCE_S * self._rate:
            return np.concatenate([np.zeros(ahead, np.float32), samples])
        elif self._skipping:
            return samples[-ahead:]
        return samples
