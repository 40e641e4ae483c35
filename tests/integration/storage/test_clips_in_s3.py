"""Clips of plates in a bucket, while its server is there and while it is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clip_kit import FPS, FilmCamera, at_work, clips_of, read_at, settled, shown, stored_clips
from gatehouse_common.clock import SECOND
from gatehouse_common.ids import new_id
from gatehouse_common.observability.metrics import STORAGE_WRITE_ERRORS
from gatehouse_common.storage import keys
from pipeline_kit import START_US, add_camera, core_at
from running import wait_for
from s3_server import Swift, swift


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Swift]:
    with swift(tmp_path / "server") as made:
        yield made


def at(number: float) -> int:
    return START_US + round(number * SECOND / FPS)


@pytest.mark.slow
def test_clips_wait_for_the_bucket_and_are_made_once(server: Swift, tmp_path: Path) -> None:
    """S2-1, S2-11, W-2: a late read whose footage is in the bucket, and clips that are due while its server is away."""
    there, events = server.bucket(), [new_id() for _ in range(3)]
    failed = STORAGE_WRITE_ERRORS.labels("store")
    before = failed._value.get()
    with core_at(tmp_path / "data", **there.settings()) as core:
        add_camera(core)
        camera = FilmCamera(core.data_dir, core.bus.publish, chunk_us=10 * SECOND)
        with at_work(core):
            camera.advance(at(450))
            settled(core)
            core.bus.publish(read_at(at(103), events[0]))
            (late,) = stored_clips(core, 1, 60)
            assert shown(core, late) == list(range(53, 253))
            core.bus.publish(read_at(at(430), events[1]))
            settled(core)
            server.stop()
            camera.advance(at(600))
            wait_for("a try", lambda: failed._value.get() > before, 60)
            core.bus.publish(read_at(at(700), events[2]))  # what detectors tell meanwhile waits, too
            server.start()
            camera.advance(at(900))
            _, second, third = stored_clips(core, 3, 120)
        assert shown(core, second) == list(range(380, 580))
        assert shown(core, third) == list(range(650, 850))
        assert [clip.events for clip in clips_of(core)] == [(event,) for event in events]
        objects = [info.key for info in core.store.list(keys.VIDEOS)]
        assert sorted(objects) == sorted(clip.key for clip in clips_of(core))
        assert core.bus.dead_letters() == []
