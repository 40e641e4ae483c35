"""HTTP MJPEG cameras, from a real server to the stored file: every picture, its time, and what goes wrong."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Timer

import av
import pytest

from gatehouse_capture.service import build as build_capture
from gatehouse_capture.sources import open_source
from gatehouse_common.bus import Delivery
from gatehouse_common.camera_url import parse_url
from gatehouse_common.clock import SystemClock
from gatehouse_common.db import Camera, CameraRepository, FootageReader, Gap
from gatehouse_common.errors import SourceUnavailable
from gatehouse_common.media.slicing import slice_footage
from gatehouse_common.messages import LivePreview, LiveRequested
from gatehouse_common.runtime import Core, Supervisor
from gatehouse_common.testing import barcode
from gatehouse_common.testing.film import frame_numbers, luma
from gatehouse_common.testing.recording import scan_file
from gatehouse_indexer.service import build as build_indexer
from gatehouse_segmenter.service import build as build_segmenter
from mjpeg_camera import FPS, PASSWORD, USER, mjpeg_camera, picture
from mjpeg_camera import Camera as Server
from pipeline_kit import open_core, work_off

RECORD_S = 9.0
IDLE_S = 2.0
WHOLE = {
    "plain": ("/live", ""),
    "unsized": ("/live", "length=no"),
    "dashed": ("/live", "boundary=dashed&length=no&slices=500"),
    "wrong_length": ("/live", "length=short&boundary=none"),
    "chunked": ("/live", "chunked=1&slices=1500"),
    "moved": ("/moved", ""),
    "locked": ("/locked", ""),
    "digest": ("/digest", ""),
    "bare": ("/live", "tables=0"),
}
BROKEN = {
    "stalling": ("/live", "stall_after=3"),
    "closing": ("/live", "close_after=3"),
    "trickling": ("/live", "trickle_after=3"),
}
NONE = {"page": "/page", "picture": "/picture", "noise": "/noise", "missing": "/missing"}


@dataclass
class World:
    core: Core
    server: Server
    states: dict[str, Camera] = field(default_factory=dict)
    previews: dict[str, list[tuple[LivePreview, bytes]]] = field(default_factory=dict)

    def runs(self, camera: str) -> list[list[tuple[int, float]]]:
        """Per run: the numbers of the pictures, each with its wall time in seconds."""
        chunks = [c for c in FootageReader(self.core.db).all_chunks() if c.camera == camera]
        found = []
        for run in dict.fromkeys(c.run for c in chunks):
            media = [scan_file(self.core.data_dir, c.key, c.origin_us) for c in chunks if c.run == run]
            piece = slice_footage(media, media[0].start_us, media[-1].end_us)
            shown = frame_numbers(b"".join(piece.file.read(self.core.store)))
            found.append([(n, piece.start_us / 1e6 + at - shown[0][1]) for n, at in shown])
        return found

    def gaps(self, camera: str) -> list[Gap]:
        return [g for g in FootageReader(self.core.db).gaps(camera, 0, 1 << 62) if g.cause != "service_down"]

    def keep(self, delivery: Delivery) -> None:
        message = delivery.message
        assert isinstance(message, LivePreview)
        self.previews.setdefault(message.camera, []).append((message, bytes(delivery.body or b"")))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    data = tmp_path_factory.mktemp("http") / "data"
    core = open_core(
        data, **{"recording.chunk_seconds": 4, "recording.idle_seconds": IDLE_S, "detection.frames": "off"}
    )
    core.db.upgrade()
    with mjpeg_camera() as server:
        world = World(core, server)
        user = f"{USER}:{PASSWORD}"
        urls = {name: server.url(*where, user=user) for name, where in {**WHOLE, **BROKEN}.items()}
        urls |= {name: server.url(path) for name, path in NONE.items()}
        urls["wrong"] = server.url("/locked", user=f"{USER}:wrongwrong")
        cameras = CameraRepository(core.db)
        for name, url in urls.items():
            cameras.add(Camera(id=name, url=url, created_us=core.clock.now_us()))
        core.live.subscribe_transient([LivePreview], world.keep, cameras=["plain", "bare"])
        supervisor = Supervisor([build_indexer(core), build_segmenter(core), build_capture(core)], core.clock)
        supervisor.start()
        time.sleep(2)
        for camera in ("plain", "bare"):
            core.live.publish(
                LiveRequested(camera=camera, time_us=core.clock.now_us(), kinds=["preview"], ttl_us=3_000_000)
            )
        time.sleep(RECORD_S - 2)
        world.states = {c.id: c for c in cameras.list()}
        assert supervisor.stop(15)
    work_off(core)
    yield world
    core.close()


@pytest.mark.parametrize("name", WHOLE)
def test_every_picture_is_recorded_once_at_its_time(world: World, name: str) -> None:
    """S1-2: with and without lengths, however the delimiter is written, through passwords and redirects."""
    (run,) = world.runs(name)
    numbers = [n for n, _ in run]
    assert len(numbers) > FPS * (RECORD_S - 3)
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    late = sorted(at - (world.server.began + n / FPS) for n, at in run)
    assert late[0] > -0.005
    assert late[len(late) * 9 // 10] < 0.05


@pytest.mark.parametrize("name", BROKEN)
def test_a_stream_that_breaks_is_a_gap_and_is_opened_again(world: World, name: str) -> None:
    """S1-5: silent, gone, or going on without a picture."""
    runs = world.runs(name)
    assert len(runs) >= 2
    numbers = [n for n, _ in runs[0]]
    assert len(numbers) == pytest.approx(3 * FPS, abs=3)
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    gap = world.gaps(name)[0]
    assert gap.cause == "camera_offline"
    assert gap.start_us / 1e6 == pytest.approx(runs[0][-1][1] + 1 / FPS, abs=0.08)
    assert gap.end_us / 1e6 == pytest.approx(runs[1][0][1], abs=0.05)
    away = (gap.end_us - gap.start_us) / 1e6
    assert away < (1.0 if name == "closing" else IDLE_S + 1.0)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("page", r"a page \(text/html\)"),
        ("picture", r"a single picture \(image/jpeg\)"),
        ("noise", "no picture for 2 s"),
        ("missing", "404 Not Found"),
        ("wrong", "401 Unauthorized: user or password is wrong"),
    ],
)
def test_what_is_no_stream_says_what_it_is(world: World, name: str, says: str) -> None:
    assert world.states[name].state == "reconnecting"
    assert re.search(says, world.states[name].state_detail)
    assert world.runs(name) == []


def test_a_password_goes_to_its_camera_only_when_it_is_asked_for(world: World) -> None:
    """S0-40: not with a first request, not over a redirect, and nowhere in what is told."""
    asked = [header for path, header in world.server.asked if path == "/moved"]
    assert asked
    assert set(asked) == {None}
    told = " ".join(str(s.state_detail) for s in world.states.values())
    assert PASSWORD not in told
    assert PASSWORD.encode() not in (world.core.data_dir / "bus.db").read_bytes()


def test_previews_are_the_cameras_own_jpegs(world: World) -> None:
    """Nothing is decoded and encoded again for who watches."""
    seen = world.previews["plain"]
    assert len(seen) > FPS
    late_s = []
    for message, jpeg in seen:
        assert (message.width, message.height) == (320, 180)
        number = number_of(jpeg)
        assert jpeg == picture(number)
        late_s.append(message.time_us / 1e6 - world.server.began - number / FPS)
    # Eleven cameras begin at this moment: some of the first pictures wait for their turn.
    assert min(late_s) > -0.01
    assert sorted(late_s)[len(late_s) * 8 // 10] < 0.1
    assert max(late_s) < 0.5


def test_previews_of_jpegs_without_tables_can_be_shown(world: World) -> None:
    """What a USB camera leaves out, and a browser needs, is added."""
    seen = world.previews["bare"]
    assert len(seen) > FPS
    assert all(b"\xff\xc4" in jpeg and number_of(jpeg) for _, jpeg in seen)


def number_of(jpeg: bytes) -> int:
    decoder = av.CodecContext.create("mjpeg", "r")
    return barcode.read(luma(decoder.decode(av.Packet(jpeg))[0]))


def test_a_reader_that_waits_for_a_silent_camera_can_be_interrupted() -> None:
    """Stopping must not wait for the camera's next picture."""
    with mjpeg_camera() as server:
        source = open_source(parse_url(server.url("/live", "stall_after=0.3")), SystemClock(), 30)
        source.open()
        Timer(1.0, source.interrupt).start()
        began = time.monotonic()
        with pytest.raises(SourceUnavailable):
            list(source.packets())
        source.close()
        assert time.monotonic() - began < 2
