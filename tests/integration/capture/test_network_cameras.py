"""Network cameras over real RTSP: what they send is recorded whole, what they do wrong costs them alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gatehouse_capture.service import build as build_capture
from gatehouse_capture.spool_keeper import build as build_spool
from gatehouse_common.db import Camera, CameraRepository, Chunk, FootageReader, Gap
from gatehouse_common.media.slicing import slice_footage
from gatehouse_common.runtime import Core, Supervisor
from gatehouse_common.testing.film import FilmSpec, frame_numbers, make_film
from gatehouse_common.testing.recording import scan_file
from gatehouse_indexer.service import build as build_indexer
from gatehouse_segmenter.service import build as build_segmenter
from pipeline_kit import open_core
from rtsp_kit import CameraProcess, rtsp_camera

RECORD_S = 13.0
SECRET = "hunter2hunter2"

FILMS = {
    "plain": FilmSpec(frames=900, bframes=3, audio=True, width=320, height=180, gop=30),
    "hevc": FilmSpec(frames=900, codec="hevc", bframes=3, width=320, height=180, gop=30),
    "simple": FilmSpec(frames=900, width=320, height=180, gop=30),
    "short": FilmSpec(frames=120, width=320, height=180, gop=30),
    "larger": FilmSpec(frames=900, width=480, height=270, gop=30, bframes=2, first=120),
}


@dataclass
class World:
    core: Core
    camera: CameraProcess
    states: dict[str, Camera]

    def chunks(self, camera: str) -> list[Chunk]:
        return [c for c in FootageReader(self.core.db).all_chunks() if c.camera == camera]

    def gaps(self, camera: str) -> list[Gap]:
        return FootageReader(self.core.db).gaps(camera, 0, 1 << 62)

    def runs(self, camera: str) -> list[list[tuple[int, float]]]:
        """Per run: the frame numbers, each with its wall time in seconds."""
        found = []
        for run in dict.fromkeys(c.run for c in self.chunks(camera)):
            media = [scan_file(self.core.data_dir, c.key, c.origin_us) for c in self.chunks(camera) if c.run == run]
            piece = slice_footage(media, media[0].start_us, media[-1].end_us)
            shown = frame_numbers(b"".join(piece.file.read(self.core.store)))
            start = piece.start_us / 1e6
            found.append([(n, start + at - shown[0][1]) for n, at in shown])
        return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("capture")
    films = {name: make_film(home / f"{name}.mp4", spec) for name, spec in FILMS.items()}
    mounts = {
        **films,
        **dict.fromkeys(
            ("dropping", "stalling", "freezing", "jumping", "rubbish", "locked", "wrong", "skewed"), films["simple"]
        ),
        "announced": films["simple"],
        "changing": films["short"],
    }
    auth = {"locked": f"user:{SECRET}", "wrong": f"user:{SECRET}"}
    core = open_core(
        home / "data", **{"recording.chunk_seconds": 4, "recording.idle_seconds": 2, "detection.frames": "off"}
    )
    core.db.upgrade()
    with rtsp_camera(mounts, auth=auth) as camera:
        urls = {
            "plain": camera.url("plain"),
            "hevc": camera.url("hevc"),
            "dropping": camera.url("dropping", "drop_after=4.5"),
            "stalling": camera.url("stalling", "stall_after=3"),
            "freezing": camera.url("freezing", "freeze_after=3"),
            "jumping": camera.url("jumping", "jump=3600@4.2"),
            "skewed": camera.url("skewed", "skew=7200"),
            "announced": camera.url("announced", "announce=larger"),
            "changing": camera.url("changing", "then=larger"),
            "rubbish": camera.url("rubbish", "rubbish=1"),
            "locked": camera.url("locked", user=f"user:{SECRET}"),
            "wrong": camera.url("wrong", user="user:wrongwrong"),
            "nowhere": "rtsp://127.0.0.1:9/none",
        }
        cameras = CameraRepository(core.db)
        for name, url in urls.items():
            cameras.add(Camera(id=name, url=url, created_us=core.clock.now_us()))
        supervisor = Supervisor(
            [build_spool(core), build_indexer(core), build_segmenter(core), build_capture(core)], core.clock
        )
        supervisor.start()
        time.sleep(RECORD_S)
        states = {c.id: c for c in cameras.list()}
        assert supervisor.stop(15)
    # What the last messages of capture asked for is done now.
    supervisor = Supervisor([build_spool(core), build_indexer(core), build_segmenter(core)], core.clock)
    supervisor.start()
    assert core.bus.join(20)
    assert supervisor.stop()
    yield World(core, camera, states)
    core.close()


@pytest.mark.parametrize("name", ["plain", "hevc", "locked"])
def test_every_frame_is_recorded_once_and_in_order(world: World, name: str) -> None:
    """S1-2: what was sent is there, with B-frames and open GOPs, over chunk borders."""
    (run,) = world.runs(name)
    # The last few pictures may refer to ones that had not been sent yet.
    numbers = [n for n, _ in run][:-4]
    assert len(numbers) > 30 * (RECORD_S - 4)
    assert numbers == list(range(len(numbers)))
    assert len(world.chunks(name)) >= 3


@pytest.mark.parametrize("name", ["plain", "hevc"])
def test_wall_times_are_those_of_the_camera_by_its_sender_reports(world: World, name: str) -> None:
    (run,) = world.runs(name)
    began = world.camera.plays[name][0]
    errors = [at - (began + number / 30) for number, at in run]
    assert max(errors, key=abs) == pytest.approx(0, abs=0.002)


def test_a_camera_whose_clock_is_wrong_is_dated_by_arrival(world: World) -> None:
    (run,) = world.runs("skewed")
    began = world.camera.plays["skewed"][0]
    errors = [at - (began + number / 30) for number, at in run]
    assert min(errors) > -0.01
    assert max(errors) < 0.15


def test_sound_is_recorded_beside_the_picture(world: World) -> None:
    chunk = world.chunks("plain")[1]
    media = scan_file(world.core.data_dir, chunk.key)
    assert [t.format.codec for t in media.tracks] == ["avc1", "mp4a"]
    heard = int(media.tracks[1].dur.sum()) / 48_000
    assert heard == pytest.approx((chunk.end_us - chunk.start_us) / 1e6, abs=0.05)


@pytest.mark.parametrize(("name", "at"), [("dropping", 4.5), ("stalling", 3.0), ("freezing", 3.0)])
def test_a_lost_connection_is_a_gap_and_recording_goes_on(world: World, name: str, at: float) -> None:
    """S1-5: silent or gone, it is opened again, and the time between is in the ledger with its cause."""
    runs = world.runs(name)
    assert len(runs) >= 2
    first = [n for n, _ in runs[0]]
    assert first == list(range(len(first)))
    assert len(first) == pytest.approx(at * 30, abs=3)
    for run in runs[1:]:
        numbers = [n for n, _ in run]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    gaps = [g for g in world.gaps(name) if g.cause != "service_down"]
    assert {g.cause for g in gaps} == {"camera_offline"}
    gap = gaps[0]
    assert gap.start_us / 1e6 == pytest.approx(runs[0][-1][1] + 1 / 30, abs=0.05)
    assert gap.end_us / 1e6 == pytest.approx(runs[1][0][1], abs=0.05)


def test_a_jump_of_the_cameras_time_loses_no_frame_and_misdates_none(world: World) -> None:
    runs = world.runs("jumping")
    assert len(runs) == 2
    numbers = [n for run in runs for n, _ in run]
    assert numbers == list(range(len(numbers)))
    began = world.camera.plays["jumping"][0]
    for run in runs:
        assert max((abs(at - (began + n / 30)) for n, at in run)) < 0.2


def test_a_camera_that_changes_its_parameters_loses_no_frame(world: World) -> None:
    """Someone sets another resolution: a new run begins with that very frame."""
    before, after = world.runs("changing")
    numbers = [n for n, _ in before + after][:-4]
    assert numbers == list(range(len(numbers)))
    assert len(before) == 120
    assert len(after) > 100
    sizes = [FootageReader(world.core.db).run(c.run) for c in world.chunks("changing")]
    assert list(dict.fromkeys((run.width, run.height) for run in sizes)) == [(320, 180), (480, 270)]
    since = world.chunks("changing")[0].start_us  # how long connecting took is told too, and depends on the machine
    assert [g for g in world.gaps("changing") if g.end_us > since] == []
    began = world.camera.plays["changing"]
    assert len(began) == 1
    assert max(abs(at - (began[0] + n / 30)) for n, at in before + after) < 0.2


def test_a_camera_that_announces_other_parameters_than_it_sends_is_recorded_as_it_is(world: World) -> None:
    (run,) = world.runs("announced")
    numbers = [n for n, _ in run]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > 30 * (RECORD_S - 4)
    known = FootageReader(world.core.db).run(world.chunks("announced")[0].run)
    assert (known.width, known.height) == (320, 180)


def test_rubbish_wrong_passwords_and_dead_addresses_cost_their_own_camera_only(world: World) -> None:
    for name in ("rubbish", "wrong", "nowhere"):
        assert world.states[name].state in {"reconnecting", "starting"}, name
    assert not world.chunks("wrong")
    assert not world.chunks("nowhere")
    assert "401" in world.states["wrong"].state_detail
    assert "refused" in world.states["nowhere"].state_detail
    for name in ("plain", "hevc", "locked"):
        assert world.states[name].state == "recording"


def test_no_password_is_in_anything_that_is_told(world: World) -> None:
    """S0-40: states, gaps, file names and the journal hold no credentials."""
    told = " ".join(str(s.state_detail) for s in world.states.values())
    files = " ".join(str(p) for p in world.core.data_dir.rglob("*"))
    journal = (world.core.data_dir / "bus.db").read_bytes()
    media = b"".join(p.read_bytes()[:4096] for p in world.core.data_dir.rglob("*.mp4"))
    assert SECRET not in told + files
    assert SECRET.encode() not in journal + media


def test_stopping_leaves_nothing_behind(world: World) -> None:
    assert list((world.core.data_dir / "spool").rglob("*.mp4")) == []
    assert all(c.state == "stored" for c in FootageReader(world.core.db).all_chunks())
    names = [t.name for t in threading.enumerate()]
    assert not [n for n in names if n.startswith("camera-")]
    # Some connections were lost, some never answered a farewell: no thread waits for that for ever.
    eventually(lambda: not [t for t in threading.enumerate() if t.name == "closing"])


def eventually(what: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_films_play_at_their_pace_or_as_fast_as_they_go(tmp_path: Path) -> None:
    """A film read fast keeps its own times, and ends as a camera that has ended."""
    film = make_film(tmp_path / "film.mp4", FilmSpec(frames=240, width=160, height=96, gop=30))
    core = open_core(tmp_path / "data", **{"recording.chunk_seconds": 3, "detection.frames": "off"})
    core.db.upgrade()
    cameras = CameraRepository(core.db)
    now = core.clock.now_us()
    cameras.add(Camera(id="fast", url=f"file://{film}?pace=fast", created_us=now))
    cameras.add(Camera(id="none", url="file:///no/such/film.mp4", created_us=now))
    cameras.add(Camera(id="text", url=f"file://{Path(__file__)}", created_us=now))
    supervisor = Supervisor(
        [build_spool(core), build_indexer(core), build_segmenter(core), build_capture(core)], core.clock
    )
    supervisor.start()
    eventually(lambda: cameras.get("fast").state == "ended")
    eventually(lambda: cameras.get("text").state == "reconnecting")
    eventually(lambda: "No such file" in cameras.get("none").state_detail)
    assert supervisor.stop()
    supervisor = Supervisor([build_spool(core), build_indexer(core), build_segmenter(core)], core.clock)
    supervisor.start()
    assert core.bus.join(20)
    assert supervisor.stop()
    spans = FootageReader(core.db).spans("fast", 0, 1 << 62)
    assert (spans[-1].end - spans[0].start) / 1e6 == pytest.approx(8.0, abs=0.05)
    core.close()
