"""Exports show cameras: they are there for who asked for them, and for who sees all cameras."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from access_kit import GATE, YARD, Told, access_site
from access_kit import AccessSite as Site
from gatehouse_common.accounts import ROLE_SCOPES, Role
from gatehouse_common.clock import SECOND
from gatehouse_common.db import JobQueue, Tokens, Users
from gatehouse_common.db.media_records import MEDIA_KINDS
from gatehouse_common.timefmt import parse, rfc3339

AT_THE_GATE, LAST_HOUR = "operator at the gate", "operator of the last hour"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with access_site(tmp_path_factory.mktemp("exports")) as made:
        yield made


def export(site: Site, caller: str, *cameras: str, of: str = "gate", **more: Any) -> Told:
    span = {"from": site.objects[of]["from"], "to": site.objects[of]["to"]}
    return site.ask(caller, "POST", "/api/v1/exports", {"cameras": cameras, **span, **more})


def listed(site: Site, caller: str) -> tuple[set[int], set[str]]:
    """Numbers of the exports that somebody sees, and ids of their jobs."""
    media = site.ask(caller, "GET", "/api/v1/media?kind=export&limit=500").json()["items"]
    jobs = site.ask(caller, "GET", "/api/v1/jobs?kind=media-export&limit=500").json()["items"]
    return {one["number"] for one in media}, {one["id"] for one in jobs}


def test_others_do_not_see_exports_of_cameras_that_are_not_theirs(site: Site) -> None:
    """R8: neither in lists, nor by number, nor their jobs, which tell of cameras."""
    made = export(site, "admin", YARD).json()
    medium, job = f"/api/v1/media/{made['media']}", f"/api/v1/jobs/{made['id']}"
    assert site.ask("admin", "GET", medium).status == 200
    assert site.ask("operator", "GET", medium).status == 200, "all cameras are there for them"
    for caller in (AT_THE_GATE, LAST_HOUR, "admin at the gate"):
        media, jobs = listed(site, caller)
        assert made["media"] not in media
        assert made["id"] not in jobs
        for path in (medium, f"{medium}/download", f"{medium}/thumbnail", job):
            assert site.ask(caller, "GET", path).status == 404, (caller, path)
        assert site.ask(caller, "DELETE", medium).status == 404
        assert site.ask(caller, "POST", f"{medium}/retry", {}).status == 404
        assert site.ask(caller, "DELETE", job).status == 404


def test_ones_own_are_there_but_not_for_a_token_that_sees_less(site: Site) -> None:
    made = export(site, AT_THE_GATE, GATE).json()
    assert made["media"] in listed(site, AT_THE_GATE)[0]
    user = Users(site.core.db).named(AT_THE_GATE)
    assert user is not None
    users, now_us = Users(site.core.db), site.core.clock.now_us()
    before = users.grants(user.id)
    token = Tokens(site.core.db).make(user.id, "of no camera", ROLE_SCOPES[Role.OPERATOR], now_us, cameras=[])
    with site.client().get("/api/v1/media?kind=export", headers={"X-API-Key": token.text}) as answer:
        assert answer.get_json()["items"] == []
    assert users.grants(user.id) == before


def test_what_may_not_be_exported_is_not_there(site: Site) -> None:
    """A camera that is not granted is one that there never was; footage that is too old was never recorded."""
    assert export(site, AT_THE_GATE, YARD).status == 404
    assert export(site, AT_THE_GATE, GATE, YARD).status == 404
    assert export(site, "operator who watches", GATE).status == 404
    assert export(site, "viewer at the gate", GATE).status == 403
    old = site.objects["old"]
    assert parse(old["from"], site.core.zone) < site.core.clock.now_us() - 3600 * SECOND
    assert export(site, AT_THE_GATE, GATE, of="old").status == 202
    refused = export(site, LAST_HOUR, GATE, of="old")
    assert (refused.status, refused.json()["type"].rsplit("/", 1)[-1]) == (404, "range-not-recorded")
    both = {"from": old["from"], "to": rfc3339(parse(site.objects["gate"]["to"], site.core.zone))}
    span = site.ask(LAST_HOUR, "POST", "/api/v1/exports", {"cameras": [GATE], **both}).json()
    began = min(part["start_us"] for part in span["parameters"]["parts"])
    assert began > site.core.clock.now_us() - 3601 * SECOND, "it begins where they may look"


def test_one_that_was_called_off_is_tried_again_as_what_it_was(site: Site) -> None:
    made = export(site, "admin", GATE, signed=True).json()
    medium = f"/api/v1/media/{made['media']}"
    assert site.ask("admin", "DELETE", f"/api/v1/jobs/{made['id']}").status in {200, 204}
    assert site.ask("admin", "GET", medium).json()["state"] == "failed"
    again = site.ask("admin", "POST", f"{medium}/retry", {})
    assert again.status == 202
    assert (again.json()["kind"], again.json()["parameters"]) == ("media-export", made["parameters"])
    assert site.ask("admin", "DELETE", medium).status == 204
    assert site.ask("admin", "POST", f"{medium}/restore", {}).status == 200
    waiting = [job for job in JobQueue(site.core.db, MEDIA_KINDS).queued(500) if job.media == made["media"]]
    assert [(job.kind, job.parameters) for job in waiting] == [("media-export", made["parameters"])]
