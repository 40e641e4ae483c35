"""Films in which every picture whose number is a multiple of 30 is shown at the moment a tone of 0.1 s begins."""

from __future__ import annotations

from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import numpy as np

from gatehouse_common.testing.film import FilmSpec, frame_numbers, make_film

EVERY = 30
FPS = 30
RATE = 48_000
TONE_S = 0.1
TONE_HZ = 1000


def make_beeping_film(path: Path, seconds: int) -> Path:
    """Write the film, H.264 and PCM, as QuickTime."""
    silent = make_film(path.with_suffix(".mp4"), FilmSpec(frames=seconds * FPS, width=320, height=180, gop=FPS))
    at = np.arange(RATE) / RATE
    second = np.where(at < TONE_S, np.sin(2 * np.pi * TONE_HZ * at) * 20_000, 0).astype("<i2")
    with av.open(str(silent)) as source, av.open(str(path), "w", format="mov") as out:
        pictures = source.streams.video[0]
        video = out.add_stream_from_template(pictures)
        audio = out.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for packet in source.demux(pictures):
            if packet.size:
                packet.stream = video
                out.mux(packet)
        for n in range(seconds):
            frame = av.AudioFrame.from_ndarray(second.reshape(1, -1), format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, n * RATE, Fraction(1, RATE)
            out.mux(audio.encode(frame))
        out.mux(audio.encode(None))
    return path


def onsets(film: Path | bytes) -> list[float]:
    """Return the presentation times in seconds at which tones begin."""
    with av.open(BytesIO(film) if isinstance(film, bytes) else str(film)) as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler(format="flt", layout="mono", rate=stream.rate)
        found, loud_until = [], -1.0
        for decoded in container.decode(stream):
            for frame in resampler.resample(decoded):
                begin = float(frame.pts * frame.time_base)
                loud = np.flatnonzero(np.abs(frame.to_ndarray().ravel()) > 0.2)
                for k in loud:
                    at = begin + k / frame.sample_rate
                    if at > loud_until + TONE_S / 2:
                        found.append(at)
                    loud_until = max(loud_until, at)
    return found


def lags(film: Path | bytes) -> list[float]:
    """Return by how many seconds each tone begins after the picture it belongs to.

    Not in the first tenth of a second, nor of picture 0: there the sound begins, and decoders fade it in.
    """
    shown = [at for number, at in frame_numbers(film) if number and number % EVERY == 0 and at >= TONE_S]
    heard = onsets(film)
    found = []
    for at in shown:
        nearest = min(heard, key=lambda tone: abs(tone - at), default=None)
        if nearest is not None and abs(nearest - at) < 0.45:
            found.append(nearest - at)
    return found
