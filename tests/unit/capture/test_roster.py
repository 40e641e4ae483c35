"""Which cameras are recorded while the index does not answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from gatehouse_capture.roster import Assignment, Roster
from gatehouse_common.db import Camera, CameraRepository, Database, FootageReader
from gatehouse_common.errors import Unavailable
from gatehouse_common.messages import CameraState, CameraStatus
from gatehouse_common.sealing import Sealer

PASSWORD = "hunter2hunter2"
URL = f"rtsp://user:{PASSWORD}@192.0.2.1/1"


class Index:
    """A database that can be switched away."""

    def __init__(self, path: Path) -> None:
        self.db = Database(f"sqlite:///{path / 'gatehouse.db'}", sealer=Sealer(path=path / "sealing.key"))
        self.db.upgrade()
        self.cameras = CameraRepository(self.db)
        self.copy = path / "cameras.json"
        self.roster = Roster(self.cameras, FootageReader(self.db), self.copy)

    def go_away(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def away(_: object) -> None:
            raise Unavailable("the database is away")

        monkeypatch.setattr(CameraRepository, "list", away)
        monkeypatch.setattr(CameraRepository, "mark", away)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    made = Index(tmp_path)
    made.cameras.add(Camera("gate", URL))
    made.cameras.add(Camera("yard", "synthetic:", enabled=False))
    yield made
    made.db.close()


def test_the_index_says_who_is_recorded_and_who_is_off(index: Index) -> None:
    listing = index.roster.load()
    assert listing is not None
    assert listing.wanted == (Assignment("gate", URL),)
    assert listing.off == {"yard"}
    assert listing.from_index
    assert index.copy.stat().st_mode & 0o777 == 0o600


def test_the_cameras_of_the_last_time_are_recorded_without_the_index(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.roster.load()
    index.go_away(monkeypatch)
    listing = index.roster.load()
    assert listing is not None
    assert listing.wanted == (Assignment("gate", URL),)
    assert not listing.from_index
    assert PASSWORD.encode() not in index.copy.read_bytes()


DAMAGES = [b"", b"{", b"[1]", b'{"id": "a"}', b'[{"id": "a"}]', b'[{"id": "a", "url": 1}]', b"\xff\xfe", None]


@pytest.mark.parametrize("damage", DAMAGES)
def test_not_to_know_the_cameras_is_not_to_have_none(
    index: Index, monkeypatch: pytest.MonkeyPatch, damage: bytes | None
) -> None:
    index.roster.load()
    index.go_away(monkeypatch)
    if damage is None:
        index.copy.unlink()
    else:
        index.copy.write_bytes(damage)
    with structlog.testing.capture_logs() as logs:
        assert [index.roster.load() for _ in range(3)] == [None] * 3
    assert len([one for one in logs if "trying again" in one["event"]]) == 1


def test_the_copy_that_cannot_be_read_is_not_quoted(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    index.copy.write_text(json.dumps([{"id": "gate", "url": URL, "more": PASSWORD}]) + "}")
    index.go_away(monkeypatch)
    with structlog.testing.capture_logs() as logs:
        index.roster.load()
    assert PASSWORD not in str(logs)


def test_a_change_is_seen_whoever_made_it(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    index.roster.load()
    assert not index.roster.changed()
    for change in (
        lambda: index.cameras.change("gate", url="synthetic:"),
        lambda: index.cameras.change("gate", settings={"plates": {"enabled": False}}),
        lambda: index.cameras.change("gate", enabled=False),
        lambda: index.cameras.add(Camera("new", "synthetic:")),
        lambda: index.cameras.remove("gate"),
    ):
        change()
        assert index.roster.changed()
        index.roster.load()
        assert not index.roster.changed()
    index.cameras.report(CameraStatus(camera="new", time_us=1, state=CameraState.RECORDING, since_us=1))
    assert not index.roster.changed()
    with monkeypatch.context() as away:
        index.go_away(away)
        index.roster.load()
        assert not index.roster.changed()
    assert index.roster.changed()  # it is back


def test_to_look_for_changes_reads_the_cameras_of_nobody(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every recorder of a site looks twice a second: if each read all cameras, the index would do little else."""
    index.roster.load()

    def read(_: object) -> None:
        raise AssertionError("all cameras were read to see whether one has changed")

    monkeypatch.setattr(CameraRepository, "list", read)
    assert not index.roster.changed()
    index.cameras.change("gate", url="synthetic:")
    assert index.roster.changed()
