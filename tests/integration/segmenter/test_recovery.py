"""What a crash leaves in the spool."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatehouse_common.db import FootageReader
from gatehouse_common.media.adopt import read_index
from gatehouse_common.messages import ChunkOpened
from gatehouse_common.testing.film import frame_numbers
from pipeline_kit import START_US, core_at, record, rows, spool_files, stored_files, work_off


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
