"""A plate on a watch list is told of once for each visit and entry, whatever stops in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gatehouse_common.bus import Delivery
from gatehouse_common.db import (
    EntryFields,
    PlateListings,
    PlateLooks,
    PlateReader,
    PlateWriter,
    WatchEntries,
    WatchLists,
)
from gatehouse_common.errors import Unavailable
from gatehouse_common.messages import Message, PlateIndexed, PlateListed
from gatehouse_common.runtime import Core
from gatehouse_common.watching import ListedPlates
from gatehouse_indexer.handlers import Handlers
from pipeline_kit import core_at, work_off
from plate_kit import T, closed, seen
from plates_kit import indexing
from running import wait_for


def watch(core: Core, name: str, kind: str, *plates: EntryFields) -> None:
    of = WatchLists(core.db).add(name, kind, T)
    WatchEntries(core.db).add_all(of.id, plates, T)


@contextmanager
def heard(core: Core) -> Iterator[list[PlateListed]]:
    found: list[PlateListed] = []

    def hear(delivery: Delivery) -> None:
        assert isinstance(delivery.message, PlateListed)
        found.append(delivery.message)

    subscription = core.bus.subscribe_transient([PlateListed], hear)
    yield found
    subscription.close()


def test_a_visit_is_told_once_for_each_entry(tmp_path: Path) -> None:
    with core_at(tmp_path / "data") as core, heard(core) as told:
        watch(core, "Guests", "allow", EntryFields("ABC123", distance=1), EntryFields("XYZ*"))
        watch(core, "Thieves", "deny", EntryFields("A?C*"))
        votes = ["A8C123", "ABC123", "ABC123"]
        for n, vote in enumerate(votes):
            core.bus.publish(seen("one", vote, n, voted=vote))
        core.bus.publish(closed("one", "ABC123", 2))
        core.bus.publish(seen("two", "NOBODY1", 0))
        work_off(core)
        wait_for("both entries, and one of them to the letter", lambda: len(told) == 3)
        assert [(one.kind, one.match, one.distance, one.text, one.camera) for one in told] == [
            ("deny", "pattern", 0, "A8C123", "gate"),
            # What is like an allowed plate says so, and is never taken for it.
            ("allow", "fuzzy", 1, "A8C123", "gate"),
            # By the end it is the plate to the letter: that is told, and the visit says so.
            ("allow", "exact", 0, "ABC123", "gate"),
        ]
        assert len({one.id for one in told}) == 3
        assert {one.event for one in told} == {"one"}
        assert [(one.kind, one.distance) for one in PlateListings(core.db).of_events({"one": "ABC123"})["one"]] == [
            ("deny", 0),
            ("allow", 0),
        ]


def test_a_stop_between_the_row_of_the_visit_and_its_lists_loses_nothing(tmp_path: Path) -> None:
    with core_at(tmp_path / "data") as core, heard(core) as told:
        watch(core, "Guests", "allow", EntryFields("ABC123"))
        message = seen("one", "ABC123")
        PlateWriter(core.db).see(message)  # and killed here: the message was not acknowledged
        Handlers(core, lambda: None).handle(message)
        wait_for("the listing", lambda: len(told) == 1)
        Handlers(core, lambda: None).handle(message)
        Handlers(core, lambda: None).handle(seen("two", "ABC123"))
        wait_for("the listing of another visit", lambda: len(told) == 2)
        assert [one.event for one in told] == ["one", "two"]


_DIES = """
import os, signal, sys
from pathlib import Path
from gatehouse_common.db import PlateWriter
from pipeline_kit import core_at
with core_at(Path(sys.argv[1])) as core:
    PlateWriter(core.db).correct("one", "ABC124", "ann", 1)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_between_a_correction_and_its_lists_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, tests = tmp_path / "data", Path(__file__).resolve().parents[2]
    with core_at(data) as core:
        watch(core, "Thieves", "deny", EntryFields("ABC124"))
        Handlers(core, lambda: None).handle(closed("one", "ABC123", 1))
    env = {**os.environ, "PYTHONPATH": str(tests)}
    died = subprocess.run([sys.executable, "-c", _DIES, str(data)], env=env, timeout=120, check=False)
    assert died.returncode == -signal.SIGKILL
    monkeypatch.setattr("gatehouse_common.watching.listed_plates.LATE_US", -1)
    with core_at(data) as core, heard(core) as told:
        with indexing(core):
            wait_for("the listing", lambda: len(told) >= 1 and PlateLooks(core.db).of("one") == [])
        ListedPlates(core).tell_late()
        assert [(one.event, one.text, one.kind) for one in told] == [("one", "ABC124", "deny")]


def test_one_that_cannot_be_looked_for_keeps_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with core_at(tmp_path / "data") as core:
        for event in ("one", "two"):
            Handlers(core, lambda: None).handle(closed(event, "ABC123", 1))
            PlateWriter(core.db).correct(event, "ABC124", "ann", 1)
        look, fails = ListedPlates.look_at, [True]

        def look_at(self: ListedPlates, event: str) -> None:
            if event == "one" and fails:
                raise RuntimeError("a fault")
            look(self, event)

        monkeypatch.setattr(ListedPlates, "look_at", look_at)
        ListedPlates(core).tell_late()
        assert PlateLooks(core.db).waiting(2**60) == ["one"]
        fails.clear()
        ListedPlates(core).tell_late()
        assert PlateLooks(core.db).waiting(2**60) == []


def test_lists_that_fail_keep_no_plate_from_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault with them is told in the log; who is told of the visit hears of it all the same."""
    with core_at(tmp_path / "data") as core:
        changed: list[str] = []
        core.bus.subscribe_transient([PlateIndexed], lambda got: changed.append(got.message.event))

        def fail(*_: object) -> None:
            raise RuntimeError("a fault")

        monkeypatch.setattr(ListedPlates, "look_at", fail)
        core.bus.publish(closed("one", "ABC123", 1))
        work_off(core)
        wait_for("the visit", lambda: changed == ["one"])
        assert PlateReader(core.db).event("one").text == "ABC123"


def test_a_stop_between_the_note_and_its_telling_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with core_at(tmp_path / "data") as core, heard(core) as told:
        watch(core, "Guests", "allow", EntryFields("ABC123"))
        publish = core.bus.publish

        def refuse(message: Message, *args: object, **named: object) -> None:
            if isinstance(message, PlateListed):
                raise Unavailable("the broker is away")
            publish(message, *args, **named)  # type: ignore[arg-type]

        monkeypatch.setattr(core.bus, "publish", refuse)
        Handlers(core, lambda: None).handle(seen("one", "ABC123"))
        (waiting,) = PlateListings(core.db).untold(2**60)
        monkeypatch.setattr(core.bus, "publish", publish)
        monkeypatch.setattr("gatehouse_common.watching.listed_plates.LATE_US", -1)
        for _ in range(2):
            ListedPlates(core).tell_late()
        wait_for("the listing", lambda: len(told) == 1)
        assert told[0].id == waiting.id
        assert PlateListings(core.db).untold(2**60) == []
