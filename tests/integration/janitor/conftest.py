"""An installation on a clock that tests own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gatehouse_common.db import Camera, CameraRepository
from gatehouse_common.runtime import Core
from gatehouse_common.testing.clock import FakeClock
from retention_kit import NOW, open_core


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def core(tmp_path: Path, clock: FakeClock) -> Iterator[Core]:
    made = open_core(tmp_path / "data", clock)
    CameraRepository(made.db).add(Camera("gate", "synthetic:"))
    yield made
    made.close()
