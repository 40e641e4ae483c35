"""Clips of plates over RabbitMQ, MariaDB and S3, with the footage on other machines, while processes are killed."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from clip_kit import clips_of, read_at, shown
from cluster_kit import Cluster, cluster, now_us
from gatehouse_common.clock import SECOND, SystemClock
from gatehouse_common.ids import new_id
from gatehouse_common.runtime import Core
from gatehouse_common.settings import load
from gatehouse_common.testing.film import FilmSpec, frame_numbers, make_film
from rtsp_kit import rtsp_camera
from running import wait_for

CAMERAS = [f"cam-{k}" for k in range(6)]
ONLY_CLIPS = "cam-5"
FPS = 10


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("clips")
    film = make_film(folder / "film.mp4", FilmSpec(frames=600 * FPS, fps=FPS, gop=FPS, width=160, height=96))
    # Cameras are watched, else there could be no clips, and everything would be kept.
    settings = {
        "GATEHOUSE_RECORDING__CHUNK_SECONDS": "6",
        "GATEHOUSE_CLIPS__LATE_SECONDS": "5",
        "GATEHOUSE_DETECTION__FRAMES": "activity",
    }
    with rtsp_camera(dict.fromkeys(CAMERAS, film)) as network, cluster(folder / "site", **settings) as made:
        made.add("indexer")
        made.add("segmenter", 2)
        made.add("api")
        for camera in CAMERAS:
            made.command("camera", "add", camera, network.url(camera))
        made.change(f"""UPDATE cameras SET settings = '{{"keep": "events"}}' WHERE id = '{ONLY_CLIPS}'""")
        made.add("capture", 2)
        wait_for("all cameras recording", lambda: set(made.states().values()) == {"recording"}, 180)
        yield made


@pytest.fixture
def core(site: Cluster) -> Iterator[Core]:
    """A process of the site that tells of plates and looks at clips, as detector and api do."""
    settings = load({"data_dir": str(site.folder / "teller")}, environ=site.environment)
    opened = Core.open(settings, SystemClock())
    try:
        yield opened
    finally:
        opened.close()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_clips_are_cut_wherever_the_footage_is_and_whoever_dies(site: Cluster, core: Core) -> None:
    """W-1, W-2, S2-1..S2-5, S2-11: each clip once, to the frame, also of a camera of which nothing else is kept."""
    wait_for("a share for each", lambda: len(set(site.owners("segmenter").values())) == 2, 60)
    time.sleep(8)
    seen_us = now_us() - SECOND
    events = {camera: [new_id(), new_id()] for camera in CAMERAS}
    for camera, (first, second) in events.items():
        core.bus.publish(read_at(seen_us, first, camera=camera))
        core.bus.publish(read_at(seen_us + 400_000, second, camera=camera))
    wait_for("plans", lambda: len(clips_of(core, "planned")) == len(CAMERAS), 30)
    victim = site.processes["segmenter-0"]
    victim.kill()  # its clips are cut by the other
    wait_for("clips", lambda: len(clips_of(core, "stored")) == len(CAMERAS), 120)
    victim.start()
    victim.wait_until_up()

    clips = {clip.camera: clip for clip in clips_of(core)}
    assert {camera: list(clip.events) for camera, clip in clips.items()} == events
    for camera, clip in clips.items():
        assert clip.detail == ""
        numbers = shown(core, clip)
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        # From 5 s before the first read to 15 s after the last: 20.4 s, and the frame that is on the screen then.
        assert len(numbers) == clip.frames
        assert len(numbers) in {204, 205}
        assert seen_us - 5 * SECOND - SECOND // FPS < clip.start_us <= seen_us - 5 * SECOND
        assert abs(clip.end_us - (seen_us + 15_400_000)) <= SECOND // FPS
        if camera != ONLY_CLIPS:
            query = {"camera": camera, "from": clip.start_us / 1e6, "to": clip.end_us / 1e6}
            status, _, film = site.get("/api/v1/footage", **query)
            assert status == 200, film[:500]
            assert [n for n, _ in frame_numbers(film)] == numbers
    objects = site.objects()
    assert sorted(key for key in objects if key.startswith("videos/")) == sorted(clip.key for clip in clips.values())
    assert not [key for key in objects if key.startswith(f"recordings/{ONLY_CLIPS}/")]
    assert [key for key in objects if key.startswith("recordings/cam-0/")]
    gone = f"SELECT COUNT(*) FROM gaps WHERE camera = '{ONLY_CLIPS}' AND cause = 'purged'"
    wait_for("footage that nobody needs to go", lambda: site.rows(gone) == [(1,)], 60)
    assert site.command("bus", "dead", "list").strip() == "There are no dead letters."
