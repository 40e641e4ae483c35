"""HLS playlists are byte ranges of recorded chunks: what plays is what was recorded, and numbers stay put."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import av
import numpy as np
import pytest

from gatehouse_common.media.hls import Segment, find_segments, vod_playlist
from gatehouse_common.media.hls_live import LiveWindows
from gatehouse_common.media.samples import ChunkMedia
from gatehouse_common.testing import barcode
from gatehouse_common.testing.film import FilmSpec, luma, make_film
from gatehouse_common.testing.footage import Footage, record_footage
from gatehouse_common.testing.scenarios import START_US
from gatehouse_common.timefmt import rfc3339
from media_scenarios import footage


def play(path: Path) -> list[int]:
    """Return the frame numbers that a player shows."""
    with av.open(str(path), options={"allowed_extensions": "ALL"}) as container:
        return [barcode.read(luma(frame)) for frame in container.decode(video=0)]


@pytest.mark.parametrize("name", ["h264", "no audio", "b-frames", "h265 open gop"])
def test_a_finished_range_plays_every_frame_of_its_chunks(name: str, tmp_path: Path) -> None:
    recorded = footage(name)
    path = tmp_path / "vod.m3u8"
    path.write_text(vod_playlist(find_segments(recorded.chunks), lambda c: str(recorded.root / c.key)))
    assert play(path) == [f.number for f in recorded.runs[0].frames]


def test_a_part_of_a_chunk_plays_from_its_own_keyframe(tmp_path: Path) -> None:
    recorded = footage("h264")
    path = tmp_path / "vod.m3u8"
    second = find_segments(recorded.chunks)[1:]
    path.write_text(vod_playlist(second, lambda c: str(recorded.root / c.key)))
    numbers = play(path)
    assert numbers == list(range(numbers[0], 240))
    assert recorded.runs[0].frames[numbers[0]].at_us == second[0].start_us


def test_times_breaks_and_lengths_are_told() -> None:
    recorded = footage("gap, other sps and size")
    segments = find_segments(recorded.chunks)
    text = vod_playlist(segments, lambda c: f"/{c.chunk_id}.mp4", recorded.start_us + 250_000)
    assert text.startswith("#EXTM3U\n#EXT-X-VERSION:7\n")
    assert text.endswith("#EXT-X-ENDLIST\n")
    assert text.count("#EXT-X-MAP") == 2
    assert text.count("#EXT-X-DISCONTINUITY\n") == 1
    assert "#EXT-X-START:TIME-OFFSET=0.250000,PRECISE=YES" in text
    for run in recorded.runs:
        assert f"#EXT-X-PROGRAM-DATE-TIME:{rfc3339(run.frames[0].at_us)}" in text
    lengths = [float(x) for x in re.findall(r"#EXTINF:([\d.]+),", text)]
    footage_us = sum(run.end_us - run.frames[0].at_us for run in recorded.runs)
    assert sum(lengths) == pytest.approx(footage_us / 1_000_000, abs=0.001)
    longest = int(re.findall(r"TARGETDURATION:(\d+)", text)[0])
    assert max(lengths) <= longest
    before, after = text.split("#EXT-X-DISCONTINUITY\n")
    assert before.count("#EXTINF") + after.count("#EXTINF") == len(segments)
    assert after.startswith("#EXT-X-MAP")


def grown(chunk: ChunkMedia, parts: int) -> ChunkMedia:
    """Return a chunk as it was when it had fewer parts."""
    table = dataclasses.replace(
        chunk.parts, **{f: getattr(chunk.parts, f)[:parts] for f in ("off", "size", "dts", "end", "sync")}
    )
    return dataclasses.replace(chunk, parts=table)


def states(chunks: tuple[ChunkMedia, ...]) -> list[list[ChunkMedia]]:
    """Return what there was after each part."""
    return [
        [*chunks[:k], grown(chunk, parts)] for k, chunk in enumerate(chunks) for parts in range(1, len(chunk.parts) + 1)
    ]


def numbers(text: str) -> dict[str, tuple[int, int]]:
    """Return number and discontinuity count of each segment, told by its time."""
    number = int(re.findall(r"MEDIA-SEQUENCE:(\d+)", text)[0])
    cuts = int(re.findall(r"DISCONTINUITY-SEQUENCE:(\d+)", text)[0])
    found = {}
    for line in text.splitlines():
        if line == "#EXT-X-DISCONTINUITY":
            cuts += 1
        elif line.startswith("#EXT-X-PROGRAM-DATE-TIME"):
            begun = line
        elif line.startswith("#EXT-X-BYTERANGE"):
            found[f"{begun} {line}"] = number, cuts
            number += 1
    return found


def url(chunk: ChunkMedia) -> str:
    return f"/{chunk.chunk_id}.mp4"


def keyframes_far_apart(root: Path) -> Footage:
    """GOPs of which two are longer than a segment has to be."""
    film = make_film(root / "film.mp4", FilmSpec(width=320, height=180, frames=300, gop=80))
    return record_footage(root / "data", [(film, START_US)])


@pytest.mark.parametrize("breaks", [{0, 1}, {0}], ids=["a gap and short chunks", "keyframes far apart"])
def test_a_live_segment_keeps_its_number_and_its_bytes_while_footage_grows_and_ages(
    breaks: set[int], tmp_path: Path
) -> None:
    recorded = footage("gap, other sps and size") if 1 in breaks else keyframes_far_apart(tmp_path)
    windows = LiveWindows()
    seen: dict[str, tuple[int, int]] = {}
    newest = 0
    for there in states(recorded.chunks):
        segments = find_segments(there[-3:], whole_only=True)  # older chunks are out of sight
        if not segments:
            continue
        for segment, number in numbers(windows.playlist("cam", segments, url)).items():
            assert seen.setdefault(segment, number) == number
            newest = max(newest, number[0])
    assert [n for n, _ in seen.values()] == list(range(newest - len(seen) + 1, newest + 1))
    assert {cuts for _, cuts in seen.values()} == breaks


def test_a_live_playlist_promises_one_target_duration_and_never_ends() -> None:
    recorded = footage("h264")
    windows = LiveWindows()
    texts = [
        windows.playlist("cam", segments, url)
        for there in states(recorded.chunks)
        if (segments := find_segments(there, whole_only=True))
    ]
    assert {re.findall(r"TARGETDURATION:(\d+)", text)[0] for text in texts} == {"6"}
    assert not any("ENDLIST" in text for text in texts)


def test_numbers_go_on_after_nobody_has_watched_for_long() -> None:
    segments = [
        Segment(chunk, 0, 1, chunk.start_us, 1_000_000, discontinuity=False) for chunk in footage("h264").chunks
    ]
    windows = LiveWindows()
    first = numbers(windows.playlist("cam", segments[:1], url))
    later = numbers(windows.playlist("cam", segments[2:], url))
    assert min(later.values()) > max(first.values())
    assert np.diff([n for n, _ in (*first.values(), *later.values())]) >= 1
