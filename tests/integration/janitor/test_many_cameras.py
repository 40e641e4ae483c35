"""A sweep of a large site: what it costs grows with its cameras, and not with their square."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import event

from gatehouse_common.clock import HOUR
from gatehouse_common.db import FootageReader
from gatehouse_common.testing.clock import FakeClock
from gatehouse_janitor import sweeps
from gatehouse_janitor.service import Janitor
from retention_kit import LENGTH, NOW, open_core, store

OLD, YOUNG = 2, 3


def questions(folder: Path, count: int) -> int:
    """Let a site of so many cameras be swept; return how often chunks of a camera were looked for."""
    core = open_core(folder, FakeClock(NOW))
    try:
        cameras = [f"camera-{k:03}" for k in range(count)]
        for camera in cameras:
            for k in range(OLD):
                store(core.db, camera, NOW - 80 * HOUR - k * LENGTH)
            for k in range(YOUNG):
                store(core.db, camera, NOW - 10 * HOUR - k * LENGTH)
        asked = []

        def executed(_conn: object, _cursor: object, text: str, *_rest: object) -> None:
            if "chunks.end_us <= ?" in text and "LIMIT" in text:
                asked.append(text)

        event.listen(core.db.engine, "after_cursor_execute", executed)
        Janitor(core).look(threading.Event())
        left = [(c.camera, c.start_us) for c in FootageReader(core.db).all_chunks()]
        assert left == [(camera, NOW - 10 * HOUR - k * LENGTH) for camera in cameras for k in reversed(range(YOUNG))]
        return len(asked)
    finally:
        core.close()


def test_cameras_with_nothing_left_are_not_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "AT_ONCE", 7)  # a page ends in the midst of a camera
    few, many = questions(tmp_path / "few", 10), questions(tmp_path / "many", 40)
    assert few > 0
    assert many <= 5 * few
