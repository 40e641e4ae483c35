"""The jobs that are one's own, for the tray of every page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from gatehouse_api.app import close_app, create_app
from gatehouse_common.accounts import Role
from gatehouse_common.db import JobRepository, MediaJobs
from gatehouse_common.db.jobs import CONSISTENCY_CHECK
from gatehouse_common.db.media_records import AUDIO
from gatehouse_common.runtime import Core
from media_rows import put
from pipeline_kit import core_at
from session_kit import add_user, words


@pytest.fixture(params=["local", "open"])
def core(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Core]:
    with core_at(tmp_path / "data", **{"auth.mode": request.param}) as opened:
        yield opened


@pytest.fixture
def client(core: Core) -> Iterator[FlaskClient]:
    app = create_app(core)
    yield app.test_client(use_cookies=False)
    close_app(app)


def mine(client: FlaskClient, see: Mapping[str, str]) -> set[int | None]:
    found = client.get("/api/v1/jobs?mine=true", headers=dict(see))
    assert found.status_code == 200
    return {job["media"] for job in found.get_json()["items"]}


def test_a_job_is_ones_own_also_for_who_sees_all(core: Core, client: FlaskClient) -> None:
    """S4-9: neither others' nor the house's are among them; where nobody has to be known, all users' are."""
    (ada, by_ada), (eve, by_eve) = add_user(core, "Ada", Role.ADMIN), add_user(core, "Eve", Role.UPLOADER)
    now_us = core.clock.now_us()
    for number, user in ((1, ada), (2, eve)):
        media = put(core.db, number, owner=user.number, owner_name=user.name)
        MediaJobs(core.db).ask(media, AUDIO, {"codec": "mp3"}, now_us, user.number, user.name)
    JobRepository(core.db).ask(CONSISTENCY_CHECK, {}, now_us, "Ada")
    is_open = core.settings.values.auth.mode == "open"
    assert mine(client, by_ada) == ({1, 2} if is_open else {1})
    assert mine(client, by_eve) == ({1, 2} if is_open else {2})
    everything = {job["media"] for job in client.get("/api/v1/jobs", headers=by_ada).get_json()["items"]}
    assert everything == {None, 1, 2}


@pytest.mark.parametrize("core", ["local"], indirect=True)
def test_pages_have_a_tray_for_who_may_have_jobs(core: Core, client: FlaskClient) -> None:
    """S4-9."""
    _, operator = add_user(core, "Op", Role.OPERATOR)
    _, viewer = add_user(core, "Vic", Role.VIEWER)
    assert 'id="tray"' in client.get("/live", headers=operator).text
    page = client.get("/live", headers=viewer)
    assert "Vic" in words(page)
    assert 'id="tray"' not in page.text
