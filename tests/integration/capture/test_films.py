"""Films as cameras: those that say no times, that have no pictures, that are of other codecs."""

from __future__ import annotations

import subprocess
import time
from itertools import pairwise
from pathlib import Path

import av
import pytest

from gatehouse_capture.sources import Packet, StreamInfo, open_source
from gatehouse_common.camera_url import parse_url
from gatehouse_common.clock import SystemClock
from gatehouse_common.errors import SourceUnavailable
from gatehouse_common.media.decode import make_decoder
from gatehouse_common.testing import barcode
from gatehouse_common.testing.film import FilmSpec, luma, make_film


def play(url: str) -> tuple[StreamInfo, list[Packet]]:
    source = open_source(parse_url(url), SystemClock(), 5)
    try:
        return source.open(), [p for p in source.packets() if p.track == 0]
    finally:
        source.close()


def shown(info: StreamInfo, packets: list[Packet]) -> list[tuple[int, int]]:
    """Decode packets; return ``(burned-in number, ticks)`` as they are shown."""
    decoder = make_decoder(info.formats[0])
    frames: list[av.VideoFrame] = []
    for packet in packets:
        coded = av.Packet(packet.data)
        coded.pts = packet.pts
        frames += decoder.decode(coded)
    frames += decoder.decode(None)
    return [(barcode.read(luma(f)), f.pts or 0) for f in frames]


@pytest.mark.parametrize("bframes", [0, 3])
@pytest.mark.parametrize("kind", ["h264", "avi"])
def test_a_film_that_holds_no_times_is_shown_in_order_and_at_its_rate(tmp_path: Path, kind: str, bframes: int) -> None:
    """Raw streams say nothing; AVI says when pictures are decoded, which with B-frames is another order."""
    film = make_film(tmp_path / "film.mp4", FilmSpec(frames=90, bframes=bframes, width=320, height=180, gop=30))
    bare = tmp_path / f"film.{kind}"
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(film), "-c", "copy", str(bare)], check=True)
    info, packets = play(f"file://{bare}?pace=fast")
    seen = shown(info, packets)
    assert [n for n, _ in seen] == list(range(90))
    steps = {b - a for (_, a), (_, b) in pairwise(seen[:-1])}  # AVI's last one is told short
    assert steps == {90_000 // (25 if kind == "h264" else 30)}


def test_a_film_in_another_codec_is_encoded_and_keeps_its_times(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", FilmSpec(frames=60, width=322, height=182, gop=30))
    other = tmp_path / "film.mov"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(film), "-c:v", "mjpeg", "-q:v", "3", "-pix_fmt", "yuvj420p", str(other)],
        check=True,
    )
    info, packets = play(f"file://{other}?pace=fast")
    assert info.formats[0].codec == "avc1"
    assert [(n, t - packets[0].pts) for n, t in shown(info, packets)] == [(n, n * 3000) for n in range(60)]


@pytest.mark.parametrize("options", ["loop=1", "pace=fast"])
def test_a_film_without_a_picture_says_so_instead_of_going_round(tmp_path: Path, options: str) -> None:
    """Played again and again it would take a whole core and show nothing."""
    film = make_film(tmp_path / "film.mp4", FilmSpec(frames=30, width=160, height=96, gop=30, audio=True))
    empty = tmp_path / "empty.mp4"
    # The track is declared, and holds not one sample.
    command = ["ffmpeg", "-v", "error", "-i", str(film), "-map", "0:v", "-map", "0:a", "-c", "copy"]
    subprocess.run([*command, "-frames:v", "0", "-movflags", "frag_keyframe+empty_moov", str(empty)], check=True)
    with av.open(str(empty)) as container:
        assert container.streams.video
    before = time.process_time()
    with pytest.raises(SourceUnavailable, match=r"holds no (pictures|video)"):
        play(f"file://{empty}?{options}")
    assert time.process_time() - before < 2
