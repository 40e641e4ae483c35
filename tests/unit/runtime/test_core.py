"""URLs choose the adapters; a database that is away keeps nothing from opening."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from gatehouse_common.clock import SystemClock
from gatehouse_common.db import Database
from gatehouse_common.errors import InvalidInput
from gatehouse_common.messages import GapCause, RunEnded
from gatehouse_common.runtime import Core
from gatehouse_common.runtime.database import check, wait_for
from gatehouse_common.settings import Settings, load
from gatehouse_common.testing.clock import FakeClock


def settings(data: Path, **more: str) -> Settings:
    empty = data.parent / "empty.toml"
    empty.touch()
    return load({"data_dir": str(data), **more}, config=empty, environ={})


def test_the_defaults_are_parts_that_need_no_server(tmp_path: Path) -> None:
    core = Core.open(settings(tmp_path / "data"))
    core.bus.publish(RunEnded(camera="gate", time_us=1, run="r", end_us=1, cause=GapCause.DISABLED))
    assert core.bus.depth("indexer") == 1, "queues exist before anybody subscribes"
    assert core.data_dir == tmp_path / "data"
    assert (core.data_dir.stat().st_mode & 0o777) == 0o700
    core.close()
    again = Core.open(settings(tmp_path / "data"))
    assert again.bus.depth("indexer") == 1
    again.close()


@pytest.mark.parametrize(
    ("name", "url", "said"),
    [
        ("broker_url", "redis://gate:canary@mq/", "use 'embedded:'"),
        ("broker_url", "embedded", "use 'embedded:'"),
        ("storage_url", "s3://u:canary@bucket/prefix", "it must hold no credentials"),
        ("storage_url", "ftp://bucket/prefix", "use file:///path"),
        ("storage_url", "file://relative", "use file:///path"),
        ("database_url", "postgresql://gate:canary@db/x", "sqlite:///path"),
        ("database_url", "nonsense", "sqlite:///path"),
    ],
)
def test_a_url_of_another_kind_is_told_what_there_is(tmp_path: Path, name: str, url: str, said: str) -> None:
    """Nothing stays open behind it: warnings about what was left open are errors here."""
    with pytest.raises(InvalidInput) as caught:
        Core.open(settings(tmp_path / "data", **{name: url}))
    assert said in caught.value.message
    assert "canary" not in caught.value.message


def test_a_database_that_is_away_is_told_and_keeps_nothing_from_opening(tmp_path: Path) -> None:
    """S0-36: recording does not wait for the database."""
    core = Core.open(settings(tmp_path / "data", database_url=f"sqlite:///{tmp_path}/not/yet/there.db"))
    found = check(core.db)
    core.close()
    assert (found.name, found.ok) == ("database", False)
    assert "unable to open database file" in found.detail


def test_the_database_is_waited_for_until_it_comes(tmp_path: Path) -> None:
    class Clock(FakeClock):
        waited: list[float] = []  # noqa: RUF012

        def wait(self, stop: threading.Event, seconds: float) -> bool:
            self.waited.append(seconds)
            if len(self.waited) == 8:
                (tmp_path / "later").mkdir()
            return super().wait(stop, seconds)

    clock = Clock()
    db = Database(f"sqlite:///{tmp_path}/later/x.db")
    assert wait_for(db, threading.Event(), clock)
    assert check(db).ok
    db.close()
    assert clock.waited == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10]


def test_waiting_for_the_database_ends_when_told_to(tmp_path: Path) -> None:
    stop = threading.Event()
    db = Database(f"sqlite:///{tmp_path}/never/x.db")
    waiting = threading.Thread(target=wait_for, args=(db, stop, SystemClock()))
    waiting.start()
    stop.set()
    waiting.join(10)
    assert not waiting.is_alive()
    db.close()
