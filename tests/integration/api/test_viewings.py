"""Who watches live pictures, followed over sockets: one row each, recorded if asked, ended when nobody takes any."""

from __future__ import annotations

import http.client
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from gatehouse_api.service import ApiService, build
from gatehouse_api.viewing_desk import ViewingDesk
from gatehouse_common.accounts import Role
from gatehouse_common.clock import HOUR, MINUTE, SECOND
from gatehouse_common.db import (
    Audit,
    RecorderSession,
    RecorderSessions,
    Users,
    Viewing,
    ViewingQuery,
    Viewings,
    Watcher,
)
from gatehouse_common.errors import Unavailable
from gatehouse_common.intervals import Interval
from gatehouse_common.runtime import Core
from pipeline_kit import add_camera, core_at, record, work_off
from running import wait_for
from server_kit import serving
from session_kit import add_user

ENDS_S = 25
"""Ten seconds of silence, and a few to notice."""


@dataclass
class Site:
    """A server with a camera that was recorded: its live view shows the last picture every three seconds."""

    core: Core
    service: ApiService

    @contextmanager
    def watching(self, headers: dict[str, str], page: str = "") -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=20)
        connection.request("GET", "/live/cam.mjpg" + (f"?viewing={page}" if page else ""), headers=headers)
        answer = connection.getresponse()
        try:
            assert answer.status == 200
            assert answer.read1(100_000)
            yield answer
        finally:
            answer.close()
            connection.close()

    def ask(self, method: str, path: str, headers: dict[str, str], body: object = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=20)
        sent = None if body is None else json.dumps(body)
        connection.request(method, path, sent, {**headers, "Content-Type": "application/json"})
        answer = connection.getresponse()
        told = json.loads(answer.read())
        connection.close()
        return answer.status, told

    def viewings(self) -> list[Viewing]:
        return Viewings(self.core.db).find(ViewingQuery(), 100)

    def ended(self, number: int) -> Viewing:
        def found() -> Viewing | None:
            one = Viewings(self.core.db).get(number)
            return one if one.ended_us is not None else None

        return wait_for(f"the end of viewing {number}", found, ENDS_S)

    def session_of(self, number: int) -> RecorderSession:
        session = Viewings(self.core.db).get(number).session
        assert session is not None
        return RecorderSessions(self.core.db).get(session)


@contextmanager
def site_at(home: Path, **settings: object) -> Iterator[Site]:
    with core_at(home / "data", **{"api.port": 0, "auth.mode": "local", **settings}) as core:
        add_camera(core)
        record(home / "data", home, frames=60)
        work_off(core)
        service = build(core)
        with serving(service):
            yield Site(core, service)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with site_at(tmp_path) as made:
        yield made


def test_each_viewing_has_a_row_however_often_its_stream_breaks_off(site: Site) -> None:
    """S3-4: who, which camera, from where, from when to when, how many bytes; a reconnect goes on with it."""
    ann, see = add_user(site.core, "Ann")
    before = site.core.clock.now_us()
    with site.watching(see):
        (one,) = wait_for("row", site.viewings, 5)
        assert (one.number, one.user, one.user_name, one.camera) == (1, ann.number, "Ann", "cam")
        assert (one.address, one.ended_us, one.session) == ("127.0.0.1", None, None)
        assert abs(one.start_us - before) < 2 * SECOND
    with site.watching(see) as answer:
        answer.read1(10_000)
        time.sleep(4)
        answer.read1(100_000)
    left = site.core.clock.now_us()
    one = site.ended(1)
    assert [v.number for v in site.viewings()] == [1]
    assert one.bytes > 1000
    assert one.ended_us is not None
    assert abs(one.ended_us - left) < 4 * SECOND, "when something was taken last, not when that was noticed"


def test_pages_of_one_browser_are_viewings_of_their_own(site: Site) -> None:
    """S3-16: two at once, by the UUIDs that they give themselves; what is none is as if it were not given."""
    _, see = add_user(site.core, "Ann")
    first, second = str(uuid4()), str(uuid4())
    with site.watching(see, first), site.watching(see, second), site.watching(see, "x'%20OR%201=1"):
        wait_for("three rows", lambda: len(site.viewings()) == 3, 5)
        assert {one.page for one in site.viewings()} == {first, second, ""}


def test_a_viewer_records_what_it_watches_until_it_leaves(site: Site) -> None:
    """S3-7, S3-8, S3-9, S3-15: no other viewer is recorded, and the file ends where its viewer left."""
    _, see = add_user(site.core, "Ann")
    _, also = add_user(site.core, "Bob")
    mine, other = str(uuid4()), str(uuid4())
    with site.watching(also, other):
        with site.watching(see, mine):
            wait_for("rows", lambda: len(site.viewings()) == 2, 5)
            path = f"/api/v1/viewings/{mine}"
            status, shown = site.ask("GET", path, see)
            assert (status, shown["recording"], shown["end"]) == (200, False, None)
            status, shown = site.ask("POST", f"{path}/record", see, {"on": True})
            assert (status, shown["recording"]) == (200, True)
            assert shown["recording_since"]
            again = site.ask("POST", f"{path}/record", see, {"on": True})
            assert (again[0], again[1]["recording_since"]) == (200, shown["recording_since"])
            assert site.ask("GET", f"/api/v1/viewings/{other}", also)[1]["recording"] is False
            for method, where, body in (("GET", path, None), ("POST", f"{path}/record", {"on": False})):
                assert site.ask(method, where, also, body)[0] == 404, "it is another's"
            time.sleep(4)
        left = site.core.clock.now_us()
        one = site.ended(shown["number"])
        session = site.session_of(one.number)
        assert session.stopped_us is not None
        assert abs(session.ends_us - left) < 4 * SECOND
        assert (session.viewing, session.user_name, session.camera) == (one.id, "Ann", "cam")
        files = RecorderSessions(site.core.db).planned(lambda _: True)
        assert [(chunk.name, chunk.session) for chunk in files] == [(str(one.number), session.number)]
        theirs = Viewings(site.core.db).named(other)
        assert (theirs.ended_us, theirs.session) == (None, None), "the other goes on watching"
        status, told = site.ask("POST", f"{path}/record", see, {"on": True})
        assert status == 409
        assert "nobody watches" in told["detail"]


def test_recording_is_stopped_by_hand_and_the_picture_goes_on(site: Site) -> None:
    """S3-7, S3-8, S3-15; beside it the same user records by name."""
    ann, see = add_user(site.core, "Ann")
    page = str(uuid4())
    now = site.core.clock.now_us()
    RecorderSessions(site.core.db).begin(ann.number, "Ann", "cam", Interval(now, now + HOUR), 180)
    with site.watching(see, page) as answer:
        wait_for("row", site.viewings, 5)
        for _ in range(2):
            assert site.ask("POST", f"/api/v1/viewings/{page}/record", see, {"on": True})[1]["recording"] is True
            status, shown = site.ask("POST", f"/api/v1/viewings/{page}/record", see, {"on": False})
            assert (status, shown["recording"], shown["end"]) == (200, False, None)
        assert answer.read1(100), "the picture goes on"
    assert RecorderSessions(site.core.db).active(ann.number, site.core.clock.now_us()) is not None
    for body in ({}, {"on": "maybe"}, [], {"on": None}):
        assert site.ask("POST", f"/api/v1/viewings/{page}/record", see, body)[0] == 422


def test_who_may_not_record_watches_and_is_told_so(site: Site) -> None:
    """S3-7, R8."""
    _, see = add_user(site.core, "Vic", Role.VIEWER)
    page = str(uuid4())
    with site.watching(see, page):
        wait_for("row", site.viewings, 5)
        assert site.ask("POST", f"/api/v1/viewings/{page}/record", see, {"on": True})[0] == 403
        assert site.ask("GET", f"/api/v1/viewings/{page}", see)[0] == 200
    assert site.viewings()[0].session is None


def test_all_viewings_are_recorded_if_the_settings_say_so(tmp_path: Path) -> None:
    """S3-5, S3-7: and of those who may not record, none; they watch all the same."""
    with site_at(tmp_path, **{"live.record_sessions": True}) as site:
        _, see = add_user(site.core, "Ann")
        _, only = add_user(site.core, "Vic", Role.VIEWER)
        with site.watching(see), site.watching(only):
            wait_for("rows", lambda: len(site.viewings()) == 2, 5)
            wait_for("recording", lambda: any(v.session for v in site.viewings()), 5)
            assert {v.user_name: v.session is not None for v in site.viewings()} == {"Ann": True, "Vic": False}


def test_who_has_stopped_a_recording_is_not_recorded_again_by_a_stream_that_breaks_off(tmp_path: Path) -> None:
    """S3-7: also where all viewings are recorded."""
    with site_at(tmp_path, **{"live.record_sessions": True}) as site:
        _, see = add_user(site.core, "Ann")
        page = str(uuid4())
        with site.watching(see, page):
            first = wait_for("the recording", lambda: next((v for v in site.viewings() if v.session), None), 10)
            status, _ = site.ask("POST", f"/api/v1/viewings/{page}/record", see, {"on": False})
            assert status == 200
        with site.watching(see, page):
            wait_for(
                "that it goes on", lambda: len(site.viewings()) == 1 and site.viewings()[0].bytes > first.bytes, 15
            )
            time.sleep(2)
            assert RecorderSessions(site.core.db).of_viewings(site.core.clock.now_us()) == []


def test_a_recording_whose_viewing_does_not_know_it_ends_with_its_viewer(tmp_path: Path) -> None:
    """S3-8: it was begun just before its process died, or its viewer left; nothing would ever stop it else."""
    with core_at(tmp_path / "data") as core:
        add_camera(core)
        users, now = Users(core.db), core.clock.now_us()
        ann = users.add("Ann", Role.OPERATOR, now)
        viewings, sessions = Viewings(core.db), RecorderSessions(core.db)
        viewing = viewings.open(Watcher(ann.number, "Ann", "cam", "127.0.0.1"), now - MINUTE)
        span = Interval(now - MINUTE, now + HOUR)
        session = sessions.begin(ann.number, "Ann", "cam", span, 3600, viewing=viewing.id, name="1")
        of_none = sessions.begin(ann.number, "Ann", "cam", span, 3600, viewing=str(uuid4()), name="2")
        desk = ViewingDesk(core, users, Audit(core.db))
        assert desk.recording(viewing) == session
        desk.keep()
        assert sessions.of_viewings(core.clock.now_us()) == []
        assert sessions.get(session.number).ends_us <= viewing.seen_us + SECOND
        assert sessions.get(of_none.number).stopped_us is not None


def test_who_asks_before_the_viewing_is_written_down_is_recorded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3-7: the first picture is there before its row is, more so on a busy machine."""
    _ann, see = add_user(site.core, "Ann")
    page, told = str(uuid4()), Viewings.open

    def slowly(*args: Any, **more: Any) -> Any:
        time.sleep(2)
        return told(*args, **more)

    monkeypatch.setattr(Viewings, "open", slowly)
    with site.watching(see, page):
        status, answer = site.ask("POST", f"/api/v1/viewings/{page}/record", see, {"on": True})
        assert (status, answer.get("recording")) == (200, True), answer
    began = time.monotonic()
    assert site.ask("POST", f"/api/v1/viewings/{uuid4()}/record", see, {"on": True})[0] == 404
    assert time.monotonic() - began < 3, "nobody is waited for who is not there"


def test_who_is_there_is_not_silent_while_the_camera_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3-8: a stream that has nothing to send has a viewer; so has one that could not be written down."""
    with core_at(tmp_path / "data") as core:
        add_camera(core)
        desk, viewings = ViewingDesk(core, Users(core.db), Audit(core.db)), Viewings(core.db)
        quiet = threading.Event()

        def camera() -> Iterator[bytes]:
            yield b"a picture"
            quiet.wait(20)

        watcher = Watcher(0, "", "cam", "127.0.0.1")
        stream = desk.follow(watcher, camera(), may_record=False)
        assert next(stream) == b"a picture"
        reader = threading.Thread(target=lambda: list(stream))
        reader.start()
        desk.keep()
        (one,) = viewings.find(ViewingQuery(), 10)
        late = core.clock.now_us() + MINUTE
        monkeypatch.setattr(core.clock, "now_us", lambda: late)
        with monkeypatch.context() as away:
            away.setattr(Viewings, "follow", fails)
            desk.keep()
        assert viewings.get(one.number).ended_us is None, "it was not written down that it is there"
        desk.keep()
        assert viewings.get(one.number).seen_us == late
        quiet.set()
        reader.join()
        desk.keep()
        monkeypatch.setattr(core.clock, "now_us", lambda: late + MINUTE)
        desk.keep()
        assert viewings.get(one.number).ended_us == late


def fails(*_: object) -> bool:
    raise Unavailable("the index takes nothing")


def test_who_looks_at_all_cameras_does_not_go_on_with_a_viewing_of_one(tmp_path: Path) -> None:
    """S3-7: what was recorded of one page ends when that is left, whatever else is watched."""
    with site_at(tmp_path) as site:
        _, see = add_user(site.core, "Ann")
        with site.watching(see):
            (one,) = wait_for("the viewing", site.viewings, 10)
        connection = http.client.HTTPConnection("127.0.0.1", site.service.port, timeout=20)
        connection.request("GET", "/api/v1/live/grid?cameras=cam", headers=see)
        answer = connection.getresponse()
        assert answer.read1(100_000)
        wait_for("another viewing", lambda: len(site.viewings()) == 2, 10)
        assert site.ended(one.number).bytes >= one.bytes
        answer.close()
        connection.close()


def test_where_nobody_is_known_everybody_records_in_one_name(tmp_path: Path) -> None:
    """S3-7 with ``auth.mode = "open"``."""
    with site_at(tmp_path, **{"auth.mode": "open"}) as site, site.watching({}, page := str(uuid4())):
        wait_for("row", site.viewings, 5)
        assert site.ask("POST", f"/api/v1/viewings/{page}/record", {}, {"on": True})[1]["recording"] is True
        assert site.session_of(1).user_name == "everybody"


def test_what_a_process_left_that_died_is_ended_by_the_next(tmp_path: Path) -> None:
    """S3-8: the file is finalised whatever became of the server."""
    with core_at(tmp_path / "data", **{"api.port": 0}) as core:
        add_camera(core)
        ann = Users(core.db).add("Ann", Role.OPERATOR, 0)
        then = core.clock.now_us() - 10 * MINUTE
        one = Viewings(core.db).open(Watcher(ann.number, "Ann", "cam", "10.0.0.1"), then)
        span = Interval(then, then + 24 * HOUR)
        session = RecorderSessions(core.db).begin(ann.number, "Ann", "cam", span, 3600, viewing=one.id, name="1")
        Viewings(core.db).recorded(one.number, session.number)
        Viewings(core.db).follow(one.number, then + MINUTE, 100)
        service = build(core)
        with serving(service):
            ended = Site(core, service).ended(1)
        assert ended.ended_us == then + MINUTE
        assert RecorderSessions(core.db).get(session.number).ends_us == then + MINUTE
        (chunk,) = RecorderSessions(core.db).planned(lambda _: True)
        assert chunk.wanted_end_us == then + MINUTE


def test_an_index_that_is_away_delays_no_picture_and_loses_no_viewing(tmp_path: Path) -> None:
    """S3-4: what could not be written down while it was watched is written down later, with its times."""
    with core_at(tmp_path / "data") as core:
        add_camera(core)
        desk = ViewingDesk(core, Users(core.db), Audit(core.db))
        stop = threading.Event()
        thread = threading.Thread(target=desk.run, args=(stop,))
        thread.start()
        other = sqlite3.connect(next((tmp_path / "data").glob("gatehouse.db")), isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        began, longest = core.clock.now_us(), 0.0
        stream = desk.follow(Watcher(0, "", "cam", "10.0.0.1"), iter([b"x" * 1000] * 50), may_record=False)
        for _ in range(50):
            at = time.monotonic()
            assert next(stream) == b"x" * 1000
            longest = max(longest, time.monotonic() - at)
            time.sleep(0.02)
        stream.close()
        assert longest < 0.2
        other.execute("ROLLBACK")
        other.close()
        (one,) = wait_for("row", lambda: Viewings(core.db).find(ViewingQuery(), 10), 30)
        wait_for("bytes", lambda: Viewings(core.db).get(one.number).bytes == 49_000, 10)
        assert abs(one.start_us - began) < SECOND
        stop.set()
        thread.join(10)
