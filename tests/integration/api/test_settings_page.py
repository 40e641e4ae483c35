"""The page of settings: present values and where they come from, what is wrong beside its field, in force at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gatehouse_api.app import close_app, create_app
from gatehouse_common.accounts import Role
from gatehouse_common.clock import HOUR, SystemClock
from gatehouse_common.db import Audit, Facts, Hold, HoldRepository, MediaLibrary, SessionTrash
from gatehouse_common.errors import Unavailable
from gatehouse_common.ids import new_id
from gatehouse_common.runtime import Core, PageSettings, SettingsFollower
from gatehouse_common.settings import load
from media_rows import put
from pipeline_kit import add_camera, core_at
from session_kit import add_user, begin, store_files, words

FORM = {
    "site_name": "",
    "live.fps": "15",
    "sessions.total_seconds": "900",
    "sessions.chunk_seconds": "180",
    "sessions.trash_hours": "24",
    "sessions.path": "{date}/{id}",
}


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data", **{"auth.mode": "local"}) as opened:
        add_camera(opened, "gate")
        yield opened


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client(use_cookies=False)


@pytest.fixture
def ada(core: Core) -> dict[str, str]:
    return add_user(core, "Ada", Role.ADMIN)[1]


def save(client: FlaskClient, see: dict[str, str], **fields: str) -> Any:
    named = {name.replace("__", "."): value for name, value in fields.items()}
    return client.post("/settings", data={**FORM, **named}, headers=see)


def value(page: str, name: str) -> str:
    found = re.search(rf'name="{re.escape(name)}"[^>]* value="([^"]*)"', page)
    assert found is not None
    return found[1]


def is_on(page: str, name: str) -> bool:
    found = re.search(rf'name="{re.escape(name)}"([^>]*)>', page)
    assert found is not None
    return " checked" in found[1]


def test_what_is_saved_is_shown_and_in_force(core: Core, client: FlaskClient, ada: dict[str, str]) -> None:
    """S3-5, S3-6: the form shows what is, saving is confirmed, and nothing has to be started again."""
    before = client.get("/settings", headers=ada)
    assert before.status_code == 200
    assert {name: value(before.text, name) for name in FORM} == FORM
    assert not is_on(before.text, "live.record_sessions")
    assert not is_on(before.text, "auth.sign_up")
    assert client.get("/signup").status_code == 303, "closed"
    saved = save(
        client, ada, live__fps="2.5", sessions__total_seconds="600", live__record_sessions="on", auth__sign_up="on"
    )
    assert (saved.status_code, saved.headers["Location"]) == (303, "/settings/saved")
    told = client.get("/settings/saved", headers=ada)
    assert "The settings have been saved" in words(told)
    assert (value(told.text, "live.fps"), value(told.text, "sessions.total_seconds")) == ("2.5", "600")
    assert is_on(told.text, "live.record_sessions")
    assert words(told).count("set here") == 4
    assert client.get("/signup").status_code == 200, "sign-up is open now"
    form = client.get("/record", headers=ada)
    assert 'name="total" inputmode="decimal" value="10"' in form.text
    deed = Audit(core.db).entries(action="settings.changed")[0].deed
    assert deed.actor == "Ada"
    assert deed.detail["live.fps"] == [15.0, 2.5]
    assert set(deed.detail) == {"live.fps", "sessions.total_seconds", "live.record_sessions", "auth.sign_up"}
    closed = save(client, ada, live__fps="2.5", sessions__total_seconds="600", live__record_sessions="on")
    assert closed.status_code == 303
    assert client.get("/signup").status_code == 303, "and closed again"


def test_another_process_follows_within_seconds(core: Core, client: FlaskClient, ada: dict[str, str]) -> None:
    """S3-5: also the janitor, whose trash it is."""
    other = PageSettings(core)
    assert other.values.sessions.trash_hours == 24
    save(client, ada, sessions__trash_hours="1")
    clock, deadline = SystemClock(), SystemClock().monotonic_us() + 5_000_000
    while other.values.sessions.trash_hours != 1:
        assert clock.monotonic_us() < deadline


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("live.fps", ""),
        ("live.fps", "0"),
        ("live.fps", "16"),
        ("live.fps", "nan"),
        ("live.fps", "fast"),
        ("sessions.total_seconds", "59"),
        ("sessions.total_seconds", "90.5"),
        ("sessions.total_seconds", "1e9"),
        ("sessions.chunk_seconds", "29"),
        ("sessions.chunk_seconds", "3601"),
        ("sessions.chunk_seconds", "901"),
        ("sessions.trash_hours", "-1"),
        ("sessions.trash_hours", "<script>"),
        ("sessions.trash_hours", "\x00"),
        ("sessions.trash_hours", "9" * 5000),
        ("sessions.path", ""),
        ("sessions.path", "/etc/{id}"),
        ("sessions.path", "../../etc/{id}"),
        ("sessions.path", "front\x00/{id}"),
        ("sessions.path", "{date}"),
        ("sessions.path", "<script>/{id}"),
    ],
)
def test_what_is_wrong_is_told_beside_its_field_and_nothing_is_kept(
    core: Core, client: FlaskClient, ada: dict[str, str], field: str, wrong: str
) -> None:
    """S3-5, C-12."""
    other = "live.fps" if field != "live.fps" else "sessions.total_seconds"
    refused = client.post(
        "/settings", data={**FORM, other: "10" if other == "live.fps" else "120", field: wrong}, headers=ada
    )
    assert refused.status_code == 400
    marked = re.search(r'name="([\w.]+)"[^>]*aria-invalid="true"', refused.text)
    assert marked is not None
    assert marked[1] in {field, "sessions.chunk_seconds"}
    said = re.search(r'<p class="problem" id="wrong" role="alert">([^<]+)', refused.text)
    assert said is not None
    assert len(said[1]) < 300
    assert "<script>" not in refused.text
    assert Facts(core.db).beginning("setting:") == {}


def test_who_is_no_admin_has_no_settings(core: Core, client: FlaskClient) -> None:
    """S3-5, C-12: and pages of other sites change nothing."""
    _, see = add_user(core, "Ann")
    for path in ("/settings", "/settings/saved"):
        assert client.get(path, headers=see).status_code == 403
    assert save(client, see).status_code == 403
    _, admin = add_user(core, "Ada", Role.ADMIN)
    foreign = save(client, {**admin, "Origin": "https://evil.example"}, live__fps="1")
    assert foreign.status_code == 403
    assert Facts(core.db).beginning("setting:") == {}


def test_what_is_written_down_elsewhere_goes_before_the_page(tmp_path: Path) -> None:
    """S3-5: the page shows who says so, and changes nothing of it."""
    environment = {"GATEHOUSE_LIVE__FPS": "5", "GATEHOUSE_AUTH__SIGN_UP": "true"}
    settings = load({"data_dir": str(tmp_path / "data"), "auth.mode": "open"}, environ=environment)
    core = Core.open(settings, SystemClock())
    core.db.upgrade()
    Facts(core.db).put("setting:live.fps", "1", 0)
    app = create_app(core)
    client = app.test_client()
    page = client.get("/settings")
    assert value(page.text, "live.fps") == "5"
    assert re.search(r'name="live\.fps"[^>]* disabled', page.text)
    assert "set by environment" in words(page)
    assert save(client, {}, live__fps="2", sessions__trash_hours="2").status_code == 303
    told = client.get("/settings/saved")
    assert (value(told.text, "live.fps"), value(told.text, "sessions.trash_hours")) == ("5", "2")
    assert is_on(told.text, "auth.sign_up")
    close_app(app)
    core.close()


def test_the_defaults_come_back(core: Core, client: FlaskClient, ada: dict[str, str]) -> None:
    """S3-5."""
    save(client, ada, live__fps="2", live__record_sessions="on")
    back = client.post("/settings", data={"deed": "reset"}, headers=ada)
    assert back.status_code == 303
    page = client.get("/settings", headers=ada)
    assert value(page.text, "live.fps") == "15"
    assert not is_on(page.text, "live.record_sessions")
    assert "set here" not in page.text


def test_what_a_later_version_does_not_take_is_left_aside(core: Core, client: FlaskClient, ada: dict[str, str]) -> None:
    """S3-5: the page works, and so does everything else."""
    Facts(core.db).put("setting:live.fps", '"much"', 0)
    Facts(core.db).put("setting:gone.away", "1", 0)
    page = client.get("/settings", headers=ada)
    assert page.status_code == 200
    assert value(page.text, "live.fps") == "15"
    assert save(client, ada, live__fps="3").status_code == 303
    assert value(client.get("/settings", headers=ada).text, "live.fps") == "3"


def test_settings_are_saved_together_or_not_at_all(core: Core) -> None:
    """S3-5: whoever is broken off half way has changed nothing."""
    page, facts = PageSettings(core), Facts(core.db)
    page.save({"live.fps": "5"})

    class HalfWay(dict[str, str | None]):
        def items(self) -> Any:
            yield from list(super().items())[:1]
            raise Unavailable("the database went away")

    told = HalfWay({"setting:live.fps": "7", "setting:sessions.trash_hours": "1"})
    with pytest.raises(Unavailable):
        facts.change(told, 0)
    assert facts.beginning("setting:") == {"live.fps": "5.0"}
    page.save({"live.fps": "7", "sessions.trash_hours": "1"})
    assert facts.beginning("setting:") == {"live.fps": "7.0", "sessions.trash_hours": "1.0"}
    page.reset()
    assert facts.beginning("setting:") == {}


@pytest.mark.parametrize("reset", [False, True])
def test_what_deletes_files_for_good_is_asked_first(
    core: Core, client: FlaskClient, ada: dict[str, str], reset: bool
) -> None:
    """S3-5, C-18: a shorter trash, also by the defaults; what is held does not count; nothing is saved until then.

    Uploads are deleted with it as recorded files are, and count.
    """
    user, _ = add_user(core, "Bob")
    now = core.clock.now_us()
    begin(core, user, "gate", now - HOUR)
    first, second = store_files(core)
    PageSettings(core).save({"sessions.trash_hours": "100"})
    for file in (first, second):
        SessionTrash(core.db).put(file.number, now - 50 * HOUR)
    hold = Hold(new_id(), "gate", None, second.start_us, second.end_us, "asked for", "", None, now)
    HoldRepository(core.db).place(hold)
    for number, hours in ((1, 50), (2, 10)):
        put(core.db, number)
        MediaLibrary(core.db).trash(number, now - hours * HOUR)
    form = {"deed": "reset"} if reset else {**FORM, "sessions.trash_hours": "40", "live.fps": "3"}
    asked = client.post("/settings", data=form, headers=ada)
    assert asked.status_code == 409
    assert "2 files in the trash would be deleted for good" in words(asked)
    assert Facts(core.db).beginning("setting:") == {"sessions.trash_hours": "100.0"}
    assert client.post("/settings", data={**form, "sure": "on"}, headers=ada).status_code == 303
    assert PageSettings(core).values.sessions.trash_hours == (24 if reset else 40)
    assert save(client, ada, sessions__trash_hours="41").status_code == 303, "longer harms nobody"


def test_an_admin_says_where_files_of_viewings_go(core: Core, client: FlaskClient, ada: dict[str, str]) -> None:
    """S3-5, C-12: normalised, shown with an example, in the audit log, and followed by who cuts them."""
    before = client.get("/settings", headers=ada)
    assert re.search(r"sessions/\d{4}-\d\d-\d\d/1\.mp4", words(before))
    saved = save(client, ada, sessions__path=" ./visits//front/{camera}/{user}-{id}.mp4 ")
    assert saved.status_code == 303
    told = client.get("/settings/saved", headers=ada)
    assert value(told.text, "sessions.path") == "visits/front/{camera}/{user}-{id}"
    assert re.search(r"sessions/visits/front/gate/ada\.\d+-1\.mp4", words(told))
    assert core.site.session_path == "visits/front/{camera}/{user}-{id}"
    deed = Audit(core.db).entries(action="settings.changed")[0].deed
    assert deed.detail == {"sessions.path": ["{date}/{id}", "visits/front/{camera}/{user}-{id}"]}
    other = Core.open(core.settings, SystemClock())
    SettingsFollower(other).follow()
    assert other.site.session_path == core.site.session_path, "a segmenter elsewhere"
    other.close()
    assert client.post("/settings", data={"deed": "reset"}, headers=ada).status_code == 303
    assert core.site.session_path == "{date}/{id}"


@pytest.mark.parametrize("path", ["front/{id}", "{camera}/{id}"])
def test_a_place_that_a_link_leads_out_of_is_refused(
    core: Core, client: FlaskClient, ada: dict[str, str], tmp_path: Path, path: str
) -> None:
    """C-12: beside the field, and nothing is kept; also where it is a folder of one camera."""
    (core.data_dir / "sessions").mkdir()
    (core.data_dir / "sessions" / ("front" if "front" in path else "gate")).symlink_to(tmp_path)
    refused = save(client, ada, sessions__path=path)
    assert refused.status_code == 400
    assert re.search(r'name="sessions.path"[^>]*aria-invalid="true"', refused.text)
    assert "symbolic link" in words(refused)
    assert Facts(core.db).beginning("setting:") == {}
