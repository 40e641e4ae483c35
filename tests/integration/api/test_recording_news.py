"""What is told of recordings by name: that they began and ended, and what could not be made; to whom they are there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gatehouse_api.app import close_app, create_app
from gatehouse_api.events import EventHub
from gatehouse_api.recording_news import RecordingNews
from gatehouse_common.accounts import Role
from gatehouse_common.bus.memory import MemoryBus
from gatehouse_common.clock import HOUR, SECOND
from gatehouse_common.db import (
    OF_NO_CAMERA,
    BrowserSessions,
    JobQueue,
    MediaJobs,
    RecorderSessions,
    Upload,
    Uploads,
    Users,
    Visible,
)
from gatehouse_common.db.media_records import MEDIA_KINDS
from gatehouse_common.ids import new_id
from gatehouse_common.intervals import Interval
from gatehouse_common.runtime import Core
from gatehouse_common.testing.clock import FakeClock
from pipeline_kit import core_at
from session_kit import add_user

TOPIC = ["recordings"]


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data", **{"auth.mode": "local"}) as opened:
        yield opened


class Site:
    """A hub that looks at sessions by a clock that is set by hand."""

    def __init__(self, core: Core) -> None:
        self.clock = FakeClock(core.clock.now_us())
        self.sessions = RecorderSessions(core.db)
        self.ann, self.bob = (Users(core.db).add(name, Role.OPERATOR, self.clock.now_us()) for name in ("Ann", "Bob"))
        news = RecordingNews(self.sessions, self.clock)
        self.hub = EventHub(MemoryBus(core.clock), self.clock, 10, lambda *_: None, {"recordings": news.states})
        self.number = 0
        self.told()

    def told(self, user: int | None = None, visible: Visible | None = None, after: int | None = None) -> list[str]:
        """What a viewer is told after a while, as names and cameras."""
        self.clock.advance(3 * SECOND)
        number = self.number if after is None else after
        self.number, found = self.hub.next_after(number, TOPIC, 0, {"recordings": visible}, user)
        return [f"{one.name} {json.loads(one.data or '')['camera']}" for one in found]


def test_a_recording_is_told_as_it_begins_fails_and_ends(core: Core) -> None:
    """S0-18: by its own end or by hand, each once."""
    site = Site(core)
    now = site.clock.now_us()
    session = site.sessions.begin(site.ann.number, "Ann", "gate", Interval(now, now + 60 * SECOND), 30)
    assert site.told() == ["recording.started gate"]
    assert site.told() == []
    chunk = site.sessions.planned(lambda _: True)[0]
    site.sessions.made(replace(chunk, state="failed", detail="nothing was recorded"))
    assert site.told() == ["recording.failed gate"]
    site.clock.advance(60 * SECOND)
    assert site.told() == ["recording.stopped gate"]
    other = site.sessions.begin(
        site.ann.number, "Ann", "yard", Interval(site.clock.now_us(), site.clock.now_us() + 60 * SECOND), 30
    )
    assert site.told() == ["recording.started yard"]
    site.sessions.stop(other.number, site.clock.now_us())
    assert site.told() == ["recording.stopped yard"]
    assert session.number != other.number


def test_a_recording_in_a_browser_that_came_to_nothing_is_told_to_its_user(core: Core) -> None:
    """S0-8, S0-18: two days after it, when what had been received was no film that can be cut; to no other user."""
    site = Site(core)
    now = site.clock.now_us()
    span = Interval(now, now + 60 * SECOND)
    session = site.sessions.begin(site.ann.number, "Ann", OF_NO_CAMERA, span, 30)
    sent = Upload(
        new_id(), site.ann.number, "Ann", "tus", "whole", "receiving", "camera", "", None, "", 5, 5, "",
        {"session": session.id}, None, None, "", now, now, now + 48 * HOUR,
    )  # fmt: skip
    Uploads(core.db).begin(sent)
    site.clock.advance(48 * HOUR)
    site.told()
    Uploads(core.db).complete(sent, "video/webm", site.clock.now_us(), lambda number: f"uploads/ann/{number}/", {})
    (job,) = JobQueue(core.db, MEDIA_KINDS).queued(1)
    MediaJobs(core.db).cancel(job.id, site.clock.now_us())
    assert site.told() == []
    assert BrowserSessions(core.db).note_failed(site.clock.now_us()) == 1
    assert site.told(user=site.ann.number) == ["recording.failed "]
    assert site.told(user=site.bob.number, after=0) == []


def test_nobody_is_told_of_what_is_not_there_for_them(core: Core) -> None:
    """S0-18, S0-21: others' recordings, and cameras that one does not see."""
    site = Site(core)
    now = site.clock.now_us()
    for user, camera in ((site.ann, "gate"), (site.bob, "yard")):
        site.sessions.begin(user.number, user.name, camera, Interval(now, now + 60 * SECOND), 30)
    assert site.told() == ["recording.started gate", "recording.started yard"]
    assert site.told(user=site.ann.number, after=0) == ["recording.started gate"]
    assert site.told(visible=Visible(frozenset({"yard"})), after=0) == ["recording.started yard"]
    assert site.told(user=site.ann.number, visible=Visible(frozenset({"yard"})), after=0) == []


def test_a_recording_in_a_browser_is_told_to_whose_it_is(core: Core) -> None:
    """S0-18, S4-11: whatever cameras they see."""
    site = Site(core)
    now = site.clock.now_us()
    site.sessions.begin(site.ann.number, "Ann", OF_NO_CAMERA, Interval(now, now + 60 * SECOND), 30)
    nothing = Visible(frozenset())
    assert site.told(user=site.ann.number, visible=nothing, after=0) == ["recording.started "]
    assert site.told(user=site.bob.number, visible=nothing, after=0) == []


def test_who_may_not_record_is_told_of_no_recordings(core: Core) -> None:
    """S0-18, S0-21; and whoever is only told what happens has looked at nothing."""
    app = create_app(core)
    client = app.test_client(use_cookies=False)
    _, viewer = add_user(core, "Vic", Role.VIEWER)
    _, admin = add_user(core, "Ada", Role.ADMIN)
    path = "/api/v1/events/stream?topics="
    assert client.get(f"{path}recordings", headers=viewer).status_code == 403
    for topics, deeds in (("cameras,recordings", 0), ("cameras,plates", 1)):
        with client.get(path + topics, headers=admin) as answer:
            assert answer.status_code == 200
        found = client.get("/api/v1/audit?action=live.viewed", headers=admin).get_json()["items"]
        assert len(found) == deeds, topics
    close_app(app)
