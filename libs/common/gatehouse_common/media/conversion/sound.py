"""The sound of a conversion: decoded, laid on one time line, encoded."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from numpy.typing import NDArray

_RATE = 48_000
_JITTER = _RATE // 200
"""Times are rounded, to a thousandth in some files: sound that is 5 ms off belongs where the sound before it ends."""
_SILENCE = 960


class SoundTrack:
    """Takes decoded sound of any format and any number of tracks, and writes one track without holes.

    Sound that is missing is silence; what comes before the time line's zero, or behind its end, is left out.

    Args:
        out: the container.
        encoder: the encoder's name.
        channels: 1 or 2.
        end: length of the time line in seconds, 0 if unknown.
    """

    def __init__(self, out: OutputContainer, encoder: str, channels: int, end: float) -> None:
        layout = "mono" if channels == 1 else "stereo"
        stream = out.add_stream(encoder, rate=_RATE, layout=layout)
        assert isinstance(stream, AudioStream)  # noqa: S101 - for the type: the encoder is of sound
        stream.bit_rate = 64_000 * channels
        stream.time_base = Fraction(1, _RATE)
        self._out, self._stream, self._layout, self._channels = out, stream, layout, channels
        self._end = round(end * _RATE) if end else 1 << 62
        self._pending: NDArray[np.float32] = np.zeros((channels, 0), np.float32)
        self._at = 0
        """Where ``_pending`` begins, in samples."""
        self._sources: dict[int, av.AudioResampler] = {}

    def take(self, source: int, frame: av.AudioFrame) -> None:
        """Take a frame of the track number ``source``."""
        resampler = self._sources.get(source)
        if resampler is None:
            resampler = self._sources[source] = av.AudioResampler(format="fltp", layout=self._layout, rate=_RATE)
        for same in resampler.resample(frame):
            begin = round((same.pts or 0) * (same.time_base or Fraction(1, _RATE)) * _RATE)
            self._place(begin, same.to_ndarray().astype(np.float32, copy=False).reshape(self._channels, -1))

    def finish(self) -> None:
        """Write what is left, and end the track."""
        size = self._frame_size()
        left = self._pending.shape[1]
        if left:
            self._append(np.zeros((self._channels, -left % size), np.float32))
        self._out.mux(self._stream.encode(None))

    def _place(self, begin: int, samples: NDArray[np.float32]) -> None:
        expected = self._at + self._pending.shape[1]
        if begin - expected > _JITTER:
            for length in _steps(min(begin, self._end) - expected):
                self._append(np.zeros((self._channels, length), np.float32))
        elif expected - begin > _JITTER:
            samples = samples[:, expected - begin :]
        room = self._end - self._at - self._pending.shape[1]
        self._append(samples[:, : max(room, 0)])

    def _append(self, samples: NDArray[np.float32]) -> None:
        self._pending = np.concatenate((self._pending, samples), axis=1)
        size = self._frame_size()
        while self._pending.shape[1] >= size:
            piece, self._pending = self._pending[:, :size], self._pending[:, size:]
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(piece), format="fltp", layout=self._layout)
            frame.sample_rate, frame.pts, frame.time_base = _RATE, self._at, Fraction(1, _RATE)
            self._at += size
            self._out.mux(self._stream.encode(self._fitting(frame)))

    def _fitting(self, frame: av.AudioFrame) -> av.AudioFrame:
        """Return the frame in the format that the encoder takes: libopus has no planes."""
        wanted = self._stream.codec_context.format.name
        if wanted == "fltp":
            return frame
        mixed: NDArray[np.float32] = np.ascontiguousarray(frame.to_ndarray().T, np.float32).reshape(1, -1)
        plain = av.AudioFrame.from_ndarray(mixed, format="flt", layout=self._layout)
        plain.sample_rate, plain.pts, plain.time_base = frame.sample_rate, frame.pts, frame.time_base
        return plain

    def _frame_size(self) -> int:
        return self._stream.codec_context.frame_size or _SILENCE


def _steps(length: int) -> Iterator[int]:
    """Yield pieces of a silence, so that one of hours is not held in memory."""
    while length > 0:
        yield min(length, _RATE)
        length -= _RATE
