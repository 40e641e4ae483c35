"""What a crash leaves in the spool."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from gatehouse_capture.spool_keeper import build as build_spool
from gatehouse_common.db import FootageReader
from gatehouse_common.media.adopt import read_index
from gatehouse_common.media.write_lock import hold
from gatehouse_common.messages import ChunkClosed, ChunkOpened
from gatehouse_common.runtime import Core, Supervisor
from gatehouse_common.storage import keys
from gatehouse_common.testing.film import frame_numbers
from gatehouse_indexer.service import build as build_indexer
from gatehouse_segmenter.service import build as build_segmenter
from pipeline_kit import START_US, add_camera, core_at, record, rows, spool_files, stored_files, work_off


def test_open_files_are_adopted_and_marked(tmp_path: Path) -> None:
    """S2-43: every file left open decodes afterwards, has its sample index, and is marked recovered."""
    with core_at(tmp_path / "data") as core:
        record(core.data_dir, tmp_path, camera="north", leave_open=True)
        record(core.data_dir, tmp_path, camera="south", leave_open=True)
        work_off(core)
        stored = stored_files(core.data_dir)
        assert [key.split("/")[1] for key in stored] == ["north", "south"]
        assert rows(core) == [(key, "stored", True) for key in stored]
        for key in stored:
            assert read_index(core.data_dir / key, key) is not None
            numbers = [n for n, _ in frame_numbers(core.data_dir / key)]
            assert numbers == list(range(len(numbers)))
            assert len(numbers) >= 45  # at most the open part of half a second is missing from 60 frames


@pytest.mark.parametrize("cut", [1, 5, 100, 1000, 5000])
def test_a_torn_tail_costs_only_itself(tmp_path: Path, cut: int) -> None:
    with core_at(tmp_path / "data") as core:
        taken = record(core.data_dir, tmp_path, leave_open=True)
        path = core.data_dir / taken.keys[0]
        whole = path.read_bytes()
        path.write_bytes(whole[:-cut])
        work_off(core)
        (key,) = stored_files(core.data_dir)
        numbers = [n for n, _ in frame_numbers(core.data_dir / key)]
        assert numbers == list(range(len(numbers)))
        assert len(numbers) >= 15


def test_a_part_that_says_it_is_a_header_costs_its_gop_alone(tmp_path: Path) -> None:
    """S2-43: one flipped bit makes a second ``moov`` of a ``moof``; the minutes around it are kept."""
    with core_at(tmp_path / "data") as core:
        taken = record(core.data_dir, tmp_path, frames=300, leave_open=True)
        path = core.data_dir / taken.keys[0]
        data = bytearray(path.read_bytes())
        at = data.index(b"moof", len(data) // 2)
        data[at : at + 4] = b"moov"
        path.write_bytes(data)
        work_off(core)
        kept = [frame_numbers(core.data_dir / key) for key in stored_files(core.data_dir)]
        assert len(kept) == 2
        numbers = [n for frames in kept for n, _ in frames]
        assert numbers == sorted(set(numbers))
        assert len(numbers) >= 300 - 2 * 30 - 15
        assert len(kept[0]) >= 120


def test_a_corrupt_file_goes_to_quarantine_and_the_others_are_kept(tmp_path: Path) -> None:
    with core_at(tmp_path / "data") as core:
        good = record(core.data_dir, tmp_path, camera="good", leave_open=True)
        bad = record(core.data_dir, tmp_path, camera="bad", leave_open=True)
        core.bus.publish(
            ChunkOpened(
                camera="bad",
                time_us=START_US,
                run=bad.run,
                chunk="0" * 36,
                key=bad.keys[0],
                start_us=START_US,
                origin_us=START_US,
            )
        )
        (core.data_dir / bad.keys[0]).write_bytes(b"\0" * 9000)
        stray = core.data_dir / "spool" / "notes.txt"
        stray.write_text("not ours")
        work_off(core)
        assert [key.split("/")[1] for key in stored_files(core.data_dir)] == ["good"]
        assert len(good.keys) == 1
        assert spool_files(core.data_dir) == []
        quarantined = sorted(p.name.split("_", 1)[1] for p in (core.data_dir / "quarantine").iterdir())
        assert quarantined == sorted(
            name + suffix
            for name in (bad.keys[0].replace("/", "_"), "spool_notes.txt")
            for suffix in ("", ".reason.txt")
        )
        assert FootageReader(core.db).open_chunks() == []
        assert core.bus.dead_letters() == []


def parts_of(path: Path) -> list[tuple[int, int]]:
    """Offset and length of each moof+mdat, by walking the boxes."""
    data, at, found, moof = path.read_bytes(), 0, [], 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] == b"moof":
            moof = at
        if data[at + 4 : at + 8] == b"mdat":
            found.append((moof, at + size - moof))
        at += size
    return found


@pytest.mark.parametrize("how", ["noise over everything", "zeros in the moof", "zeros in the mdat", "length wrong"])
@pytest.mark.parametrize("hit", [0, 3])
def test_damage_inside_an_open_file_costs_its_gop_and_nothing_behind_it(tmp_path: Path, how: str, hit: int) -> None:
    """Power was lost: blocks in the middle were never written. What is behind them is a chunk of its own."""
    with core_at(tmp_path / "data") as core:
        add_camera(core)
        taken = record(core.data_dir, tmp_path, leave_open=True, frames=240)
        path = core.data_dir / taken.keys[0]
        at, length = parts_of(path)[hit]
        data = bytearray(path.read_bytes())
        moof = int.from_bytes(data[at : at + 4], "big")
        span = {
            "noise over everything": (at, at + length, random.Random(1).randbytes(length)),
            "zeros in the moof": (at + 8, at + moof, bytes(moof - 8)),
            "zeros in the mdat": (at + moof + 8, at + length, bytes(length - moof - 8)),
            "length wrong": (at, at + 4, (moof + 3).to_bytes(4, "big")),
        }[how]
        data[span[0] : span[1]] = span[2]
        path.write_bytes(data)
        work_off(core)
        numbers = [[n for n, _ in frame_numbers(core.data_dir / key)] for key in stored_files(core.data_dir)]
        # GOPs of 30 frames, parts of 15: part 0 is of the first GOP, part 3 the second half of the second.
        kept = [list(range(30, 225))] if hit == 0 else [list(range(45)), list(range(60, 225))]
        assert [numbers_[: len(kept_)] for numbers_, kept_ in zip(numbers, kept, strict=True)] == kept
        assert spool_files(core.data_dir) == []
        gaps = [g for g in FootageReader(core.db).gaps("cam", 0, 1 << 62) if g.cause == "corrupt"]
        if hit:
            assert [(g.start_us - START_US, g.end_us - START_US) for g in gaps] == [(1_500_000, 2_000_000)]
        held = sorted(p.name for p in (core.data_dir / "quarantine").iterdir())
        assert any(".at-" in name and not name.endswith(".txt") for name in held)
        assert core.bus.dead_letters() == []


def test_a_tail_of_zeros_is_no_damage(tmp_path: Path) -> None:
    """A file system that had grown the file, but not written it."""
    with core_at(tmp_path / "data") as core:
        taken = record(core.data_dir, tmp_path, leave_open=True)
        path = core.data_dir / taken.keys[0]
        path.write_bytes(path.read_bytes() + bytes(50_000))
        work_off(core)
        (key,) = stored_files(core.data_dir)
        assert len(frame_numbers(core.data_dir / key)) >= 45
        assert not (core.data_dir / "quarantine").exists()


def test_recovering_twice_changes_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with core_at(data) as core:
        record(data, tmp_path, leave_open=True)
        work_off(core)
        before = {key: (data / key).read_bytes() for key in stored_files(data)}
    with core_at(data) as core:
        work_off(core)
        assert {key: (data / key).read_bytes() for key in stored_files(data)} == before
        assert len(rows(core)) == 1


def test_a_name_whose_time_cannot_be_hinders_no_start(tmp_path: Path) -> None:
    with core_at(tmp_path / "data") as core:
        taken = record(core.data_dir, tmp_path, leave_open=True)
        hostile = (core.data_dir / taken.keys[0]).with_name("999999999999999999.mp4")
        hostile.write_bytes(b"rubbish")
        work_off(core)
        assert len(stored_files(core.data_dir)) == 1
        assert spool_files(core.data_dir) == []
        assert core.bus.dead_letters() == []


def test_a_chunk_that_was_given_up_on_a_full_disk_is_told_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no index at its end, as one that is being written has none; that somebody holds it tells them apart."""
    monkeypatch.setattr("gatehouse_capture.spool_keeper._REMIND_US", 0)
    with core_at(tmp_path / "data") as core:
        keeper = build_spool(core)
        taken = record(core.data_dir, tmp_path, frames=180, chunk_us=2_000_000, leave_open=True)
        given_up, _, still_open = (core.data_dir / key for key in taken.keys)
        media = read_index(given_up, taken.keys[0])
        assert media is not None
        with given_up.open("r+b") as file:
            file.truncate(media.indexed_bytes)
        assert read_index(still_open, taken.keys[2]) is None
        writer = os.open(still_open, os.O_RDWR)
        hold(writer)
        keeper.look()
        told = core.bus.depth("segmenter")
        assert told == 2, "the one that is whole, and the one that was given up"
        keeper.look()
        assert core.bus.depth("segmenter") == told, "what waits there already is not told again"
        store_what_waits(core)
        keeper.look()
        assert spool_files(core.data_dir) == [taken.keys[2]]
        assert len(stored_files(core.data_dir)) == 2
        os.close(writer)


def store_what_waits(core: Core) -> None:
    """Handle what waits while capture goes on: nothing is recovered."""
    supervisor = Supervisor([build_indexer(core), build_segmenter(core)], core.clock)
    supervisor.start()
    try:
        assert core.bus.join(20)
    finally:
        assert supervisor.stop()


def test_what_is_stored_and_told_again_is_not_stored_again_unless_the_store_has_lost_it(tmp_path: Path) -> None:
    """R2: after an outage, what was told of twice must not make the others wait twice as long."""
    with core_at(tmp_path / "data") as core:
        record(core.data_dir, tmp_path)
        build_spool(core)  # tells all that it finds
        store_what_waits(core)
        (row,) = FootageReader(core.db).all_chunks()
        stored, spooled = core.data_dir / row.key, core.data_dir / keys.spool(row.camera, row.run, row.start_us)
        whole, before = stored.read_bytes(), stored.stat().st_ino
        told = ChunkClosed(
            camera=row.camera,
            time_us=row.end_us,
            run=row.run,
            chunk=row.id,
            key=spooled.relative_to(core.data_dir).as_posix(),
            start_us=row.start_us,
            end_us=row.end_us,
            origin_us=row.origin_us,
            bytes=row.bytes,
        )
        core.bus.publish(told)
        store_what_waits(core)
        assert list(FootageReader(core.db).all_chunks()) == [row]
        assert stored.stat().st_ino == before
        spooled.parent.mkdir(parents=True, exist_ok=True)
        spooled.write_bytes(whole)
        stored.unlink()
        core.bus.publish(told)
        store_what_waits(core)
        assert stored.read_bytes() == whole
        assert core.bus.dead_letters() == []
