"""R3: a disk that fills up, with real cameras: the less important stops first, nothing fails, everything comes back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from gatehouse_capture.service import CaptureService
from gatehouse_capture.spool_keeper import build as build_spool
from gatehouse_common.db import Camera, CameraRepository, CoverageReader, FootageReader, Gap
from gatehouse_common.intervals import Interval
from gatehouse_common.media.slicing import slice_footage
from gatehouse_common.observability.metrics import RECORDING_ACTIVE, RECORDING_HELD_BACK, STORAGE_WRITE_ERRORS
from gatehouse_common.runtime import Core, Service, Supervisor
from gatehouse_common.testing.film import frame_numbers
from gatehouse_common.testing.recording import scan_file
from gatehouse_indexer.service import build as build_indexer
from gatehouse_segmenter.service import build as build_segmenter
from noisy_film import FPS, make_noisy_film
from pipeline_kit import open_core
from rtsp_kit import CameraProcess, rtsp_camera
from small_disk import SmallDisk, small_disk

MEGABYTES = 64
RATE = 400_000
FILM_S = 90
SECOND = 1_000_000
PRIORITIES = {"gate": 5, "yard": 0}


class Site:
    """Two cameras of 3 million bits a second on a disk of 64 MB; messages and index are elsewhere."""

    def __init__(self, core: Core, disk: SmallDisk, supervisor: Supervisor, capture: CaptureService) -> None:
        self.capture = capture
        self.core, self.disk, self.supervisor = core, disk, supervisor
        self.errors = STORAGE_WRITE_ERRORS.labels("spool")._value.get()

    def write_errors(self) -> float:
        return float(STORAGE_WRITE_ERRORS.labels("spool")._value.get() - self.errors)

    def finish(self) -> None:
        """Stop recording; what has been recorded can be looked at."""
        assert self.supervisor.stop(15)

    def state(self, camera: str) -> tuple[str, str | None]:
        found = CameraRepository(self.core.db).get(camera)
        return found.state, found.state_cause

    def said(self) -> dict[str, str]:
        """The cameras that `/readyz` would name, each with its cause."""
        return {check.name: check.cause for check in self.capture.health() if not check.ok}

    def records(self, *cameras: str) -> bool:
        return all(self.state(c) == ("recording", None) for c in cameras)

    def is_in(self, camera: str, *state: str) -> bool:
        return self.state(camera) == state

    def reached(self, camera: str, at_us: int) -> bool:
        return (FootageReader(self.core.db).last_end_us(camera) or 0) > at_us

    def gaps(self, camera: str) -> list[Gap]:
        """The gaps after the camera's first frame."""
        reader = FootageReader(self.core.db)
        first = min(c.start_us for c in reader.all_chunks() if c.camera == camera)
        return [g for g in reader.gaps(camera, first, 1 << 62) if g.start_us > first]

    def runs(self, camera: str) -> list[list[int]]:
        """The frame numbers of each run, as a player shows them."""
        chunks = [c for c in FootageReader(self.core.db).all_chunks() if c.camera == camera]
        found = []
        for run in dict.fromkeys(c.run for c in chunks):
            media = [scan_file(self.core.data_dir, c.key, c.origin_us) for c in chunks if c.run == run]
            piece = slice_footage(media, media[0].start_us, media[-1].end_us)
            found.append([n for n, _ in frame_numbers(b"".join(piece.file.read(self.core.store)))])
        return found

    def assert_tiled(self, camera: str) -> None:
        """R9: recorded and gaps are the time since the camera was added, each gap with a cause that was told."""
        one = CameraRepository(self.core.db).get(camera)
        now = self.core.clock.now_us()
        found = CoverageReader(self.core.db).coverage(one, Interval(one.created_us, now), now)
        assert found.recorded_us + sum(found.gaps_us.values()) == found.span.end - one.created_us
        assert now - found.span.end < 3 * SECOND, "known but for what is in the open GOP"
        assert found.unexplained_us == 0
        assert all(a.end_us == b.start_us for a, b in pairwise(found.stretches))


def until(what: Callable[[], object], seconds: float) -> float:
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < seconds
        time.sleep(0.02)
    return time.monotonic() - began


def in_order(numbers: list[int]) -> bool:
    """Whether no frame of the film, which begins anew when it has ended, is missing."""
    return all((b - a) % (FILM_S * FPS) == 1 for a, b in pairwise(numbers))


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CameraProcess]:
    film = make_noisy_film(tmp_path_factory.mktemp("film") / "noise.mp4", FILM_S, RATE)
    with rtsp_camera(dict.fromkeys(PRIORITIES, film)) as serving:
        yield serving


@contextmanager
def recording(tmp_path: Path, network: CameraProcess) -> Iterator[Site]:
    with small_disk(tmp_path / "disk", MEGABYTES) as disk:
        core = open_core(
            disk.root,
            **{
                "database_url": f"sqlite:///{tmp_path / 'index.db'}",
                "recording.chunk_seconds": 600,
                "detection.frames": "off",
            },
        )
        core.db.upgrade()
        for camera, priority in PRIORITIES.items():
            created = core.clock.now_us()
            CameraRepository(core.db).add(
                Camera(camera, network.url(camera), created_us=created, settings={"priority": priority})
            )
        capture = CaptureService(core)
        services: list[Service] = [build_indexer(core), build_segmenter(core), build_spool(core), capture]
        supervisor = Supervisor(services, core.clock)
        supervisor.start()
        try:
            site = Site(core, disk, supervisor, capture)
            until(lambda: site.records(*PRIORITIES), 15)
            time.sleep(2)
            yield site
        finally:
            supervisor.stop(15)
            core.close()


def test_the_less_important_camera_stops_first_and_both_come_back(tmp_path: Path, network: CameraProcess) -> None:
    """R3, S1-17: in order, before the disk is full; each says so at once, and no frame before the stop is lost."""
    with recording(tmp_path, network) as site:
        site.disk.fill(leave=8_000_000)
        stopped = {}
        for camera in ("yard", "gate"):
            until(partial(site.is_in, camera, "reconnecting", "storage_full"), 20)
            stopped[camera] = site.core.clock.now_us()
            assert RECORDING_HELD_BACK.labels(camera)._value.get() == 1
            assert RECORDING_ACTIVE.labels(camera)._value.get() == 0
        assert stopped["gate"] - stopped["yard"] > SECOND // 2, "the more important camera was recorded for longer"
        time.sleep(2)
        assert site.disk.free() > 1_000_000, "what is left is for the ends of files, for messages and the index"
        assert site.write_errors() == 0
        site.disk.clear()
        assert until(lambda: site.records("gate"), 10) < 10
        assert until(lambda: site.records("yard"), 10) < 10
        assert not site.core.clock.now_us() - stopped["yard"] > 60 * SECOND
        time.sleep(2)
        for camera in PRIORITIES:
            (gap,) = site.gaps(camera)
            assert gap.cause == "storage_full"
            assert abs(gap.start_us - stopped[camera]) < SECOND, "recorded until it was told to stop"
            site.assert_tiled(camera)
        site.finish()
        assert site.write_errors() == 0
        for camera in PRIORITIES:
            runs = site.runs(camera)
            assert len(runs) == 2
            assert all(in_order(numbers) for numbers in runs)


def test_a_disk_filled_from_outside_costs_the_open_part_and_no_more(tmp_path: Path, network: CameraProcess) -> None:
    """R3: full from one moment to the next; what is in the files plays, and recording comes back alone."""
    with recording(tmp_path, network) as site:
        full = site.core.clock.now_us()
        site.disk.fill()
        # Messages wait for room too, on the same disk; what this process shows does not.
        assert until(lambda: site.said() == {f"camera {camera}": "storage_full" for camera in PRIORITIES}, 10) < 10
        time.sleep(3)
        site.disk.clear()
        cleared = site.core.clock.now_us()
        for camera in ("gate", "yard"):
            assert until(partial(site.reached, camera, cleared), 15) < 15
        until(lambda: site.records(*PRIORITIES), 5)
        for camera in PRIORITIES:
            (gap,) = site.gaps(camera)
            assert gap.cause == "storage_full"
            assert -SECOND <= gap.start_us - full < 2 * SECOND
            site.assert_tiled(camera)
        site.finish()
        for camera in PRIORITIES:
            assert all(in_order(numbers) for numbers in site.runs(camera))
