"""Clips after the index was lost: what their keys, their films and the pictures beside them say."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from gatehouse.rebuilding import UNKNOWN_URL, rebuild
from gatehouse_common.clock import SECOND
from gatehouse_common.db import CameraRepository, ClipRepository
from gatehouse_common.errors import Conflict
from gatehouse_common.ids import new_id
from gatehouse_common.runtime import Supervisor
from gatehouse_common.storage import keys
from gatehouse_segmenter.service import build as build_segmenter
from janitor_kit import chunks, found, record_chunks
from pipeline_kit import START_US, core_at
from plates_kit import indexing, make_clips, settle, tell, visit
from running import wait_for


@pytest.mark.parametrize("where", ["sqlite", "mysql"])
def test_clips_and_footage_of_two_cameras_from_files_alone(
    where: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """R5: into an empty database of either kind; the camera of a clip is that of its plate event's pictures."""
    with core_at(tmp_path / "data") as core:
        for camera in ("cam", "yard"):
            record_chunks(core, tmp_path, camera=camera, count=6)
        seen = [visit("cam", "AB123", START_US + 3 * SECOND), visit("yard", "CD456", START_US + 6 * SECOND)]
        with indexing(core):
            for one in seen:
                tell(core, one)
            settle(core)
        clips = [c for one in seen for c in make_clips(core, one.camera, [(one.event, one.start_us)], 1, 2)]
        nobody = keys.video(new_id(), START_US + SECOND, core.zone)
        core.store.put_bytes(nobody, core.store.read(clips[0].key))
        core.store.put_bytes("recordings/cam/2024-05-17/holiday.mp4", b"film")
        with pytest.raises(Conflict, match="not empty"):
            rebuild(core, lambda _: None)
        before = chunks(core)
    url = request.getfixturevalue("fresh_mysql") if where == "mysql" else f"sqlite:///{tmp_path}/fresh.db"
    with core_at(tmp_path / "data", database_url=url, broker_url="memory:") as fresh:
        done = rebuild(fresh, lambda _: None)
        assert (done.cameras, done.chunks, done.runs, done.clips) == (["cam", "yard"], 12, 2, 2)
        assert done.left == {
            nobody: "nothing says which camera the clip is of",
            "recordings/cam/2024-05-17/holiday.mp4": "it is no chunk file of Gatehouse",
        }
        for was, row in zip(before, chunks(fresh), strict=True):
            for name in (
                "id",
                "camera",
                "run",
                "key",
                "state",
                "start_us",
                "end_us",
                "origin_us",
                "bytes",
                "recovered",
            ):
                assert getattr(row, name) == getattr(was, name), name
        for clip in clips:
            (again,) = ClipRepository(fresh.db).of_event(clip.events[0])
            assert (again.camera, again.key, again.bytes, again.frames) == (
                clip.camera,
                clip.key,
                clip.bytes,
                clip.frames,
            )
            assert (again.width, again.height) == (160, 96)
            assert abs(again.start_us - clip.start_us) < SECOND
        assert {(c.id, c.url, c.enabled) for c in CameraRepository(fresh.db).list()} == {
            ("cam", UNKNOWN_URL, False),
            ("yard", UNKNOWN_URL, False),
        }
        # Pictures of what the index has lost are left where they are: nobody can say that they are of nothing.
        assert {(kind, key) for kind, key in found(fresh) if kind != "orphan"} == {
            ("foreign", "recordings/cam/2024-05-17/holiday.mp4")
        }
        assert [key for kind, key in found(fresh) if kind == "orphan"] == [nobody]


@pytest.fixture
def fresh_mysql(tmp_path_factory: pytest.TempPathFactory) -> object:
    from databases import mysql_database, mysql_url

    with mysql_database(mysql_url(lambda: tmp_path_factory.mktemp("mariadb"))) as url:
        yield url


def test_clips_of_the_segmenter_say_themselves_what_they_are(tmp_path: Path) -> None:
    """R5: every column of their rows from the files alone, but for which reads of each event they were for."""
    with core_at(tmp_path / "data", **{"clips.pre_seconds": 1, "clips.post_seconds": 2}) as core:
        record_chunks(core, tmp_path)
        event, other = new_id(), new_id()
        clips, now_us = ClipRepository(core.db), core.clock.now_us()
        for which, at in ((event, 4), (other, 5), (event, 6), (other, 15)):
            clips.plan("cam", which, START_US + at * SECOND, SECOND, 2 * SECOND, 300 * SECOND, now_us)
        supervisor = Supervisor([build_segmenter(core)], core.clock)
        supervisor.start()
        try:
            wait_for("the clips", lambda: not clips.planned(), 30)
        finally:
            assert supervisor.stop()
        before = {clip.id: clip for clip in [*clips.of_event(event), *clips.of_event(other)]}
        assert sorted(len(clip.events) for clip in before.values()) == [1, 2]
        assert found(core) == []
    with core_at(tmp_path / "data", database_url=f"sqlite:///{tmp_path}/fresh.db", broker_url="memory:") as fresh:
        assert rebuild(fresh, lambda _: None).left == {}
        again = ClipRepository(fresh.db)
        for clip in before.values():
            made = again.get(clip.id)
            assert made.stored_us is not None
            assert dataclasses.replace(made, stored_us=clip.stored_us, events=tuple(sorted(made.events))) == (
                dataclasses.replace(clip, events=tuple(sorted(clip.events)))
            )
        assert found(fresh) == []
