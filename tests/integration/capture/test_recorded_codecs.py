"""S1-3, C-7: the codec that a camera's URL asks for is what is recorded, and every use of footage is exact in it."""

from __future__ import annotations

import os
import subprocess
from itertools import islice
from pathlib import Path

import pytest

from gatehouse_capture.sources import Packet, StreamInfo, open_source
from gatehouse_capture.sources.jpeg import JpegDecoder, with_tables
from gatehouse_common.camera_url import parse_url
from gatehouse_common.clock import SystemClock
from gatehouse_common.errors import InvalidInput
from gatehouse_common.media.adopt import adopt, read_index
from gatehouse_common.media.pictures import exact_picture
from gatehouse_common.media.recorder import Sample
from gatehouse_common.media.samples import ChunkMedia
from gatehouse_common.media.slicing import slice_footage, smart_slice
from gatehouse_common.storage import LocalStore
from gatehouse_common.testing import barcode
from gatehouse_common.testing.film import FilmSpec, frame_numbers, luma, make_film
from gatehouse_common.testing.recording import record_samples
from gst_camera import served
from mjpeg_camera import mjpeg_camera, picture
from ports import free_port

START_US = 1_715_941_380_000_000
FRAMES = 150
CODECS = {
    "h264": ("avc1.", "h264"),
    "H265": ("hvc1.1.", "hevc"),
    "mp4v": ("mp4v.20.", "mpeg4"),
    "MJPG": ("mp4v.6C", "mjpeg"),
}


def read(url: str, most: int = 100_000) -> tuple[StreamInfo, list[Packet]]:
    source = open_source(parse_url(url), SystemClock(), 5)
    try:
        return source.open(), list(islice((p for p in source.packets() if p.track == 0), most))
    finally:
        source.close()


def recorded(root: Path, info: StreamInfo, packets: list[Packet], *, killed: bool = False) -> list[str]:
    """Record packets as chunks of two seconds; return their keys."""
    zero = packets[0].pts
    samples = [Sample(0, p.pts - zero, p.dur or 3000, p.sync, p.data) for p in packets]
    heard = record_samples(info.init, samples, root, start_us=START_US, chunk_us=2_000_000, leave_open=killed)
    return heard.chunks


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frames of another codec than any, so that none can be copied."""
    home = tmp_path_factory.mktemp("film")
    made = make_film(home / "film.mp4", FilmSpec(frames=FRAMES, width=320, height=180, gop=30))
    other = home / "film.mov"
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(made), "-c:v", "ffv1", str(other)], check=True)
    return other


@pytest.mark.parametrize("name", CODECS)
def test_a_camera_is_recorded_in_the_codec_it_asks_for(film: Path, tmp_path: Path, name: str) -> None:
    """Every frame of every file, by the ffmpeg program; keyframes two seconds apart, or everywhere."""
    info, packets = read(f"file://{film}?pace=fast&codec={name}")
    string, known_as = CODECS[name]
    assert info.formats[0].codec_string.startswith(string)
    keys = [p.pts - packets[0].pts for p in packets if p.sync]
    assert keys == [n * 3000 for n in range(FRAMES)] if name == "MJPG" else keys == [0, 180_000, 360_000]
    numbers: list[int] = []
    for key in recorded(tmp_path, info, packets):
        command = ["ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0"]
        told = subprocess.run([*command, str(tmp_path / key)], capture_output=True, text=True, check=True)
        assert told.stdout.strip() == known_as
        played = ["ffmpeg", "-v", "error", "-xerror", "-i", str(tmp_path / key), "-f", "null", "-"]
        seen = subprocess.run(played, capture_output=True, text=True, check=False)
        assert (seen.returncode, seen.stderr) == (0, "")
        numbers += [n for n, _ in frame_numbers(tmp_path / key)]
    assert numbers == list(range(FRAMES))


@pytest.mark.parametrize("name", CODECS)
def test_footage_of_every_codec_is_exact_after_a_crash(film: Path, tmp_path: Path, name: str) -> None:
    """Adopted, then cut both ways, and shown as a picture."""
    info, packets = read(f"file://{film}?pace=fast&codec={name}")
    keys = recorded(tmp_path, info, packets, killed=True)
    with (tmp_path / keys[-1]).open("ab") as torn:
        torn.write(os.urandom(700))
    chunks: list[ChunkMedia] = []
    for key in keys:
        adopt(tmp_path / key, key)
        media = read_index(tmp_path / key, key)
        assert media is not None
        chunks.append(media)
    store = LocalStore(tmp_path)
    assert chunks[-1].end_us - START_US >= FRAMES * 33_333 - 600_000
    for first, last in ((1, 20), (45, 100), (61, 62), (90, 130)):
        start, end = START_US + first * 100_000 // 3 + 1, START_US + last * 100_000 // 3
        for piece in (slice_footage(chunks, start, end), smart_slice(chunks, start, end, store)):
            shown = frame_numbers(b"".join(piece.file.read(store)))
            assert [n for n, _ in shown] == list(range(first, last))
            assert [at for _, at in shown] == pytest.approx([n / 30 for n in range(last - first)], abs=1e-4)
        hidden = frame_numbers(b"".join(piece.file.read(store)), raw=True)
        assert hidden[0][0] == first
    jpeg = exact_picture(chunks[1], chunks[1].start_us + 510_000, store, 320).jpeg
    decoded = JpegDecoder().decode(jpeg)
    assert decoded is not None
    assert barcode.read(luma(decoded)) == (chunks[1].start_us + 510_000 - START_US) * 3 // 100_000


def test_jpegs_are_stored_as_the_camera_sent_them(tmp_path: Path) -> None:
    """Not one is decoded or encoded; those without Huffman tables get the standard ones."""
    with mjpeg_camera() as camera:
        for query in ("", "tables=0"):
            info, packets = read(camera.url("/live", query) + "#codec=mjpeg", 20)
            numbers = [n for n, _ in frame_numbers(_footage(tmp_path / (query or "whole"), info, packets))]
            assert numbers == list(range(numbers[0], numbers[0] + 20))
            if not query:
                assert [p.data for p in packets] == [with_tables(picture(n)) for n in numbers]
        assert not any("codec" in path for path, _ in camera.asked)


def _footage(root: Path, info: StreamInfo, packets: list[Packet]) -> bytes:
    root.mkdir()
    keys = recorded(root, info, packets)
    media = [m for key in keys if (m := read_index(root / key, key)) is not None]
    piece = slice_footage(media, media[0].start_us, media[-1].end_us)
    return b"".join(piece.file.read(LocalStore(root)))


def test_keyframes_that_follow_one_another_share_parts(film: Path, tmp_path: Path) -> None:
    """A part a picture would be sixty messages a second, and a third of the file its headers."""
    info, packets = read(f"file://{film}?pace=fast&codec=mjpeg")
    key = recorded(tmp_path, info, packets)[0]
    media = read_index(tmp_path / key, key)
    assert media is not None
    assert all(length >= 40_000 for length in (media.parts.end - media.parts.dts)[1:-1])


@pytest.mark.parametrize(("path", "codec"), [("mpeg4", "mp4v.20"), ("jpeg#codec=mjpeg", "mp4v.6C")])
def test_network_cameras_of_old_codecs_are_recorded_as_they_send(tmp_path: Path, path: str, codec: str) -> None:
    film = make_film(tmp_path / "film.mp4", FilmSpec(frames=600, width=320, height=180, gop=30))
    port = free_port()
    with served(film, port):
        info, packets = read(f"rtsp://127.0.0.1:{port}/{path}", 100)
    assert info.formats[0].codec_string.startswith(codec)
    first = next(k for k, p in enumerate(packets) if p.sync)
    shown = frame_numbers(_footage(tmp_path / "data", info, packets[first:]))
    assert [n for n, _ in shown] == list(range(shown[0][0], shown[0][0] + 100 - first))


@pytest.mark.parametrize(("codec", "says"), [("raw", "use codec=mjpeg"), ("vp9", "must be h264, h265, mpeg4 or mjpeg")])
@pytest.mark.parametrize("url", ["synthetic:?codec={}", "http://camera/live?x=1#codec={}"])
def test_a_codec_that_is_not_recorded_is_refused(url: str, codec: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        parse_url(url.format(codec))
