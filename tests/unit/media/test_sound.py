"""Sound stays with the picture: noise, in which every instant differs, is found where it was recorded, to 1 ms."""

from __future__ import annotations

import dataclasses
from functools import cache
from io import BytesIO

import av
import numpy as np
import pytest

from gatehouse_common.media.samples import ChunkMedia, TrackFormat
from gatehouse_common.media.slicing import Slice, slice_footage, smart_slice
from gatehouse_common.testing.film import AUDIO_RATE
from media_scenarios import footage

SEARCHED_S = 0.1
WINDOW_S = 0.3


def sound(source: object) -> np.ndarray:
    """Return the decoded sound of a file, each sample at the place its time says; silence where there is none."""
    with av.open(source) as container:
        pieces = [
            (round(float(frame.pts * frame.time_base) * AUDIO_RATE), frame.to_ndarray()[0])
            for frame in container.decode(audio=0)
        ]
    timeline = np.zeros(max(at + len(data) for at, data in pieces), np.float32)
    for at, data in pieces:
        cut = max(-at, 0)
        timeline[max(at, 0) : at + len(data)] = data[cut:]
    return timeline


@cache
def recorded_sound(name: str, run: int) -> np.ndarray:
    """Return the sound of a run's film from its first frame on."""
    return sound(str(footage(name).root.parent / f"film{run}.mp4"))


def lateness_ms(name: str, piece: Slice, heard: np.ndarray, at_us: int) -> float:
    """Return by how much the sound of a slice is late where it shows ``at_us``."""
    recorded = footage(name)
    run = max(k for k, r in enumerate(recorded.runs) if r.frames[0].at_us <= at_us)
    low = round((at_us - piece.start_us) / 1e6 * AUDIO_RATE)
    window = heard[low : low + round(WINDOW_S * AUDIO_RATE)]
    reach = round(SEARCHED_S * AUDIO_RATE)
    there = round((at_us - recorded.runs[run].frames[0].at_us) / 1e6 * AUDIO_RATE)
    whole = recorded_sound(name, run)[there - reach : there + len(window) + reach]
    assert len(whole) == len(window) + 2 * reach
    size = len(whole) + len(window)
    match = np.fft.irfft(np.fft.rfft(whole, size) * np.conj(np.fft.rfft(window, size)), size)[: 2 * reach + 1]
    assert match.max() > 0.5 * np.sqrt((window**2).sum() * (whole[reach : reach + len(window)] ** 2).sum())
    return float(reach - int(np.argmax(match))) / AUDIO_RATE * 1000


@pytest.mark.parametrize("cut", ["exact", "smart"])
@pytest.mark.parametrize(
    "name", ["h264", "b-frames", "h265 open gop", "vfr", "gap, other sps and size", "codec change", "growing, b-frames"]
)
def test_sound_is_where_the_picture_is_in_every_run(name: str, cut: str) -> None:
    recorded = footage(name)
    for begin in (345_678, 1_999_999, 2_700_001):
        start, end = recorded.start_us + begin, recorded.end_us - 200_000
        if cut == "exact":
            piece = slice_footage(recorded.chunks, start, end)
        else:
            piece = smart_slice(recorded.chunks, start, end, recorded.store)
        heard = sound(BytesIO(recorded.bytes_of(piece.file)))
        for run in recorded.runs:
            at = [max(run.frames[0].at_us + 150_000, start + 150_000), run.end_us - 800_000]
            assert [abs(lateness_ms(name, piece, heard, t)) < 1 for t in at if t > start] == [True] * len(at)


def test_the_first_instants_sound_as_recorded() -> None:
    """An AAC packet is decoded with the help of the one before it, so that one is in the file, and not heard."""
    name = "b-frames"
    recorded = footage(name)
    whole = recorded_sound(name, 0)
    for begin in range(1_000_000, 2_000_000, 111_111):
        piece = slice_footage(recorded.chunks, recorded.start_us + begin, recorded.start_us + begin + 1_000_000)
        heard = sound(BytesIO(recorded.bytes_of(piece.file)))[:256]
        there = round((piece.start_us - recorded.start_us) / 1e6 * AUDIO_RATE)
        # Not the same samples: AAC fills in noise of its own.
        assert np.corrcoef(whole[there : there + len(heard)], heard)[0, 1] > 0.9


def test_joined_sound_goes_on_with_its_picture() -> None:
    name = "gap, other sps and size"
    recorded = footage(name)
    start, end = recorded.start_us + 1_234_567, recorded.end_us - 200_000
    piece = slice_footage(recorded.chunks, start, end, gaps="skip")
    heard = sound(BytesIO(recorded.bytes_of(piece.file)))
    gap_us = recorded.runs[1].frames[0].at_us - recorded.runs[0].end_us
    moved = dataclasses.replace(piece, start_us=piece.start_us + gap_us)
    assert abs(lateness_ms(name, piece, heard, recorded.runs[0].end_us - 800_000)) < 1
    assert abs(lateness_ms(name, moved, heard, recorded.runs[1].frames[0].at_us + 500_000)) < 1


def test_a_smart_cut_has_no_sound_from_before() -> None:
    recorded = footage("b-frames")
    start = recorded.start_us + 1_234_567
    piece = smart_slice(recorded.chunks, start, start + 2_000_000, recorded.store)
    with av.open(BytesIO(recorded.bytes_of(piece.file)), options={"ignore_editlist": "1"}) as container:
        packets = [p for p in container.demux(audio=0) if p.size]
    audio = [
        (chunk, k)
        for chunk in recorded.chunks
        for k, dts in enumerate(chunk.tracks[1].dts)
        if piece.start_us <= chunk.wall_us(int(dts), AUDIO_RATE) < piece.end_us
    ]
    wanted = [recorded.store.read(c.key, int(c.tracks[1].off[k]), int(c.tracks[1].size[k])) for c, k in audio]
    assert [bytes(p) for p in packets] == wanted


def test_sound_whose_stated_bit_rate_differs_stays_one_track() -> None:
    """Bit rates are measured anew by some cameras for each connection."""
    recorded = footage("gap, other sps and size")
    chunks = [*recorded.chunks[:2], *(restated(c) for c in recorded.chunks[2:])]
    assert chunks[-1].tracks[1].format.sample_entry != recorded.chunks[0].tracks[1].format.sample_entry
    data = recorded.bytes_of(slice_footage(chunks, recorded.start_us, recorded.end_us).file)
    assert data.count(b"trak") == 2


def restated(chunk: ChunkMedia) -> ChunkMedia:
    video, audio = chunk.tracks
    entry = bytearray(audio.format.sample_entry)
    at = entry.index(b"esds") + 4 + 4 + 5 + 3 + 5 + 5  # to maxBitrate, as libavformat writes it
    entry[at : at + 8] = b"\0\0\x12\x34" * 2
    other: TrackFormat = dataclasses.replace(audio.format, sample_entry=bytes(entry))
    return dataclasses.replace(chunk, tracks=(video, dataclasses.replace(audio, format=other)))
