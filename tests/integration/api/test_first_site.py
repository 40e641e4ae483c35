"""What whoever sets an installation up says of the site: in force at once, in every process, and on record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from gatehouse_api.app import close_app, create_app
from gatehouse_common.clock import SystemClock
from gatehouse_common.db import Facts, Users
from gatehouse_common.runtime import Core, SettingsFollower, zone_in_force
from gatehouse_common.settings import load
from pipeline_kit import add_camera, core_at

ANN = "winter copper lantern 9"
FORM = {"name": "Ann", "password": ANN, "again": ANN}
PAGE = {"Accept": "text/html"}
SITE = {"site_name": "Harbour <north>", "timezone": "Asia/Tokyo", "sign_up": "on"}


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data", **{"auth.mode": "local"}) as opened:
        add_camera(opened, "gate")
        yield opened


def test_the_site_is_what_was_said_at_once(core: Core, app: Flask) -> None:
    """S3-2, S0-21: name, time zone and sign-up are asked for beside the first user."""
    client = app.test_client()
    asked = client.get("/setup", headers=PAGE).text
    assert re.search(r"<option selected>UTC</option>", asked)
    assert {"site_name", "timezone", "sign_up"} <= set(re.findall(r'name="(\w+)"', asked))
    assert client.post("/setup", data={**FORM, **SITE}, headers=PAGE).status_code == 303
    page = client.get("/account", headers=PAGE).text
    assert "Harbour &lt;north&gt;" in page
    assert "<north>" not in page
    assert "Asia/Tokyo" in page
    assert client.get("/api/v1/health").get_json()["zone"] == "Asia/Tokyo"
    assert str(core.zone) == "Asia/Tokyo", "names of files too"
    assert app.test_client().get("/signup").status_code == 200
    (deed,) = client.get("/api/v1/audit?action=settings.changed").get_json()["items"]
    assert deed["actor"] == "Ann"
    assert deed["detail"]["timezone"] == ["UTC", "Asia/Tokyo"]
    settings = client.get("/settings", headers=PAGE).text
    assert re.search(r"<option selected>Asia/Tokyo</option>", settings)


def test_other_processes_and_commands_go_by_the_zone_of_the_page(core: Core, app: Flask) -> None:
    """S3-2: a segmenter elsewhere names files by it."""
    other = Core.open(core.settings, SystemClock())
    follower = SettingsFollower(other)
    follower.follow()
    assert str(other.zone) == "UTC"
    assert app.test_client().post("/setup", data={**FORM, **SITE}, headers=PAGE).status_code == 303
    again = SettingsFollower(other)
    again.follow()
    assert str(other.zone) == "Asia/Tokyo"
    assert str(zone_in_force(core.settings, Facts(core.db))) == "Asia/Tokyo"
    Facts(core.db).put("setting:timezone", '"Mars/Olympus"', 0)
    assert str(zone_in_force(core.settings, Facts(core.db))) == "UTC"
    other.close()


@pytest.mark.parametrize(
    "wrong",
    [{"timezone": "Mars/Olympus"}, {"timezone": "../../etc/passwd"}, {"site_name": "x" * 61}, {"site_name": "\0"}],
)
def test_what_cannot_be_is_refused_before_there_is_a_user(core: Core, app: Flask, wrong: dict[str, str]) -> None:
    """S0-39: what else was written stays."""
    refused = app.test_client().post("/setup", data={**FORM, **SITE, **wrong}, headers=PAGE)
    assert refused.status_code == 400
    assert re.search(r'name="sign_up"[^>]* checked', refused.text)
    assert not Users(core.db).any()
    assert Facts(core.db).beginning("setting:") == {}
    assert str(core.zone) == "UTC"


def test_what_is_set_elsewhere_is_not_asked(tmp_path: Path) -> None:
    """S3-2: the page says what is so, and changes nothing of it."""
    environment = {"GATEHOUSE_TIMEZONE": "Europe/Berlin", "GATEHOUSE_AUTH__SIGN_UP": "false"}
    core = Core.open(load({"data_dir": str(tmp_path / "data")}, environ=environment), SystemClock())
    core.db.upgrade()
    app = create_app(core)
    client = app.test_client()
    page = client.get("/setup", headers=PAGE).text
    assert re.search(r'name="timezone"[^>]* disabled', page)
    assert re.search(r'name="sign_up"[^>]* disabled', page)
    assert client.post("/setup", data={**FORM, **SITE}, headers=PAGE).status_code == 303
    assert str(core.zone) == "Europe/Berlin"
    assert app.test_client().get("/signup").status_code == 303, "closed"
    assert "Harbour" in client.get("/account", headers=PAGE).text
    close_app(app)
    core.close()
