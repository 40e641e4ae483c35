"""How cameras are watched follows what is set, and costs next to nothing while nothing is."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatehouse_common.db import Camera, CameraRepository
from gatehouse_common.errors import Unavailable
from gatehouse_detector import watched as watched_module
from gatehouse_detector.watched import WatchedCameras
from log_kit import logged, text_of
from pipeline_kit import add_camera, core_at


def test_a_change_is_seen_at_the_next_look_and_no_change_reads_no_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []
    read_all = CameraRepository.list

    def counted(self: CameraRepository) -> list[Camera]:
        reads.append(1)
        return read_all(self)

    monkeypatch.setattr(CameraRepository, "list", counted)
    with core_at(tmp_path / "data", **{"detection.threshold": 0.7}) as core:
        add_camera(core, "gate")
        watched, cameras = WatchedCameras(core), CameraRepository(core.db)
        watched.refresh()
        assert (watched.of("gate").enabled, watched.of("gate").threshold) == (True, 0.7)
        for _ in range(40):
            watched.refresh()
        assert len(reads) <= 1 + 40 // 5, "one look in five is at the rows whatever the mark says"
        cameras.change("gate", settings={"plates": {"enabled": False, "threshold": 0.9}})
        watched.refresh()
        assert (watched.of("gate").enabled, watched.of("gate").threshold) == (False, 0.9)
        add_camera(core, "yard")
        watched.refresh()
        assert set(watched.ids()) == {"gate", "yard"}
        cameras.remove("gate")
        watched.refresh()
        assert watched.ids() == ["yard"]
        assert watched.of("gate").enabled


def test_an_index_that_is_away_is_told_once_and_again_when_it_was_back(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = logged(monkeypatch, watched_module)

    def away(_: CameraRepository) -> str:
        raise Unavailable("the index is away")

    with core_at(tmp_path / "data") as core:
        add_camera(core, "gate")
        watched = WatchedCameras(core)
        watched.refresh()
        for _ in range(2):
            with monkeypatch.context() as patched:
                patched.setattr(CameraRepository, "mark", away)
                watched.refresh()
                watched.refresh()
            assert watched.ids() == ["gate"]
            watched.refresh()
    assert text_of(said).count("the settings of cameras cannot be read") == 2
