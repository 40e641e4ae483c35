"""Checks as jobs: asked for over HTTP or due by the clock, done by whoever leads, taken over from the dead."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gatehouse_api.service import ApiService
from gatehouse_common.clock import HOUR, MINUTE, SECOND
from gatehouse_common.db import Facts, JobRepository
from gatehouse_common.db.jobs import CONSISTENCY_CHECK
from gatehouse_common.observability.metrics import CONSISTENCY_ISSUES
from gatehouse_common.runtime import Core, Supervisor
from gatehouse_common.testing.clock import FakeClock
from gatehouse_common.timefmt import from_datetime
from gatehouse_indexer.service import build as build_indexer
from gatehouse_janitor.checking.care import ALONE, Care
from gatehouse_janitor.checking.check import Check
from gatehouse_janitor.checking.check_jobs import CheckJobs
from gatehouse_janitor.checking.last_check import LEFT, keep_left, kept_left
from gatehouse_janitor.checking.timetable import CHECKED_UNTIL, Timetable, last_due
from gatehouse_janitor.service import Janitor
from janitor_kit import chunks, found, quarantined, read, record_chunks, replace
from pipeline_kit import core_at
from running import wait_for
from server_kit import serving

SOON = Care(15 * MINUTE, 0.0)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data", **{"api.port": 0, "retention.enabled": False}) as made:
        record_chunks(made, tmp_path)
        yield made


def with_clock(core: Core, clock: FakeClock, **parts: Any) -> Core:
    return type(core)(**{**{f: getattr(core, f) for f in core.__dataclass_fields__}, "clock": clock, **parts})


@contextmanager
def upkeep(core: Core) -> Iterator[None]:
    """The janitor and the indexer at work."""
    supervisor = Supervisor([build_indexer(core), Janitor(core)], core.clock)
    supervisor.start()
    try:
        yield
    finally:
        assert supervisor.stop()


def ask(
    service: ApiService, method: str, path: str, body: object = None, raw: bytes | None = None
) -> tuple[int, dict[str, str], Any]:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
    try:
        data = raw if body is None else json.dumps(body).encode()
        connection.request(method, path, data, {"Content-Type": "application/json"} if data is not None else {})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), json.loads(answer.read())
    finally:
        connection.close()


@pytest.mark.timeout(120)
def test_a_check_over_http_is_a_job_with_progress_and_result(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """S2-44: 202 with a Location; what it found; and a second one, with repair, mends it through the bus."""
    monkeypatch.setattr("gatehouse_janitor.checking.check_jobs.LIVE", SOON)
    gone, broken = chunks(core)[1:3]
    core.store.delete(gone.key)
    data = read(core, broken.key)
    replace(core, broken.key, data[:4000] + b"\0\0\0\0" + data[4004:])
    service = ApiService(core)
    monkeypatch.setattr("gatehouse_janitor.service.CheckJobs", lambda c, leads: CheckJobs(c, leads, SOON))
    with serving(service), upkeep(core):
        status, headers, job = ask(service, "POST", "/api/v1/maintenance/consistency-check", {})
        assert (status, job["state"], job["kind"]) == (202, "queued", CONSISTENCY_CHECK)
        done = await_job(service, headers["Location"])
        assert done["state"] == "done"
        assert done["result"]["counts"] == {"flipped": 1, "missing": 1}
        assert {p["key"]: p["kind"] for p in done["result"]["problems"]} == {gone.key: "missing", broken.key: "flipped"}
        assert done["result"]["chunks"] == 12
        assert done["done"] == done["total"] > 24
        assert CONSISTENCY_ISSUES.labels("missing")._value.get() == 1
    CONSISTENCY_ISSUES.clear()  # as with the process
    service = ApiService(core)
    with serving(service), upkeep(core):  # a start mends nothing: it is told by the next process too
        wait_for("what was found", lambda: CONSISTENCY_ISSUES.labels("missing")._value.get() == 1)
        _, headers, _ = ask(service, "POST", "/api/v1/maintenance/consistency-check", {"repair": True})
        mended = await_job(service, headers["Location"])
        assert mended["result"]["mended"] == 2
        assert CONSISTENCY_ISSUES.labels("missing")._value.get() == 0
        _, _, listed = ask(service, "GET", "/api/v1/jobs?limit=1")
        assert [j["id"] for j in listed["items"]] == [mended["id"]]
        assert "problems" not in listed["items"][0]["result"]
        _, _, rest = ask(service, "GET", f"/api/v1/jobs?cursor={listed['next_cursor']}")
        assert [j["id"] for j in rest["items"]] == [done["id"]]
        status, _, problem = ask(service, "GET", "/api/v1/jobs/none")
        assert (status, problem["title"] != "") == (404, True)
        status, _, _ = ask(service, "POST", "/api/v1/maintenance/consistency-check", {"force": True})
        assert status == 422
        status, _, _ = ask(service, "POST", "/api/v1/maintenance/consistency-check", raw=b"{repair: true")
        assert status == 400
        status, _, plain = ask(service, "POST", "/api/v1/maintenance/consistency-check")
        assert (status, plain["parameters"]["repair"]) == (202, False)
    assert found(core) == []
    assert len(quarantined(core)) == 1


def await_job(service: ApiService, path: str) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        _, _, job = ask(service, "GET", path)
        return job if job["state"] in {"done", "failed"} else None

    return wait_for("the job", ended, 60)


def test_what_a_check_finds_is_told_and_makes_nothing_unready(core: Core) -> None:
    core.store.delete(chunks(core)[0].key)
    jobs = CheckJobs(core, lambda: True, SOON)
    assert jobs.health() == []
    JobRepository(core.db).ask(CONSISTENCY_CHECK, {"quick": True}, core.clock.now_us())
    assert jobs.look(threading.Event())
    (told,) = jobs.health()
    assert told.ok
    assert "1 missing" in told.detail


def test_who_does_not_lead_does_no_job(core: Core) -> None:
    JobRepository(core.db).ask(CONSISTENCY_CHECK, {}, core.clock.now_us())
    assert not CheckJobs(core, lambda: False, SOON).look(threading.Event())
    assert JobRepository(core.db).list(1)[0].state == "queued"


def test_a_job_of_a_janitor_that_was_killed_is_done_by_the_next(core: Core) -> None:
    """S2-44: it stands as running in the index, and nobody does it."""
    repository = JobRepository(core.db)
    asked = repository.ask(CONSISTENCY_CHECK, {"quick": True}, core.clock.now_us())
    assert repository.take(asked, core.name, core.clock.now_us()) is not None
    assert CheckJobs(core, lambda: True, SOON).look(threading.Event())
    assert repository.get(asked.id).state == "done"


def test_a_janitor_that_ends_leaves_its_job_to_the_next(core: Core) -> None:
    asked = JobRepository(core.db).ask(CONSISTENCY_CHECK, {}, core.clock.now_us())
    stop = threading.Event()
    stop.set()
    CheckJobs(core, lambda: True, SOON).look(stop)
    left = JobRepository(core.db).get(asked.id)
    assert (left.state, left.owner, left.result) == ("queued", None, None)


def test_a_store_that_is_away_fails_the_job_with_its_reason(core: Core) -> None:
    """S2-44: and a repair that would forget more than half of all does nothing."""
    for row in chunks(core):
        core.store.delete(row.key)
    asked = JobRepository(core.db).ask(CONSISTENCY_CHECK, {"repair": True}, core.clock.now_us())
    CheckJobs(core, lambda: True, SOON).look(threading.Event())
    job = JobRepository(core.db).get(asked.id)
    assert job.state == "failed"
    assert "12 of 12 recordings are missing" in job.detail
    assert len(chunks(core)) == 12


def test_checks_are_due_by_the_clock_once_each(core: Core) -> None:
    """S2-44: nightly everything, hourly what is new; what was slept through is made up for once."""
    clock = FakeClock(from_datetime(datetime(2026, 3, 1, 12, 0, tzinfo=core.zone)))
    timetable = Timetable(with_clock(core, clock))

    def asked() -> list[str]:
        jobs = JobRepository(core.db)
        timetable.look()
        scopes = []
        while (job := jobs.next(CONSISTENCY_CHECK)) is not None:
            taken = jobs.take(job, "me", clock.now_us())
            assert taken is not None
            jobs.end(taken, "done", "", None, clock.now_us())
            scopes.append(job.parameters["scope"])
        if scopes:
            timetable.checked(clock.now_us())
        return scopes

    assert asked() == []  # a new installation has nothing to catch up with
    clock.advance(HOUR)
    assert asked() == ["new"]
    assert asked() == []
    clock.advance(14 * HOUR + 29 * MINUTE)
    assert asked() == ["new"]
    clock.advance(2 * MINUTE)  # 03:31
    assert asked() == ["all"]
    assert asked() == []
    clock.advance(50 * HOUR)
    assert sorted(asked()) == ["all", "new"]
    clock.step(40 * 24 * HOUR)  # a clock that was ahead for a while keeps no check away
    assert sorted(asked()) == ["all", "new"]
    clock.step(-40 * 24 * HOUR)
    asked()
    clock.advance(25 * HOUR)
    assert sorted(asked()) == ["all", "new"]


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ((2026, 3, 28, 12, 0), (2026, 3, 28, 2, 30)),
        ((2026, 3, 29, 12, 0), (2026, 3, 29, 3, 30)),  # there was no half past two that night
        ((2026, 10, 25, 12, 0), (2026, 10, 25, 2, 30)),  # twice: the first one
        ((2026, 3, 28, 2, 29), (2026, 3, 27, 2, 30)),
    ],
)
def test_a_time_of_day_on_the_days_on_which_clocks_change(now: tuple[int, ...], due: tuple[int, ...]) -> None:
    at = from_datetime(datetime(*now, tzinfo=BERLIN))  # type: ignore[arg-type]
    assert last_due(at, (2, 30), BERLIN) == from_datetime(datetime(*due, tzinfo=BERLIN))  # type: ignore[arg-type]


def test_what_is_new_is_read_to_the_byte_and_the_rest_is_not_read(core: Core) -> None:
    """S2-44: incremental: chunks stored since the last check, and names and sizes of their days."""
    began = core.clock.now_us()
    start_us = (began // (2 * SECOND) - 30) * 2 * SECOND
    record_chunks(core, core.data_dir.parent, camera="late", count=3, start_us=start_us)
    old, new = chunks(core)[0], [row for row in chunks(core) if row.camera == "late"]
    for row in (old, new[1]):
        data = read(core, row.key)
        replace(core, row.key, data[:4000] + bytes([data[4000] ^ 8]) + data[4001:])
    core.store.delete(new[2].key)
    report = Check(core, ALONE).since(began, lambda _: None)
    assert sorted((p.kind.value, p.key) for p in report.problems) == [
        ("flipped", new[1].key),
        ("missing", new[2].key),
    ]
    Facts(core.db).put(CHECKED_UNTIL, str(began), began)
    JobRepository(core.db).ask(CONSISTENCY_CHECK, {"scope": "new"}, core.clock.now_us())
    CheckJobs(core, lambda: True, SOON).look(threading.Event())
    result = JobRepository(core.db).list(1)[0].result
    assert result is not None
    assert result["counts"] == {"flipped": 1, "missing": 1}
    assert int(Facts(core.db).get(CHECKED_UNTIL) or 0) > began


@pytest.mark.parametrize("kept", ["null", "[1]", "no JSON", '{"of another version": 3}', '{"missing": "many"}'])
def test_what_the_last_check_has_left_and_nobody_can_read_stops_no_check(core: Core, kept: str) -> None:
    """Another version, or somebody, has written it: it is left out, and the next check tells what there is."""
    Facts(core.db).put(LEFT, kept, core.clock.now_us())
    assert kept_left(core) == {}
    asked = JobRepository(core.db).ask(CONSISTENCY_CHECK, {"repair": False, "quick": False, "scope": "all"}, 1)
    assert CheckJobs(core, lambda: True).look(threading.Event())
    assert JobRepository(core.db).get(asked.id).state == "done"
    assert json.loads(Facts(core.db).get(LEFT) or "") == {}


def test_a_quick_look_takes_nothing_back_of_what_a_whole_check_has_left(core: Core) -> None:
    """It does not compare bytes: that it sees nothing wrong with them is no news."""
    keep_left(core, {"flipped": 2})
    JobRepository(core.db).ask(CONSISTENCY_CHECK, {"repair": False, "quick": True, "scope": "all"}, 1)
    assert CheckJobs(core, lambda: True).look(threading.Event())
    assert kept_left(core) == {"flipped": 2}
