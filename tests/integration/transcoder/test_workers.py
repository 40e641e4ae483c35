"""Many workers in many processes over real servers, of which some are killed: each upload is processed once."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import func, select

import brokers
from cluster_kit import Process
from databases import mysql_database, mysql_url
from gatehouse_common.bus import Delivery
from gatehouse_common.db import Job, JobRepository
from gatehouse_common.db.media_models import MediaFileRow, MediaRow
from gatehouse_common.db.upkeep_models import JobRow
from gatehouse_common.messages import JobChanged
from gatehouse_common.runtime import Core
from gatehouse_common.settings import load
from media_jobs_kit import browser_film, ended, files, media, upload
from running import environment, wait_for

UPLOADS = int(os.environ.get("GATEHOUSE_TEST_UPLOADS", "24"))
"""200 is what the report of a release is made with."""


@pytest.fixture
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A broker, an index and a store that processes share."""
    folder = tmp_path_factory.mktemp("shared")
    with (
        mysql_database(mysql_url(lambda: tmp_path_factory.mktemp("mariadb"))) as database,
        brokers.virtual_host(lambda: tmp_path_factory.mktemp("rabbitmq")) as broker,
    ):
        yield {"database_url": database, "broker_url": broker, "storage_url": f"file://{folder}", "service.token": "t"}


def started(name: str, folder: Path, shared: dict[str, str]) -> Process:
    named = {f"GATEHOUSE_{key.upper().replace('.', '__')}": value for key, value in shared.items()}
    process = Process(name, "transcoder", folder / name, folder / f"{name}.log", environment(**named))
    process.start()
    return process


@pytest.mark.slow
@pytest.mark.timeout(240 + 5 * UPLOADS)
def test_each_upload_is_processed_once_though_a_worker_is_killed_twice(shared: dict[str, str], tmp_path: Path) -> None:
    """S4-19: three workers; kill -9 of one, in the midst of its work, twice; progress is told while it goes on."""
    core = Core.open(load({**shared, "data_dir": str(tmp_path / "desk"), "auth.mode": "open"}, config=None))
    core.db.upgrade()
    film = browser_film(1, "160x120")
    heard: list[JobChanged] = []

    def hear(delivery: Delivery) -> None:
        assert isinstance(delivery.message, JobChanged)
        heard.append(delivery.message)

    listening = core.bus.subscribe_transient([JobChanged], hear, maxlen=10_000)
    workers = [started(f"worker-{number}", tmp_path, shared) for number in range(3)]
    try:
        for worker in workers:
            worker.wait_until_up()
        jobs: list[Job] = []
        for lot in (UPLOADS // 2, UPLOADS - UPLOADS // 2):
            enough = len(jobs) + 0.3 * lot
            jobs += [upload(core, film, owner=1 + number % 3)[1] for number in range(lot)]
            wait_for("jobs that are done", lambda enough=enough: done(core) >= enough, 400)  # type: ignore[misc]
            victim = wait_for("a worker with a job", lambda: at_work(core, workers[0]), 30)
            running = workers[0].running
            assert running is not None
            children = psutil.Process(running.pid).children(recursive=True)
            workers[0].kill()
            _, alive = psutil.wait_procs(children, 5)
            assert alive == []  # nobody goes on with what nobody waits for
            left = JobRepository(core.db).get(victim)
            wait_for(
                "another to have it", lambda left=left: JobRepository(core.db).get(left.id).owner != left.owner, 20
            )  # type: ignore[misc]
            workers[0] = started("worker-0", tmp_path, shared)
            workers[0].wait_until_up()  # it has its part of the second lot, and is killed in the midst of it too
        finished = ended(core, *jobs, seconds=600)
    finally:
        for worker in workers:
            worker.kill()
        listening.close()
    assert Counter(job.state for job in finished) == {"done": UPLOADS}
    check_each_is_there_once(core, film)
    told = Counter(message.job for message in heard if message.state == "done")
    assert set(told) == {job.id for job in jobs}
    assert set(told.values()) == {1}  # its end was told once: nobody else's was heard
    stages = {message.stage for message in heard if message.state == "running"}
    assert {"merging", "probing", "remuxing", "picturing", "compressing"} <= stages
    assert any(0 < message.done < message.total for message in heard)
    core.close()


def done(core: Core) -> int:
    with core.db.look() as c:
        return int(c.execute(select(func.count()).where(JobRow.state == "done")).scalar_one())


def at_work(core: Core, worker: Process) -> str | None:
    """A job that a process does now."""
    with core.db.look() as c:
        rows = c.execute(select(JobRow.id, JobRow.owner).where(JobRow.state == "running")).all()
    return next((job for job, owner in rows if owner is not None and f"/{worker.name}-" in owner), None)


def check_each_is_there_once(core: Core, film: bytes) -> None:
    """Each medium has each file once, and its original is what was sent."""
    with core.db.look() as c:
        numbers = list(c.execute(select(MediaRow.number)).scalars())
        rows = c.execute(select(MediaFileRow.media, MediaFileRow.kind)).all()
    assert len(numbers) == UPLOADS
    kinds = {"original", "playable", "thumbnail", "sprite"}
    for number in numbers:
        one, found = media(core, number), files(core, number)
        assert one.state == "ready"
        assert kinds <= {kind for kind, _ in found}
        assert core.store.read(found["original", ""].key) == film
        for file in found.values():
            assert core.store.stat(file.key).size == file.bytes
    assert max(Counter((number, kind) for number, kind in rows).values()) == 1
    assert list(core.store.list("incoming/")) == []
