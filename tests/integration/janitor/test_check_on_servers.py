"""A check in a larger installation: a bucket, MariaDB, RabbitMQ; two janitors, of which one leads."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatehouse_common.db import FootageWriter, JobRepository
from gatehouse_common.db.jobs import CONSISTENCY_CHECK
from gatehouse_common.runtime import Supervisor
from gatehouse_indexer.service import build as build_indexer
from gatehouse_janitor.checking.care import ALONE
from gatehouse_janitor.checking.check_jobs import CheckJobs
from gatehouse_janitor.service import Janitor
from janitor_kit import chunks, found, objects, quarantined, read, record_chunks, replace, row_of
from pipeline_kit import core_at
from plates_kit import server_settings
from running import wait_for


@pytest.mark.timeout(300)
def test_what_one_janitor_finds_the_indexer_elsewhere_mends_upon_the_bus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S2-44, R5: `chunk.stored` over the broker; and when the one that leads ends, the other goes on."""
    monkeypatch.setattr("gatehouse_janitor.service.CheckJobs", lambda c, leads: CheckJobs(c, leads, ALONE))
    with (
        server_settings(tmp_path) as settings,
        core_at(tmp_path / "data", **settings, **{"retention.enabled": False}) as core,
        core_at(tmp_path / "other", **settings, **{"retention.enabled": False}) as other,
    ):
        record_chunks(core, tmp_path, count=6)
        orphan, flipped = chunks(core)[1:3]
        before, data = objects(core), read(core, flipped.key)
        FootageWriter(core.db).forget_chunk(orphan.id)
        replace(core, flipped.key, data[:3000] + bytes([data[3000] ^ 4]) + data[3001:])
        bad = read(core, flipped.key)
        jobs = JobRepository(core.db)
        first, second = Supervisor([Janitor(core)], core.clock), Supervisor([Janitor(other)], core.clock)
        indexer = Supervisor([build_indexer(other)], core.clock)
        for one in (indexer, first, second):
            one.start()
        try:
            asked = jobs.ask(CONSISTENCY_CHECK, {"repair": True, "quick": False, "scope": "all"}, core.clock.now_us())
            done = wait_for("the job", lambda: (j := jobs.get(asked.id)).state in {"done", "failed"} and j, 120)
            assert done.result is not None, done.detail
            assert (done.result["counts"], done.result["mended"]) == ({"flipped": 1, "orphan": 1}, 2)
            assert first.stop(20)
            again = jobs.ask(CONSISTENCY_CHECK, {"repair": False}, core.clock.now_us())
            done = wait_for("the other", lambda: (j := jobs.get(again.id)).state in {"done", "failed"} and j, 60)
            assert (done.state, done.detail) == ("done", "index and store agree")
        finally:
            for one in (second, indexer):
                assert one.stop(20)
        assert found(core) == []
        assert quarantined(core) == [bad]
        restored = row_of(core, orphan.id)
        assert restored is not None
        assert (restored.key, restored.start_us, restored.end_us) == (orphan.key, orphan.start_us, orphan.end_us)
        after = objects(core)
        assert {key: after.get(key) for key in before if key != flipped.key} == {
            key: value for key, value in before.items() if key != flipped.key
        }
        assert core.bus.dead_letters() == []
