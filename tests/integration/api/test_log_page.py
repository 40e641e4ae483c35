"""The log of viewings: found by day, user and camera; watched, described, deleted after a question."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gatehouse_common.accounts import Role
from gatehouse_common.clock import HOUR, MINUTE, SECOND
from gatehouse_common.db import (
    Audit,
    Hold,
    HoldRepository,
    RecorderSessions,
    User,
    Viewings,
    Watcher,
)
from gatehouse_common.ids import new_id
from gatehouse_common.runtime import Core
from gatehouse_common.timefmt import from_datetime
from pipeline_kit import add_camera, core_at
from session_kit import FILM, add_user, begin, store_files, words

DAY = 24 * HOUR
ZONE = ZoneInfo("Europe/Berlin")
LATE_US = from_datetime(datetime(2026, 5, 17, 23, 58, tzinfo=ZONE))


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data", **{"auth.mode": "local", "timezone": "Europe/Berlin"}) as opened:
        for camera in ("gate", "yard"):
            add_camera(opened, camera)
        yield opened


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client(use_cookies=False)


def watch(core: Core, user: User, camera: str, start_us: int = LATE_US, *, recorded: bool = False) -> int:
    """A viewing of one minute; of half of it there is a file."""
    viewings = Viewings(core.db)
    one = viewings.open(Watcher(user.number, user.name, camera, "192.168.1.7"), start_us)
    viewings.follow(one.number, start_us + MINUTE, 2_500_000)
    if recorded:
        session = begin(core, user, camera, start_us + 10 * SECOND, 30, 30, viewing=one.id, name=str(one.number))
        viewings.recorded(one.number, session)
        store_files(core)
    viewings.end(viewings.get(one.number))
    return one.number


def listed(text: str) -> list[int]:
    return [int(number) for number in re.findall(r'id="log-(\d+)"', text)]


def test_the_log_says_who_watched_what_and_when_and_what_was_recorded(core: Core, client: FlaskClient) -> None:
    """S3-4, S3-10."""
    ann, see = add_user(core, "Ann")
    bob, _ = add_user(core, "Bob")
    watch(core, ann, "gate", recorded=True)
    watch(core, bob, "yard", LATE_US + DAY)
    Viewings(core.db).open(Watcher(ann.number, "Ann", "yard", "10.0.0.1"), core.clock.now_us())
    page = client.get("/logs", headers=see)
    assert page.status_code == 200
    assert listed(page.text) == [3, 2, 1]
    said = words(page)
    assert (
        "2026-05-17 23:58:00 To 2026-05-17 23:59:00 (1:00) User Ann Camera gate Address 192.168.1.7 Sent 2.5 MB" in said
    )
    assert "Sent 2.5 MB Recorded Watch Download Delete…" in said
    assert "Sent 2.5 MB Not recorded" in said
    assert "watches now" in said
    assert 'href="/logs/3/delete"' not in page.text, "it goes on"
    assert 'href="/logs/2/delete"' not in page.text, "it is another's"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("date_range_start=2026-05-17&date_range_stop=2026-05-17", {1}),
        ("date_range_stop=2026-05-17", {1}),
        ("date_range_start=2026-05-18", {2, 3}),
        ("date_range_start=2026-05-17&date_range_stop=2026-05-18", {1, 2}),
        ("user=bob", {2}),
        ("user=nobody", set()),
        ("camera=yard", {2, 3}),
        ("camera=yard&user=Ann", {3}),
        ("camera=' OR 1=1 --", set()),
    ],
)
def test_viewings_are_found_by_day_user_and_camera(
    core: Core, client: FlaskClient, query: str, found: set[int]
) -> None:
    """S3-11: the end day is in the range, to its last minute in the site's zone."""
    ann, see = add_user(core, "Ann")
    bob, _ = add_user(core, "Bob")
    watch(core, ann, "gate")
    watch(core, bob, "yard", LATE_US + 3 * MINUTE)
    watch(core, ann, "yard", LATE_US + 3 * DAY)
    page = client.get(f"/logs?{query}", headers=see)
    assert page.status_code == 200
    assert set(listed(page.text)) == found
    assert ("Nobody watched then" in page.text) == (not found)


@pytest.mark.parametrize("query", ["date_range_start=x", "date_range_start=2026-05-18&date_range_stop=2026-05-17"])
def test_a_day_that_cannot_be_read_is_told_beside_its_field(core: Core, client: FlaskClient, query: str) -> None:
    """S3-11."""
    _, see = add_user(core, "Ann")
    page = client.get(f"/logs?{query}", headers=see)
    assert page.status_code == 400
    field = "date_range_start" if query.endswith("x") else "date_range_stop"
    assert re.search(rf'name="{field}"[^>]*aria-invalid="true"', page.text)


def test_who_sees_whose(core: Core, client: FlaskClient) -> None:
    """S3-10: one's own; with ``records:all`` or ``audit:read`` others' too; never of cameras that were not granted."""
    ann, _ = add_user(core, "Ann")
    vic, own = add_user(core, "Vic", Role.VIEWER)
    _, gate = add_user(core, "Gil", cameras=("gate",))
    watch(core, ann, "gate", recorded=True)
    watch(core, ann, "yard")
    watch(core, vic, "gate")
    alone = client.get("/logs", headers=own)
    assert listed(alone.text) == [3]
    granted = client.get("/logs", headers=gate)
    assert set(listed(granted.text)) == {1, 3}
    assert "yard" not in granted.text
    for number in (2, 4, 0, 2**31, 2**63):
        assert client.get(f"/logs/{number}", headers=gate).status_code == 404
        assert client.get(f"/logs/{number}/delete", headers=gate).status_code == 404
        assert client.post(f"/logs/{number}/delete", headers=gate).status_code == 404
        assert client.post(f"/logs/{number}", headers=gate).status_code == 404
    refused = client.post("/logs/1/delete", headers=gate)
    assert refused.status_code == 403, "an operator deletes what is its own"
    assert client.post("/logs/1", data={"title": "x"}, headers=gate).status_code == 403
    assert Viewings(core.db).get(1).title == ""
    assert client.post("/logs/3/delete", headers=own).status_code == 403, "a viewer deletes nothing"


def test_a_recording_is_watched_with_seeking_and_downloaded(core: Core, client: FlaskClient) -> None:
    """S3-10, S3-17."""
    ann, see = add_user(core, "Ann")
    watch(core, ann, "gate", recorded=True)
    page = client.get("/logs/1", headers=see)
    assert page.status_code == 200
    found = re.search(r'<video id="video"[^>]* src="([^"]+)"', page.text)
    assert found is not None
    part = client.get(found[1], headers={**see, "Range": "bytes=1000-1099"})
    assert (part.status_code, part.data) == (206, FILM[1000:1100])
    assert f'href="{found[1]}" download' in page.text


@pytest.mark.parametrize(
    "text", ["the postman", "<script>alert(1)</script>", "'; DROP TABLE viewings; --", "é \U0001f4ee"]
)
def test_people_say_what_a_viewing_was(core: Core, client: FlaskClient, text: str) -> None:
    """S3-13."""
    ann, see = add_user(core, "Ann")
    watch(core, ann, "gate")
    saved = client.post("/logs/1", data={"title": text, "note": f"note {text}", "tags": "door, night"}, headers=see)
    assert (saved.status_code, saved.headers["Location"]) == (303, "/logs/1?done=saved")
    page = client.get("/logs/1", headers=see)
    assert text in words(page) or "<script>" in text
    assert "<script>alert" not in page.text
    one = Viewings(core.db).get(1)
    assert (one.title, one.note, one.tags) == (text, f"note {text}", "door, night")
    row = client.get("/logs", headers=see)
    assert '<span class="tag">night</span>' in row.text
    assert "<script>alert" not in row.text


def test_a_viewing_and_its_recording_are_deleted_after_a_question(core: Core, client: FlaskClient) -> None:
    """S3-12, C-17: nothing by GET, nothing by pages of other sites; then the file, the row, and back to the log."""
    ann, see = add_user(core, "Ann")
    watch(core, ann, "gate", recorded=True)
    question = client.get("/logs/1/delete", headers=see)
    assert question.status_code == 200
    said = words(question)
    assert "Delete this log entry and its recording?" in said
    assert "From 2026-05-17 23:58:00 To 2026-05-17 23:59:00" in said
    assert "0:30, 10.2 kB" in said
    assert re.search(r'<a [^>]*href="/logs"[^>]*autofocus>Cancel', question.text)
    foreign = client.post("/logs/1/delete", headers={**see, "Origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert len(RecorderSessions(core.db).chunks()) == 1
    done = client.post("/logs/1/delete", headers=see)
    assert (done.status_code, done.headers["Location"]) == (303, "/logs?done=deleted")
    page = client.get(done.headers["Location"], headers=see)
    assert "The log entry and its recording have been deleted." in words(page)
    assert listed(page.text) == []
    assert RecorderSessions(core.db).chunks() == []
    deeds = [entry.deed.action for entry in Audit(core.db).entries(limit=2)]
    assert deeds == ["viewing.deleted", "session_file.deleted"]
    assert client.post("/logs/1/delete", headers=see).status_code == 404


def test_what_is_on_hold_stays_with_its_row_and_the_page_says_why(core: Core, client: FlaskClient) -> None:
    """S3-12, S0-29."""
    ann, see = add_user(core, "Ann")
    watch(core, ann, "gate", recorded=True)
    at = LATE_US + 15 * SECOND
    held = Hold(new_id(), "gate", None, at, at + SECOND, "asked for", "", None, core.clock.now_us())
    HoldRepository(core.db).place(held)
    refused = client.post("/logs/1/delete", headers=see)
    assert refused.status_code == 409
    assert "on hold" in words(refused)
    assert Viewings(core.db).get(1).number == 1
    assert len(RecorderSessions(core.db).chunks()) == 1


def test_what_goes_on_or_is_being_saved_is_not_deleted(core: Core, client: FlaskClient) -> None:
    """S3-12."""
    ann, see = add_user(core, "Ann")
    now = core.clock.now_us()
    one = Viewings(core.db).open(Watcher(ann.number, "Ann", "gate", "10.0.0.1"), now)
    begin(core, ann, "gate", now - MINUTE, 30, 30, viewing=one.id, name="1")
    going = client.post("/logs/1/delete", headers=see)
    assert going.status_code == 409
    assert "still watching" in words(going)
    Viewings(core.db).end(Viewings(core.db).get(1))
    saving = client.post("/logs/1/delete", headers=see)
    assert saving.status_code == 409
    assert "still being saved" in words(saving)
    store_files(core)
    assert client.post("/logs/1/delete", headers=see).status_code == 303


def test_an_empty_log_says_what_comes_here(core: Core, client: FlaskClient) -> None:
    """S3-10."""
    _, see = add_user(core, "Ann")
    assert "Nobody has watched a live picture yet" in words(client.get("/logs", headers=see))
