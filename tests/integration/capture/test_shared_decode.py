"""One decode for all who look at a camera, and few hands for all cameras: fair, bounded, counted."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import av
import pytest

from gatehouse_capture import service
from gatehouse_capture.live import LiveTap
from gatehouse_capture.service import build as build_capture
from gatehouse_capture.watching import decode as decoding
from gatehouse_capture.watching.backlog import Run
from gatehouse_capture.watching.options import WatchOptions, watch_options
from gatehouse_capture.watching.turns import Turns
from gatehouse_capture.watching.watch import CameraWatch
from gatehouse_common.bus import Delivery
from gatehouse_common.bus.transient import TransientTopics
from gatehouse_common.clock import SystemClock
from gatehouse_common.db import Camera, CameraRepository
from gatehouse_common.errors import InvalidInput
from gatehouse_common.messages import ChunkOpened, FrameSampled, LivePreview, LiveRequested, RunStarted
from gatehouse_common.observability.metrics import CAPTURE_RECONNECTS
from gatehouse_common.runtime import Supervisor
from gatehouse_common.settings import load
from gatehouse_common.testing.crossings import Crossing, PlaceSpec, make_place
from gatehouse_common.testing.film import FilmSpec, make_film
from pipeline_kit import core_at
from running import wait_for
from watch_kit import Seen, decoded, settle, shed, timed_samples, watch_film

FPS = 15


class Slow:
    """A listener that takes its time with each picture, as a slow decoder does."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def begin_run(self, run: Run) -> None: ...

    def picture(self, frame: av.VideoFrame, pts: int) -> None:
        time.sleep(self.seconds)

    def rest(self) -> None: ...


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place in which something moves all the time."""
    crossings = tuple(Crossing(first=k * 2 * FPS, frames=3 * FPS, y=0.1 + k % 3 * 0.3) for k in range(6))
    spec = PlaceSpec(crossings, frames=12 * FPS, fps=FPS, gop=2 * FPS, width=320, height=180)
    return make_place(tmp_path_factory.mktemp("busy") / "busy.mp4", spec)


def test_live_view_and_detectors_share_one_decode(busy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S0-25"""
    made: list[object] = []
    real = decoding.make_decoder
    monkeypatch.setattr(decoding, "make_decoder", lambda format_: made.append(format_) or real(format_))
    topics, turns, seen, shown = TransientTopics(), Turns(1), Seen(), list[int]()
    tap = LiveTap(topics, SystemClock(), "shared", 70_000, turns, seen.take, WatchOptions("activity"))
    shows = topics.subscribe_transient([LivePreview], lambda d: shown.append(d.message.time_us), maxlen=1000)
    format_, samples = timed_samples(busy)
    tap.begin_run("run", format_, lambda ticks: ticks)
    tap.sample("chunk", samples[0])
    settle(turns)
    looked = len(made)
    tap.request(LiveRequested(camera="shared", time_us=0, kinds=["preview"], ttl_us=60_000_000))
    for sample in samples[1:]:
        tap.sample("chunk", sample)
        settle(turns)
    tap.end_run()
    settle(turns)
    turns.close()
    wait_for("previews", lambda: len(shown) >= len(samples) - 3)
    shows.close()
    assert looked == 1
    assert len(made) == looked + 1, "one decoder for both"
    assert decoded("shared", "follow") == len(samples), "each picture once"
    assert len({m.pts for m in seen.regions()}) > 20
    assert shown == sorted(shown)


def test_previews_begin_with_the_picture_at_hand_and_leave_nothing_behind(busy: Path) -> None:
    topics, turns, shown = TransientTopics(), Turns(1), list[int]()
    tap = LiveTap(topics, SystemClock(), "begins", 70_000, turns)
    shows = topics.subscribe_transient([LivePreview], lambda d: shown.append(d.message.time_us), maxlen=1000)
    format_, samples = timed_samples(busy)
    tap.begin_run("run", format_, lambda ticks: ticks)
    for number, sample in enumerate(samples):
        if number == 2 * FPS + 20:
            tap.request(LiveRequested(camera="begins", time_us=0, kinds=["preview"], ttl_us=60_000_000))
        tap.sample("chunk", sample)
        settle(turns)
    turns.close()
    wait_for("previews", lambda: len(shown) >= len(samples) - 2 * FPS - 23)
    shows.close()
    assert min(shown) == samples[2 * FPS + 20].dts
    assert decoded("begins", "follow") == len(samples) - 2 * FPS, "from the keyframe on, and not before"


def test_eight_busy_cameras_share_one_slow_decoder_fairly(busy: Path) -> None:
    """None is served before another has been, whatever is too much is counted, and recording waits for none of it."""
    cameras = [f"fair-{k}" for k in range(8)]
    turns, seen = Turns(1), {camera: Seen() for camera in cameras}
    format_, samples = timed_samples(busy)
    watches = [
        CameraWatch(camera, turns, seen[camera].take, WatchOptions("activity"), [Slow(0.001)]) for camera in cameras
    ]
    for watch in watches:
        watch.begin_run("run", format_, lambda ticks: ticks)
    longest, length, fed = 0.0, samples[-1].dts + samples[-1].dur, 0
    for turn in range(2):
        for sample in samples:
            sample.dts += length if turn else 0
            for watch in watches:
                taken = time.thread_time()
                watch.sample(sample, shown=False)
                longest = max(longest, time.thread_time() - taken)
                fed += 1
            # However fast this machine is, for each picture that it decodes four come.
            while not turns.idle and sum(decoded(camera, "follow") for camera in cameras) < fed / 4 - 40:
                time.sleep(0.001)
    counts = [decoded(camera, "follow") for camera in cameras]
    turns.close()
    lost = [shed(camera, "behind") for camera in cameras]
    assert min(counts) >= 40
    assert max(counts) - min(counts) <= 16 + 0.3 * min(counts), "a turn or two"
    assert min(lost) > 10
    for watch, count, pictures in zip(watches, counts, lost, strict=True):
        accounted = count + pictures * FPS / 5 + len(watch._backlog)  # five of fifteen would have been sent
        assert 0.6 * 2 * len(samples) < accounted < 1.2 * 2 * len(samples), "what is not decoded is counted"
    assert longest < 0.05
    assert all(seen[camera].pictures for camera in cameras)


def test_those_that_are_behind_send_less_and_catch_up(busy: Path) -> None:
    format_, samples = timed_samples(busy)
    turns, seen, hold = Turns(1), Seen(), threading.Event()

    class Held(Slow):
        def picture(self, frame: av.VideoFrame, pts: int) -> None:
            hold.wait(20)

    watch = CameraWatch("behind", turns, seen.take, WatchOptions("activity"), [Held(0)])
    watch.begin_run("run", format_, lambda ticks: ticks)
    watch.sample(samples[0], shown=True)
    for sample in samples[1:]:
        watch.sample(sample, shown=True)
    assert len(watch._backlog) < len(samples), "what waits is bounded"
    hold.set()
    settle(turns)
    turns.close()
    assert shed("behind", "behind") > 5
    newest = max(m.pts for m in seen.regions())
    assert newest > samples[-1].dts - 90_000, "the newest is looked at"


def test_a_damaged_picture_costs_itself(busy: Path, tmp_path: Path) -> None:
    format_, samples = timed_samples(busy)
    for sample in samples[20:23]:
        sample.data = bytes(sample.data[:10]) + bytes(len(sample.data) - 10)
    samples[4 * FPS].data = b"\0\0\0\1\x65"  # a keyframe of nothing
    turns, seen = Turns(1), Seen()
    watch = CameraWatch("damaged", turns, seen.take, WatchOptions("activity"))
    watch.begin_run("run", format_, lambda ticks: ticks)
    for sample in samples:
        watch.sample(sample, shown=False)
        settle(turns)
    turns.close()
    assert max(m.pts for m in seen.regions()) > 10 * 90_000


def test_a_run_that_ends_is_looked_at_to_its_end(busy: Path) -> None:
    seen = watch_film(busy, "ends")
    _, samples = timed_samples(busy)
    assert max(m.pts for m in seen.regions()) >= samples[-1].dts - 90_000 // 2


def test_a_camera_is_watched_otherwise_while_its_recording_goes_on(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", FilmSpec(frames=150, gop=15, width=320, height=180))
    heard: list[Delivery] = []
    runs: list[Delivery] = []
    with core_at(tmp_path / "data", **{"detection.frames": "keyframes"}) as core:
        subscription = core.bus.subscribe_transient([FrameSampled], heard.append, maxlen=1000)
        cameras = CameraRepository(core.db)
        cameras.add(Camera("still", f"file://{film}?loop=1", created_us=core.clock.now_us()))
        before = CAPTURE_RECONNECTS.labels("still", "camera_offline")._value.get()
        supervisor = Supervisor([build_capture(core)], core.clock)
        supervisor.start()
        wait_for("pictures", lambda: len(heard) >= 2)
        cameras.change("still", settings={"plates": {"enabled": False}})
        time.sleep(2.5)
        off = len(heard)
        time.sleep(2)
        assert len(heard) == off
        cameras.change("still", settings={"plates": {"masks": [[[0, 0], [1, 0], [1, 1], [0, 1]]]}})
        time.sleep(2.5)
        assert len(heard) == off, "all of it is masked"
        cameras.change("still", settings={"plates": {"threshold": 0.9}})
        wait_for("pictures again", lambda: len(heard) > off + 1)
        assert supervisor.stop()
        subscription.close()
        assert CAPTURE_RECONNECTS.labels("still", "camera_offline")._value.get() == before
    assert len({d.message.run for d in heard if isinstance(d.message, FrameSampled)}) == 1
    assert not [d for d in runs if isinstance(d.message, RunStarted)]


def test_a_camera_of_which_only_clips_are_kept_from_now_on_has_short_chunks_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S2-22: else what nobody needs would fill the spool for ten minutes; its recording goes on."""
    monkeypatch.setattr(service, "_LONGEST_UNKEPT_US", 1_000_000)
    film = make_film(tmp_path / "film.mp4", FilmSpec(frames=150, gop=15, width=320, height=180))
    with core_at(tmp_path / "data", **{"recording.chunk_seconds": 3500}) as core:
        heard: list[ChunkOpened] = []
        subscription = core.bus.subscribe(
            "indexer", lambda d: heard.append(d.message) if isinstance(d.message, ChunkOpened) else None
        )
        cameras = CameraRepository(core.db)
        cameras.add(Camera("long", f"file://{film}?loop=1", created_us=core.clock.now_us()))
        supervisor = Supervisor([build_capture(core)], core.clock)
        supervisor.start()
        wait_for("a chunk", lambda: heard)
        time.sleep(2.5)
        assert len(heard) <= 2, "a boundary may have passed"
        before = len(heard)
        cameras.change("long", settings={"keep": "events"})
        wait_for("chunks", lambda: len(heard) >= before + 3, 10)
        cameras.change("long", settings={"keep": "all"})
        time.sleep(2.5)
        after = len(heard)
        time.sleep(2)
        assert len(heard) <= after + 1
        assert supervisor.stop()
        subscription.close()
    assert len({message.run for message in heard}) == 1


def test_settings_that_are_none_are_told() -> None:
    site = load({}, environ={}).values.detection
    with pytest.raises(InvalidInput, match="plates"):
        watch_options(site, {"plates": {"masks": 5}})
    assert watch_options(site, {"plates": {"enabled": False}}).frames == "off"
