"""Of several janitors one deletes; when it dies, another does within ten seconds (R6, of janitors)."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gatehouse_common.clock import HOUR, SystemClock
from gatehouse_common.db import Facts
from gatehouse_common.observability.metrics import JANITOR_LAST_SUCCESS, RETENTION_ENABLED
from gatehouse_common.runtime import Core
from gatehouse_common.settings import load
from gatehouse_janitor.service import Janitor
from retention_kit import LENGTH, files, open_core, record
from running import wait_for


def shared(core: Core, name: str) -> Core:
    """The same index and store, as a process of many has them."""
    values = core.settings.values
    several = values.model_copy(
        update={
            "broker_url": "amqp://guest:guest@localhost/",
            "service": values.service.model_copy(update={"name": name}),
            "retention": values.retention.model_copy(update={"look_seconds": 0.2}),
        }
    )
    return dataclasses.replace(core, settings=dataclasses.replace(core.settings, values=several))


@contextmanager
def running(janitor: Janitor) -> Iterator[threading.Event]:
    stop = threading.Event()
    thread = threading.Thread(target=janitor.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(15)
        assert not thread.is_alive()


class Dead(Janitor):
    """A janitor that was killed: it gives no sign of life, and does not say good-bye."""

    killed = False

    @property
    def leads(self) -> bool:
        return not self.killed and super().leads


def test_one_leads_and_another_takes_over(tmp_path: Path) -> None:
    core = open_core(tmp_path / "data", SystemClock())  # type: ignore[arg-type] - any clock
    first, second = Janitor(shared(core, "first")), Janitor(shared(core, "second"))
    with running(second) as end_second:
        wait_for("a leader", lambda: second.leads)
        with running(first):
            threading.Event().wait(3)
            assert (first.leads, second.leads) == (False, True)
            now = SystemClock().now_us()
            for k in range(3):
                record(core, "gate", now - 80 * HOUR + k * LENGTH)
            second._by_age_us = None
            wait_for("deletion", lambda: files(core) == set())
            end_second.set()
            wait_for("another leader", lambda: first.leads, 10)
            old = record(core, "gate", now - 80 * HOUR)
            first._by_age_us = None
            wait_for("deletion", lambda: old not in files(core))
    core.close()


def test_a_leader_that_is_dead_is_followed_within_ten_seconds(tmp_path: Path) -> None:
    core = open_core(tmp_path / "data", SystemClock())  # type: ignore[arg-type] - any clock
    first, second = Dead(shared(core, "first")), Janitor(shared(core, "second"))
    with running(first):
        wait_for("a leader", lambda: first.leads)
        with running(second):
            first.killed = True
            assert first._share is not None
            first._share.look = lambda _: False  # type: ignore[method-assign]
            wait_for("another leader", lambda: second.leads, 10)
            first._share.leave = lambda: None  # type: ignore[method-assign]
    core.close()


def test_a_janitor_that_is_started_while_the_index_is_away_says_that_somebody_should_delete(tmp_path: Path) -> None:
    """What alerts on a janitor that does not get on asks for: nobody leads then, and nothing is deleted."""
    nobody = {"data_dir": str(tmp_path), "database_url": "mysql://nobody:secret@127.0.0.1:9/none", "auth.mode": "open"}
    core = Core.open(load({**nobody, "broker_url": "memory:"}, environ={}), SystemClock())
    RETENTION_ENABLED.set(0)
    janitor = Janitor(shared(core, "first"))
    with running(janitor):
        wait_for("a look", lambda: RETENTION_ENABLED.collect()[0].samples[0].value == 1)
        assert not janitor.leads
    core.close()


def test_when_all_had_gone_is_told_after_a_start_that_does_not_come_to_it(tmp_path: Path) -> None:
    """Else a start would make it seem that it never was so, or end an alert."""
    core = open_core(tmp_path / "data", SystemClock())  # type: ignore[arg-type] - any clock
    facts, success = Facts(core.db), JANITOR_LAST_SUCCESS
    with running(Janitor(core)):
        wait_for("a success", lambda: facts.get("janitor.success"))
    success.set(0)
    (tmp_path / "data" / "gatehouse-store.json").unlink()  # as where a disk is not mounted: nothing is deleted
    second = Janitor(core)
    with running(second):
        wait_for("trouble", lambda: not second.health()[0].ok)
        assert success.collect()[0].samples[0].value == int(facts.get("janitor.success") or 0) / 1e6
    core.close()
