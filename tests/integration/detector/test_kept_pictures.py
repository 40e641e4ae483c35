"""Pictures of visits in a store that takes its time: what is told of them is there (PRODUCT.md fact 10)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from gatehouse_common.clock import MINUTE
from gatehouse_common.errors import Unavailable
from gatehouse_common.messages.plates import VisitFields
from gatehouse_common.runtime import Core
from gatehouse_common.settings import load
from gatehouse_common.storage import LocalStore
from gatehouse_common.testing.clock import FakeClock
from gatehouse_detector.pictures import Pictures, Shot
from pipeline_kit import open_core
from running import wait_for
from sighting_kit import Watching, crossing


class SlowStore(LocalStore):
    """A directory that takes a tenth of a second to store something."""

    def put_bytes(self, key: str, data: bytes, *, overwrite: bool = False) -> Any:
        time.sleep(0.1)
        return super().put_bytes(key, data, overwrite=overwrite)


class AbsentStore(LocalStore):
    """A directory that is away."""

    def put_bytes(self, key: str, data: bytes, *, overwrite: bool = False) -> Any:
        raise Unavailable("the store does not answer")


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    core = open_core(tmp_path)
    object.__setattr__(core, "store", SlowStore(tmp_path))
    yield core
    core.close()


def a_visit() -> tuple[VisitFields, list[Shot]]:
    """Return a visit that has ended, and shots of its reads."""
    watching = Watching()
    watching.see(crossing("ABC1234"))
    watching.wait_until(60)
    (ended,) = watching.ended
    return ended.visit, [Shot(judged.sighting.read, b"a frame", b"a crop") for judged in watching.judged]


def test_pictures_that_are_stored_just_after_the_end_was_told_are_told_of(core: Core, tmp_path: Path) -> None:
    """Whoever was told of the pictures before hears of those that took their place."""
    visit, shots = a_visit()
    told: list[VisitFields] = []
    pictures = Pictures(core, lambda _camera, late: told.append(late))
    try:
        pictures.offer("cam", visit.event, visit.start_us, shots[0])
        first = pictures.kept(visit.event, 5)
        assert first is not None
        pictures.offer("cam", visit.event, visit.start_us, shots[-1])
        at_the_end = pictures.end(visit, 0.05)
        assert at_the_end == first, "the better one was not there yet"
        wait_for("what is told late", lambda: told)
        wait_for("that those before are deleted", lambda: not (tmp_path / first.frame_key).exists())
        assert len(told) == 1
        assert told[0].best == shots[-1].read
        assert (tmp_path / told[0].frame_key).exists()
        assert (tmp_path / told[0].crop_key).exists()
    finally:
        pictures.close()


def test_pictures_that_are_given_up_are_told_of_once(tmp_path: Path) -> None:
    clock = FakeClock()
    core = Core.open(load({"data_dir": str(tmp_path)}, environ={}), clock)
    object.__setattr__(core, "store", AbsentStore(tmp_path))
    pictures = Pictures(core, lambda *_: None)
    with structlog.testing.capture_logs() as logs:
        for visit, shots in (a_visit(), a_visit()):
            pictures.offer("cam", visit.event, visit.start_us, shots[0])
            assert pictures.end(visit, 5) is None
        clock.advance(61 * MINUTE)
        wait_for("the end of patience", lambda: not pictures._late)
    pictures.close()
    core.close()
    given_up = [e for e in logs if "given up" in e["event"]]
    assert [(e["log_level"], e["camera"]) for e in given_up] == [("warning", "cam")]
