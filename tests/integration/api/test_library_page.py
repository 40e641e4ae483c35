"""The page of recorded files: found by user, camera and day, played in parts, deleted after a question."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gatehouse_common.accounts import Role
from gatehouse_common.clock import HOUR, SECOND
from gatehouse_common.db import Hold, HoldRepository, RecorderSessions
from gatehouse_common.ids import new_id
from gatehouse_common.runtime import Core
from gatehouse_common.timefmt import from_datetime
from pipeline_kit import add_camera, core_at
from session_kit import FILM, add_user, begin, store_files, words

ZONE = ZoneInfo("Europe/Berlin")
LATE_US = from_datetime(datetime(2026, 5, 17, 23, 59, 20, tzinfo=ZONE))
"""So late on a day that in UTC it is not the end of it, and the second file begins ten seconds before the next."""


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data", **{"auth.mode": "local", "timezone": "Europe/Berlin"}) as opened:
        for camera in ("gate", "yard"):
            add_camera(opened, camera)
        yield opened


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client(use_cookies=False)


def shown(text: str) -> list[str]:
    return re.findall(r"session_\d+\.mp4(?=</strong>)", text)


def test_all_files_are_listed_with_what_is_known_of_them(core: Core, client: FlaskClient) -> None:
    """S0-11, S0-15: name, user, camera, start in the site's zone, length, size, picture; newest first."""
    ann, _ = add_user(core, "Ann")
    _, see = add_user(core, "Eve")
    begin(core, ann, "gate", LATE_US)
    store_files(core)
    page = client.get("/dashboard", headers=see)
    assert page.status_code == 200
    assert shown(page.text) == ["session_2.mp4", "session_1.mp4"]
    said = words(page)
    assert "2 files, 1:00 long, 20.5 kB" in said
    assert "User Ann Camera gate Start 2026-05-17 23:59:20 Length 0:30 Size 10.2 kB Saved" in said
    assert "/api/v1/cameras/gate/thumbnail.jpg?at=2026-05-17T21:59:20.000000Z" in page.text
    assert client.get("/library", headers=see).text == page.text
    part = client.get("/api/video/1/download", headers={**see, "Range": "bytes=100-199"})
    assert 'src="/api/video/1/download"' in page.text
    assert (part.status_code, part.data) == (206, FILM[100:200]), "the player seeks"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("user=ann", {1, 2}),
        ("user=Bob", {3, 4}),
        ("user=nobody", set()),
        ("camera=yard", {3, 4}),
        ("from=2026-05-17&to=2026-05-17", {1, 2}),
        ("to=2026-05-17", {1, 2}),
        ("from=2026-05-18", {3, 4}),
        ("from=2026-05-17&to=2026-05-18", {1, 2, 3, 4}),
        ("from=2026-05-18&camera=gate", set()),
        ("user=' OR 1=1 --", set()),
        ("camera=<b>", set()),
    ],
)
def test_files_are_found_by_user_camera_and_day(core: Core, client: FlaskClient, query: str, found: set[int]) -> None:
    """S0-11, S3-11: the last day is in the range, to its last second in the site's zone."""
    ann, _ = add_user(core, "Ann")
    bob, see = add_user(core, "Bob")
    begin(core, ann, "gate", LATE_US)
    begin(core, bob, "yard", LATE_US + 40 * SECOND)
    store_files(core)
    page = client.get(f"/dashboard?{query}", headers=see)
    assert page.status_code == 200
    assert {int(name[8:-4]) for name in shown(page.text)} == found
    assert ("No file matches" in page.text) == (not found)
    assert "<b>" not in page.text


@pytest.mark.parametrize("query", ["from=yesterday", "to=2026-02-30", "from=2026-05-18&to=2026-05-17", "from=%00"])
def test_a_day_that_cannot_be_read_is_told_beside_its_field(core: Core, client: FlaskClient, query: str) -> None:
    """S0-11, S0-39."""
    _, see = add_user(core, "Eve")
    page = client.get(f"/dashboard?{query}", headers=see)
    assert page.status_code == 400
    name = "from" if query.startswith("from=y") or "%00" in query else "to"
    field = re.search(rf'name="{name}"[^>]*aria-invalid="true"[^>]*>(?:<span[^>]*>)([^<]+)', page.text)
    assert field is not None
    assert "day" in field[1]


def test_who_may_see_own_files_alone_sees_those(core: Core, client: FlaskClient) -> None:
    """S0-11: others' files are not there, whatever is asked for."""
    ann, _ = add_user(core, "Ann")
    una, own = add_user(core, "Una", Role.UPLOADER, ("gate",))
    begin(core, ann, "gate", LATE_US)
    begin(core, una, "gate", LATE_US)
    store_files(core)
    assert set(shown(client.get("/dashboard", headers=own).text)) == {"session_3.mp4", "session_4.mp4"}
    for query in ("user=Ann", "user=nobody"):
        page = client.get(f"/dashboard?{query}", headers=own)
        assert shown(page.text) == []
    assert client.get("/dashboard/1/delete", headers=own).status_code == 404
    assert client.post("/dashboard/1/delete", headers=own).status_code == 404
    assert len(RecorderSessions(core.db).chunks()) == 4


def test_files_of_cameras_that_were_not_granted_are_not_there(core: Core, client: FlaskClient) -> None:
    """S0-11: neither in the list nor in its counts."""
    ann, _ = add_user(core, "Ann")
    _, gate = add_user(core, "Gil", cameras=("gate",))
    begin(core, ann, "yard", LATE_US)
    begin(core, ann, "gate", LATE_US + HOUR, total_s=30)
    store_files(core)
    page = client.get("/dashboard", headers=gate)
    assert shown(page.text) == ["session_3.mp4"]
    assert "yard" not in page.text
    assert "1 file," in words(page)
    assert client.get("/dashboard/1/delete", headers=gate).status_code == 404


def test_pages_lead_on_to_older_files_and_back(core: Core, client: FlaskClient) -> None:
    """S0-11."""
    ann, see = add_user(core, "Ann")
    begin(core, ann, "gate", LATE_US, total_s=30 * 30)
    store_files(core)
    first = client.get("/dashboard?user=Ann", headers=see)
    assert [int(name[8:-4]) for name in shown(first.text)] == list(range(30, 6, -1))
    assert 'href="?user=Ann&amp;offset=24">Earlier' in first.text
    assert ">Later<" not in first.text
    second = client.get("/dashboard?user=Ann&offset=24", headers=see)
    assert [int(name[8:-4]) for name in shown(second.text)] == list(range(6, 0, -1))
    assert "30 files" in words(second)
    assert 'href="?user=Ann&amp;offset=0">Later' in second.text
    assert client.get("/dashboard?offset=-5", headers=see).status_code == 200
    assert client.get("/dashboard?offset=1e9", headers=see).status_code == 200


def test_a_file_is_deleted_after_a_question_and_a_get_changes_nothing(core: Core, client: FlaskClient) -> None:
    """S0-11, S0-29, C-17."""
    ann, see = add_user(core, "Ann")
    begin(core, ann, "gate", LATE_US)
    store_files(core)
    question = client.get("/dashboard/1/delete", headers=see)
    assert question.status_code == 200
    said = words(question)
    assert "Delete session_1.mp4?" in said
    assert "From 2026-05-17 23:59:20 To 2026-05-17 23:59:50" in said
    assert "10.2 kB" in said
    assert re.search(r"<a [^>]*href=\"/dashboard\"[^>]*autofocus>Cancel", question.text)
    assert len(RecorderSessions(core.db).chunks()) == 2
    foreign = client.post("/dashboard/1/delete", headers={**see, "Origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert len(RecorderSessions(core.db).chunks()) == 2
    done = client.post("/dashboard/1/delete", headers=see)
    assert (done.status_code, done.headers["Location"]) == (303, "/dashboard?done=trashed&file=1")
    page = client.get(done.headers["Location"], headers=see)
    assert shown(page.text) == ["session_2.mp4"]
    assert "The file is in the trash. Undo" in words(page)
    assert client.get("/dashboard/1/delete", headers=see).status_code == 404
    assert shown(client.get("/dashboard?trash=1", headers=see).text) == ["session_1.mp4"]
    undone = client.post("/dashboard/1/restore", headers=see)
    assert undone.status_code == 303
    assert shown(client.get(undone.headers["Location"], headers=see).text) == ["session_2.mp4", "session_1.mp4"]
    assert client.post("/dashboard/1/restore", headers=see).status_code == 404


def test_what_is_on_hold_stays_and_the_page_says_why(core: Core, client: FlaskClient) -> None:
    """S0-29, C-18."""
    ann, see = add_user(core, "Ann")
    begin(core, ann, "gate", LATE_US)
    store_files(core)
    now = core.clock.now_us()
    held = Hold(new_id(), "gate", None, LATE_US, LATE_US + SECOND, "asked for", "", None, now)
    HoldRepository(core.db).place(held)
    refused = client.post("/dashboard/1/delete", headers=see)
    assert refused.status_code == 409
    assert "on hold" in words(refused)
    assert len(RecorderSessions(core.db).chunks()) == 2


def test_files_that_are_not_there_yet_say_so(core: Core, client: FlaskClient) -> None:
    """S0-10, S0-11: what is recorded, what is being saved, and why something failed."""
    ann, see = add_user(core, "Ann")
    now = core.clock.now_us()
    begin(core, ann, "gate", now - 70 * SECOND, total_s=120)
    sessions = RecorderSessions(core.db)
    first = sessions.planned(lambda _: True)[0]
    sessions.made(replace(first, state="failed", detail="nothing of it was recorded."))
    said = words(client.get("/dashboard", headers=see))
    assert "Failed nothing of it was recorded." in said
    assert "Being saved" in said
    assert "Recording" in said
    assert "3 files" in said, "the fourth has not begun"


def test_an_empty_page_says_what_to_do(core: Core, client: FlaskClient) -> None:
    """S0-11."""
    _, see = add_user(core, "Ann")
    page = client.get("/dashboard", headers=see)
    assert "No file has been recorded yet" in page.text
    assert 'href="/record"' in page.text
