"""G.711 becomes AAC at the times of the camera, whatever was lost or sent twice on the way."""

from __future__ import annotations

from fractions import Fraction
from io import BytesIO
from itertools import pairwise

import av
import numpy as np
import pytest

from gatehouse_capture.sources.times import SoundTimes
from gatehouse_capture.transcode_audio import FRAME, AacEncoder

RATE = 8000
PACKET = 160  # 20 ms
TONE_AT_S = (0.5, 1.5, 2.5)


def packets(rate: int = RATE) -> list[av.Packet[av.AudioStream]]:
    """Three seconds of G.711 in packets of 20 ms, with a tone of 0.1 s in each second."""
    at = np.arange(3 * rate) / rate
    wave = sum(np.where((at >= t) & (at < t + 0.1), np.sin(2 * np.pi * 1000 * at), 0) for t in TONE_AT_S)
    encoder = av.CodecContext.create("pcm_mulaw", "w")
    encoder.sample_rate, encoder.layout, encoder.format = rate, "mono", "s16"
    made = []
    for begin in range(0, len(at), PACKET):
        piece = (wave[begin : begin + PACKET] * 20_000).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(piece.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, begin, Fraction(1, rate)
        made += encoder.encode(frame)
    return made


def stream() -> av.AudioStream:
    """A stream of G.711, as a camera's session describes it; its packets decode themselves by it."""
    out = BytesIO()
    with av.open(out, "w", format="wav") as container:
        sound = container.add_stream("pcm_mulaw", rate=RATE, layout="mono")
        for packet in packets():
            packet.stream = sound
            container.mux(packet)
    out.seek(0)
    return av.open(out).streams.audio[0]


def onsets(encoder: AacEncoder, made: list[tuple[int, int, bytes]]) -> list[float]:
    """Decode packets; return the seconds at which tones begin by the packets' own times."""
    decoder = av.CodecContext.create("aac", "r")
    decoder.extradata = encoder.stream.codec_context.extradata
    loud: list[float] = []
    for pts, _, data in made:
        packet = av.Packet(data)
        packet.pts, packet.time_base = pts, Fraction(1, RATE)
        for frame in decoder.decode(packet):
            samples = np.abs(frame.to_ndarray().ravel())
            loud += [pts / RATE + float(k) / RATE for k in np.flatnonzero(samples > 0.2)]
    return [at for k, at in enumerate(loud) if k == 0 or at - loud[k - 1] > 0.05]


def encoded(times: list[tuple[int, int]]) -> tuple[AacEncoder, list[tuple[int, int, bytes]]]:
    """Encode the packets with these indexes, sent with these times in samples."""
    source = stream()
    coded = [p for p in source.container.demux(source) if p.size]
    data = b"".join(bytes(p) for p in coded)
    encoder, made = AacEncoder(source), []
    for index, at in times:
        packet = av.Packet(data[index * PACKET : (index + 1) * PACKET])
        packet.stream, packet.pts, packet.time_base = source, at, Fraction(1, RATE)
        made += list(encoder.encode(packet))
    return encoder, made


def whole() -> list[tuple[int, int]]:
    return [(n, n * PACKET) for n in range(150)]


def test_tones_are_where_they_were_and_the_encoders_delay_is_taken_off() -> None:
    """At 8 kHz that delay is 128 ms: the sound of a door would follow its picture visibly."""
    encoder, made = encoded(whole())
    assert made[0][0] == -FRAME
    assert [b[0] - a[0] for a, b in pairwise(made)] == [FRAME] * (len(made) - 1)
    assert onsets(encoder, made) == pytest.approx(TONE_AT_S, abs=0.005)


def test_what_was_lost_is_silence_and_what_follows_is_in_time() -> None:
    encoder, made = encoded([(n, at) for n, at in whole() if not 40 <= n < 65])
    assert len({b[0] - a[0] for a, b in pairwise(made)}) == 1
    assert onsets(encoder, made) == pytest.approx(TONE_AT_S, abs=0.005)


def test_what_comes_twice_is_heard_once() -> None:
    """A sender report that moves the sound back by 300 ms."""
    times = whole()
    encoder, made = encoded([*times[:60], *times[45:]])
    assert onsets(encoder, made) == pytest.approx(TONE_AT_S, abs=0.005)


def test_a_clock_that_drifts_is_followed() -> None:
    """Three in a hundred slow: the last tone would be 75 ms early, and after an hour two minutes."""
    encoder, made = encoded([(n, round(at * 1.03)) for n, at in whole()])
    assert onsets(encoder, made) == pytest.approx([at * 1.03 for at in TONE_AT_S], abs=0.04)


def test_a_jump_of_hours_is_not_filled_with_silence() -> None:
    later = 3600 * RATE
    encoder, made = encoded([(n, at + (later if n >= 75 else 0)) for n, at in whole()])
    assert len(made) < 30
    found = onsets(encoder, made)
    assert found[0] == pytest.approx(0.5, abs=0.005)
    assert found[-1] == pytest.approx(3600 + 2.5, abs=0.15)


def test_copied_sound_that_repeats_is_left_out() -> None:
    sound = SoundTimes()
    kept = [pts for pts in (0, 100, 200, 150, 190, 260, 300, 299, 401) if sound.is_new(pts, 100, 1000)]
    assert kept == [0, 100, 200, 260, 401]
    assert sound.is_new(400_000, 100, 1000)
    assert sound.is_new(0, 100, 1000)
