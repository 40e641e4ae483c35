"""Codecs of network cameras, from an RTSP server that is not ours: sound playable and in time, JPEGs recorded."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

import av
import pytest

from beeps import lags, make_beeping_film
from gatehouse_capture.service import build as build_capture
from gatehouse_capture.sources import open_source
from gatehouse_capture.sources.jpeg import JpegDecoder
from gatehouse_common.camera_url import parse_url
from gatehouse_common.clock import SystemClock
from gatehouse_common.db import Camera, CameraRepository, Chunk, FootageReader
from gatehouse_common.media.decode import make_decoder
from gatehouse_common.media.slicing import slice_footage
from gatehouse_common.runtime import Core, Supervisor
from gatehouse_common.testing import barcode
from gatehouse_common.testing.film import luma
from gatehouse_common.testing.recording import scan_file
from gatehouse_indexer.service import build as build_indexer
from gatehouse_segmenter.service import build as build_segmenter
from gst_camera import served
from pipeline_kit import open_core, work_off
from ports import free_port

SOUNDS = {"pcmu": "mp4a", "pcma": "mp4a", "g722": "mp4a", "aac": "mp4a", "opus": "Opus"}
CONNECTED_S, AWAY_S = 9.0, 1.5


@dataclass
class World:
    core: Core

    def runs(self, camera: str) -> list[list[Chunk]]:
        chunks = [c for c in FootageReader(self.core.db).all_chunks() if c.camera == camera]
        return [[c for c in chunks if c.run == run] for run in dict.fromkeys(c.run for c in chunks)]

    def footage(self, chunks: list[Chunk], start_us: int = 0) -> bytes:
        """What a user downloads of these chunks, from ``start_us`` after their begin."""
        media = [scan_file(self.core.data_dir, c.key, c.origin_us) for c in chunks]
        piece = slice_footage(media, media[0].start_us + start_us, media[-1].end_us)
        return b"".join(piece.file.read(self.core.store))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("sound")
    film = make_beeping_film(home / "film.mov", seconds=40)
    core = open_core(
        home / "data", **{"recording.chunk_seconds": 4, "recording.idle_seconds": 2, "detection.frames": "off"}
    )
    core.db.upgrade()
    port = free_port()
    cameras = CameraRepository(core.db)
    for name in SOUNDS:
        cameras.add(Camera(id=name, url=f"rtsp://127.0.0.1:{port}/{name}", created_us=core.clock.now_us()))
    supervisor = Supervisor([build_indexer(core), build_segmenter(core), build_capture(core)], core.clock)
    with served(film, port, *SOUNDS):
        supervisor.start()
        time.sleep(CONNECTED_S)
    time.sleep(AWAY_S)
    with served(film, port, *SOUNDS):
        time.sleep(CONNECTED_S)
        assert supervisor.stop(15)
    work_off(core)
    yield World(core)
    core.close()


@pytest.mark.parametrize("name", SOUNDS)
def test_sound_is_in_time_with_the_picture(world: World, name: str) -> None:
    """A tone begins within 50 ms of the picture it belongs to: from the start, from the middle, and across a gap."""
    first, second = world.runs(name)
    pieces = [world.footage(first), world.footage(first, 2_300_000), world.footage(second)]
    for footage, least in (*((piece, 4) for piece in pieces), (world.footage(first + second, 1_700_000), 10)):
        found = lags(footage)
        assert len(found) >= least
        assert max(found, key=abs) == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("name", SOUNDS)
def test_stored_files_play_alone_with_their_sound(world: World, name: str) -> None:
    """By ffmpeg, which is not what wrote them: no error, and sound for as long as there are pictures."""
    for chunk in world.runs(name)[0][1:-1]:
        path = world.core.data_dir / chunk.key
        media = scan_file(world.core.data_dir, chunk.key, chunk.origin_us)
        assert [track.format.codec for track in media.tracks] == ["avc1", SOUNDS[name]]
        heard = float(media.tracks[1].dur.sum()) / media.tracks[1].format.timescale
        assert heard == pytest.approx((chunk.end_us - chunk.start_us) / 1e6, abs=0.15)
        command = ["ffmpeg", "-v", "error", "-xerror", "-i", str(path), "-f", "null", "-"]
        played = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (played.returncode, played.stderr) == (0, "")
        assert max(lags(path), key=abs) == pytest.approx(0, abs=0.05)


def test_a_camera_of_jpegs_over_rtsp_is_recorded(tmp_path: Path) -> None:
    """Old ones have nothing else (RFC 2435): every picture is encoded once, and there as it was sent."""
    film = make_beeping_film(tmp_path / "film.mov", seconds=20)
    port = free_port()
    with served(film, port):
        source = open_source(parse_url(f"rtsp://127.0.0.1:{port}/jpeg"), SystemClock(), 5)
        info = source.open()
        packets = list(islice(source.packets(), 60))
        source.close()
    decoder = make_decoder(info.formats[0])
    numbers = [barcode.read(luma(f)) for p in packets for f in decoder.decode(av.Packet(p.data))]
    assert numbers == list(range(numbers[0], numbers[0] + 60))
    steps = [b.pts - a.pts for a, b in pairwise(packets)]
    assert steps == pytest.approx([3000] * 59, abs=100)
    jpegs = [JpegDecoder().decode(p.jpeg or b"") for p in packets[:3]]
    assert [barcode.read(luma(frame)) for frame in jpegs if frame is not None] == numbers[:3]
