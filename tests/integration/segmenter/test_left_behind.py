"""What crashes leave between the steps of recovery itself, and beside objects of the store."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from gatehouse_capture.recovery import recover
from gatehouse_common.clock import SECOND
from gatehouse_common.db import CameraRepository, CoverageReader, FootageReader
from gatehouse_common.intervals import Interval
from gatehouse_common.media.chunk_file import ChunkFile
from gatehouse_common.testing.film import frame_numbers
from gatehouse_segmenter.service import build as build_segmenter
from pipeline_kit import START_US, add_camera, core_at, record, spool_files, stored_files, work_off
from running import wait_for


class Killed(BaseException):
    """The process ends here."""


def killed(*_: object, **__: object) -> None:
    raise Killed


@pytest.mark.parametrize("step", ["split_off", "put_bytes", "cut_off", "adopt", "publish"])
def test_recovery_that_is_killed_is_done_again_and_nothing_comes_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """S2-43: a file with damage inside, killed before each step of taking it apart."""
    data = tmp_path / "data"
    with core_at(data) as core:
        add_camera(core)
        taken = record(data, tmp_path, leave_open=True, frames=240)
        path = data / taken.keys[0]
        whole = bytearray(path.read_bytes())
        at = whole.index(b"moof", len(whole) // 2)
        whole[at - 4 : at + 60] = bytes(64)
        path.write_bytes(whole)
        with monkeypatch.context() as patch:
            if step in {"put_bytes", "publish"}:
                patch.setattr(core.store if step == "put_bytes" else core.bus, step, killed)
            else:
                patch.setattr(f"gatehouse_capture.recovery.{step}", killed)
            with pytest.raises(Killed):
                recover(core)
    for _ in range(2):
        with core_at(data) as core:
            work_off(core)
            numbers = [n for key in stored_files(data) for n, _ in frame_numbers(data / key)]
            assert numbers == sorted(set(numbers)), "a frame came twice"
            assert len(numbers) >= 240 - 15 - 30
            assert spool_files(data) == []
            assert len(stored_files(data)) == 2
            assert {g.cause for g in FootageReader(core.db).gaps("cam", 0, 1 << 62)} == {"dropped", "corrupt"}
            assert core.bus.dead_letters() == []


def test_what_is_stored_of_a_run_is_not_told_as_damaged_after_an_upgrade(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S2-43, R9: files of before had no links to one another, and one between two others was stored already."""
    monkeypatch.setattr(ChunkFile, "last_link", b"")
    data, aside = tmp_path / "data", tmp_path / "aside"
    with core_at(data) as core:
        add_camera(core)
        taken = record(data, tmp_path, frames=360, chunk_us=3 * SECOND)
        paths = [data / key for key in taken.keys]
        assert len(paths) == 4
        for path in (paths[0], paths[2], paths[3]):
            aside.mkdir(exist_ok=True)
            path.rename(aside / path.name)
        work_off(core)
        assert [c.state for c in FootageReader(core.db).all_chunks()] == ["stored"]
        for path in (paths[0], paths[2], paths[3]):
            path.parent.mkdir(parents=True, exist_ok=True)
            (aside / path.name).rename(path)
    with core_at(data) as core:
        work_off(core)
        assert len(stored_files(data)) == 4
        span = Interval(START_US, START_US + 12 * SECOND)
        found = CoverageReader(core.db).coverage(CameraRepository(core.db).get("cam"), span, span.end)
        assert found.gaps_us == {}, "all of it is there"
        assert found.recorded_us == 12 * SECOND
        assert "corrupt" not in {g.cause for g in FootageReader(core.db).gaps("cam", 0, 1 << 62)}


def test_half_of_an_object_is_taken_away_at_the_next_start(tmp_path: Path) -> None:
    """S2-43: what a crash left of a copy or of a clip; what is being made now stays."""
    with core_at(tmp_path / "data") as core:
        folder = core.data_dir / "videos" / "2024-05-17"
        folder.mkdir(parents=True)
        old, young, other = folder / ".put-old", folder / ".put-young", folder / "clip.mp4"
        for file in (old, young, other):
            file.write_bytes(b"half")
        os.utime(old, (1_700_000_000, 1_700_000_000))
        os.utime(young, (4_000_000_000, 4_000_000_000))
        segmenter, stop = build_segmenter(core), threading.Event()
        thread = threading.Thread(target=segmenter.run, args=(stop,))
        thread.start()
        try:
            wait_for("the leftover to go", lambda: not old.exists())
        finally:
            stop.set()
            thread.join(20)
        assert young.exists()
        assert other.exists()
