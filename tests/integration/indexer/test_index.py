"""Messages become rows: repeated, late, lost, and with damaged files."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gatehouse_capture.spool_keeper import build as build_spool
from gatehouse_common.bus import Bus, Delivery
from gatehouse_common.db import Deletions, FootageReader
from gatehouse_common.media.index_blob import decode_index
from gatehouse_common.media.stored import load_index, read_head
from gatehouse_common.messages import (
    ChunkFreed,
    ChunkIndexed,
    GapCause,
    GopWritten,
    Interruption,
    Message,
    RunStarted,
)
from gatehouse_common.runtime import Core
from gatehouse_common.storage import LocalStore, ObjectInfo
from gatehouse_common.testing.clock import FakeClock
from gatehouse_indexer.recording_index import RecordingIndex
from gatehouse_indexer.service import build
from gatehouse_segmenter.service import build as build_segmenter
from pipeline_kit import START_US, Recorded, add_camera, core_at, record, rows, spool_files, stored_files, work_off

SECOND = 1_000_000


def run_started(core: Core, taken: Recorded, start_us: int, causes: list[tuple[GapCause, int | None]]) -> RunStarted:
    _, init = read_head(core.spool, taken.keys[0])
    return RunStarted(
        camera="cam",
        time_us=start_us,
        run=taken.run,
        origin_us=start_us,
        start_us=start_us,
        init=base64.b64encode(init),
        width=160,
        height=96,
        fps=30,
        video_codec="avc1.640028",
        interruptions=[Interruption(cause=cause, since_us=since) for cause, since in causes],
    )


def gaps(core: Core) -> list[tuple[str, int, int]]:
    found = FootageReader(core.db).gaps("cam", 0, 1 << 60)
    return [(g.cause, g.start_us - START_US, g.end_us - START_US) for g in found]


def test_a_reconnect_leaves_a_gap_with_its_causes(tmp_path: Path) -> None:
    with core_at(tmp_path / "data") as core:
        add_camera(core, created_us=START_US - 3 * SECOND)
        first = record(core.data_dir, tmp_path)
        second = record(core.data_dir, tmp_path, start_us=START_US + 30 * SECOND)
        causes = [(GapCause.CAMERA_OFFLINE, None), (GapCause.SERVICE_DOWN, START_US + 10 * SECOND)]
        messages = [
            run_started(core, first, START_US, [(GapCause.SERVICE_DOWN, None)]),
            *first.closed,
            run_started(core, second, START_US + 30 * SECOND, causes),
            *second.closed,
        ]
        for message in [*messages, *messages]:
            core.bus.publish(message)
        work_off(core)
        assert gaps(core) == [
            ("service_down", -3 * SECOND, 0),
            ("camera_offline", 2 * SECOND, 10 * SECOND),
            ("service_down", 10 * SECOND, 30 * SECOND),
        ]


def test_a_refined_origin_moves_run_chunk_and_gap(tmp_path: Path) -> None:
    with core_at(tmp_path / "data") as core:
        add_camera(core, created_us=START_US - 3 * SECOND)
        taken = record(core.data_dir, tmp_path)
        closed = taken.closed[0]
        early = 300_000
        gop = GopWritten(
            camera="cam",
            time_us=START_US,
            run=taken.run,
            chunk=closed.chunk,
            key=closed.key,
            offset=900,
            length=1000,
            start_us=START_US - early,
            end_us=START_US - early + SECOND,
            origin_us=START_US - early,
            frames=30,
            keyframe_length=500,
        )
        indexer = build(core)
        started = run_started(core, taken, START_US, [(GapCause.CAMERA_OFFLINE, None)])
        for message in (started, gop, gop, started):
            indexer.handle(Delivery(message))
        assert gaps(core) == [("camera_offline", -3 * SECOND, -early)]
        assert FootageReader(core.db).run(taken.run).started_us == START_US - early
        (chunk,) = FootageReader(core.db).open_chunks()
        assert (chunk.start_us, chunk.end_us) == (START_US - early, START_US - early + SECOND)


def test_what_a_lost_message_should_have_told_is_found_in_the_file(tmp_path: Path) -> None:
    """Only chunk.closed arrives; run, codec and gap come from the file itself."""
    with core_at(tmp_path / "data") as core:
        add_camera(core, created_us=START_US - 3 * SECOND)
        taken = record(core.data_dir, tmp_path)
        core.bus.publish(taken.closed[0])
        work_off(core)
        run = FootageReader(core.db).run(taken.run)
        assert (run.camera, run.started_us, run.width, run.height) == ("cam", START_US, 160, 96)
        assert run.video_codec.startswith("avc1.")
        assert gaps(core) == [("dropped", -3 * SECOND, 0)]


def test_the_sample_index_comes_from_the_box_or_from_the_parts(tmp_path: Path) -> None:
    with core_at(tmp_path / "data") as core:
        taken = record(core.data_dir, tmp_path)
        core.bus.publish(taken.closed[0])
        work_off(core)
        reader = FootageReader(core.db)
        (whole,) = reader.sample_indexes([taken.closed[0].chunk]).values()
        (key,) = stored_files(core.data_dir)
        path = core.data_dir / key
        data = bytearray(path.read_bytes())
        data[-60] ^= 0xFF  # inside the deflated index
        path.write_bytes(data)
        index = load_index(core.store, key)
        assert index.rescanned
        a, b = decode_index(whole, key), decode_index(index.blob, key)
        assert (a.video.off == b.video.off).all()
        assert (a.video.pts == b.video.pts).all()
        assert a.indexed_bytes == b.indexed_bytes


class Counting:
    """The store, with the reads that it is asked for counted: of a bucket each is a request, and a wait for it."""

    def __init__(self, core: Core) -> None:
        self._store, self.reads = core.store, list[tuple[int, int | None]]()

    def stat(self, key: str) -> ObjectInfo:
        return self._store.stat(key)

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        self.reads.append((offset, length))
        return self._store.read(key, offset, length)


@pytest.mark.parametrize("frames", [60, 9000])
def test_the_sample_index_of_a_stored_chunk_is_one_read(tmp_path: Path, frames: int) -> None:
    with core_at(tmp_path / "data") as core:
        taken = record(core.data_dir, tmp_path, frames=frames)
        core.bus.publish(taken.closed[0])
        work_off(core)
        (whole,) = FootageReader(core.db).sample_indexes([taken.closed[0].chunk]).values()
        (key,) = stored_files(core.data_dir)
        counting = Counting(core)
        index = load_index(counting, key)
        assert (index.blob, index.rescanned) == (whole, False)
        assert len(counting.reads) == 1


def test_a_stored_file_that_is_gone_costs_itself_only(tmp_path: Path) -> None:
    with core_at(tmp_path / "data") as core:
        taken = record(core.data_dir, tmp_path, frames=180, chunk_us=2 * SECOND)
        segmenter = build_segmenter(core)
        for message in taken.closed:
            segmenter.handle(Delivery(message))
        lost = stored_files(core.data_dir)[1]
        (core.data_dir / lost).unlink()
        for path in (core.data_dir / "spool").rglob("*.mp4"):
            path.unlink()
        work_off(core)
        assert len([r for r in rows(core) if r[1] == "stored"]) == 2
        letters = core.bus.dead_letters("indexer")
        assert letters
        assert all("recording_" in letter.reason for letter in letters)


def test_the_recording_index_is_exported(tmp_path: Path) -> None:
    """S1-16: file -> file_path, start_time, end_time, file_size, created_at."""
    with core_at(tmp_path / "data", timezone="Europe/Berlin") as core:
        taken = record(core.data_dir, tmp_path)
        core.bus.publish(taken.closed[0])
        work_off(core)
        found = json.loads((core.data_dir / "recordings" / "recording_index.json").read_text())
        ((name, entry),) = found.items()
        assert name == "cam/2024-05-17/recording_20240517_122300.mp4"
        path = core.data_dir / entry["file_path"]
        assert entry == {
            "file_path": f"recordings/{name}",
            "start_time": "20240517_122300",
            "end_time": "20240517_122302",
            "file_size": path.stat().st_size,
            "created_at": "2024-05-17T12:23:00.000000+02:00",
        }


class SlowStore(LocalStore):
    """Takes a time of its own to write, as a bucket does, or a disk that others use."""

    def __init__(self, root: Path, clock: FakeClock) -> None:
        super().__init__(root)
        self._clock, self.takes_us, self.writes = clock, 0, 0

    def put_bytes(self, key: str, data: bytes, *, overwrite: bool = False) -> None:
        super().put_bytes(key, data, overwrite=overwrite)
        self._clock.advance(self.takes_us)
        self.writes += 1


@pytest.mark.parametrize(("takes_us", "most"), [(0, 61), (SECOND // 2, 12)])
def test_where_something_is_stored_all_the_time_the_export_does_not_take_it_all(
    tmp_path: Path, takes_us: int, most: int
) -> None:
    """At a large site a chunk is stored each second, and it is never quiet."""
    clock = FakeClock(START_US)
    store = SlowStore(tmp_path / "store", clock)
    store.takes_us = takes_us
    with core_at(tmp_path / "data") as core:
        export = RecordingIndex(core.db, store, clock, core.zone)
        for _ in range(600):
            export.changed()
            clock.advance(SECOND)
            if export.due():
                export.write()
    assert most - 2 <= store.writes <= most


class Heard:
    """A bus that keeps what is published, for the test to hand on."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.sent: list[Message] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)

    def publish(self, message: Message) -> None:
        self.sent.append(message)


def test_a_chunk_that_is_to_be_deleted_leaves_the_spool_when_it_is_told_again(tmp_path: Path) -> None:
    """S2-30, S2-43: what `chunk.stored` tells twice gets no row again, and does not stay in the spool either."""
    with core_at(tmp_path / "data") as core:
        add_camera(core)
        [closed] = record(core.data_dir, tmp_path).closed
        bus = Heard(core.bus)
        heard = replace(core, bus=bus)  # type: ignore[arg-type] - of the test
        build_segmenter(heard).handle(Delivery(closed))
        [stored] = bus.sent
        indexer = build(heard)
        indexer.handle(Delivery(stored))
        assert isinstance(bus.sent[-1], ChunkIndexed)
        [marked] = Deletions(core.db).mark_chunks([closed.chunk], "age", core.clock.now_us())
        indexer.handle(Delivery(stored))
        assert rows(core) == []
        freed = bus.sent[-1]
        assert isinstance(freed, ChunkFreed)
        assert (freed.chunk, freed.spool_key) == (marked.subject, closed.key)
        assert len(spool_files(core.data_dir)) == 1
        build_spool(core).let_go(freed.chunk, freed.spool_key)
        assert spool_files(core.data_dir) == []
