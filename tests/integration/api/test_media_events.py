"""Jobs of media as events: told at once to whose they are, what was missed too, and to nobody else."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gatehouse_api.service import ApiService, build
from gatehouse_common.accounts import Role
from gatehouse_common.db import Job, JobRepository, MediaJobs, User
from gatehouse_common.db.media_records import AUDIO
from gatehouse_common.ids import new_id
from gatehouse_common.messages import SITE, JobChanged
from gatehouse_common.runtime import Core
from media_rows import put
from pipeline_kit import core_at
from server_kit import serving
from session_kit import add_user


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data", **{"auth.mode": "local", "api.port": 0}) as opened:
        yield opened


@pytest.fixture
def service(core: Core) -> Iterator[ApiService]:
    made = build(core)
    with serving(made):
        yield made


class Stream:
    """A page that is told of jobs."""

    def __init__(self, service: ApiService, shown: Mapping[str, str], last: str = "") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
        headers = {**shown, **({"Last-Event-ID": last} if last else {})}
        self._connection.request("GET", "/api/v1/events/stream?topics=jobs", headers=headers)
        self.answer = self._connection.getresponse()
        assert self.answer.status == 200, self.answer.read()

    def next(self) -> tuple[str, dict[str, Any], str]:
        """Name, data and id of the next event."""
        found: dict[str, str] = {}
        while "data" not in found:
            found = {}
            while line := self.answer.readline().decode().rstrip("\n"):
                name, _, value = line.partition(": ")
                found[name] = value
            assert found, "the stream ended"
        return found["event"], json.loads(found["data"]), found["id"]

    def close(self) -> None:
        self.answer.close()
        self._connection.close()


def ask(core: Core, user: User, number: int) -> Job:
    media = put(core.db, number, owner=user.number, owner_name=user.name)
    return MediaJobs(core.db).ask(media, AUDIO, {"codec": "mp3"}, core.clock.now_us(), user.number, user.name)


def tell(core: Core, job: Job) -> None:
    """Say on the bus that a job has changed, as the transcoder does."""
    now_us = core.clock.now_us()
    changed = JobChanged(camera=SITE, time_us=now_us, job=job.id, kind=job.kind, state=job.state, user=job.user)  # type: ignore[arg-type]
    core.bus.publish(changed)


def test_each_is_told_of_her_own_jobs_and_of_what_she_missed(core: Core, service: ApiService) -> None:
    """S4-9, S4-11: progress by events, to whose the job is and to who may see others', and to nobody else."""
    (ann, by_ann), (eve, by_eve) = (add_user(core, name, Role.UPLOADER) for name in ("Ann", "Eve"))
    _, by_op = add_user(core, "Op", Role.OPERATOR)
    before = new_id()
    streams = [Stream(service, shown) for shown in (by_ann, by_eve, by_op)]
    jobs = JobRepository(core.db)
    hers, others = ask(core, ann, 1), ask(core, eve, 2)
    taken = jobs.take(hers, "worker", core.clock.now_us())
    assert taken is not None
    going = jobs.renew(taken, 250, 1000, "")
    assert going is not None
    tell(core, going)
    name, data, _ = streams[0].next()
    assert (name, data["id"], data["progress"], data["media"]) == ("job.changed", hers.id, 0.25, 1)
    tell(core, others)
    assert streams[1].next()[1]["id"] == others.id, "of Ann's job Eve was told nothing"
    assert [streams[2].next()[1]["id"] for _ in range(2)] == [hers.id, others.id]
    done = jobs.end(going, "done", "", None, core.clock.now_us())
    assert done is not None
    tell(core, done)
    name, data, _ = streams[0].next()
    assert (name, data["progress"]) == ("job.done", 1.0)
    for stream in streams:
        stream.close()
    again = Stream(service, by_ann, last=before)
    name, data, _ = again.next()
    assert (name, data["id"]) == ("job.done", hers.id)
    again.close()
