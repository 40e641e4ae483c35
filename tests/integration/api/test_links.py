"""A range of a camera for somebody without an account: that range, for a while, and nothing else."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import av
import pytest

from access_kit import GATE, YARD, access_site
from access_kit import AccessSite as Site
from gatehouse_common.accounts import Grant, Permission, Role
from gatehouse_common.db import ShareLinks, Users
from running import us as to_us


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with access_site(tmp_path_factory.mktemp("links")) as made:
        yield made


def make(site: Site, caller: str = "operator", **more: Any) -> Any:
    of = site.objects["gate"]
    body = {"camera": GATE, "from": of["from"], "to": of["to"], "note": "for <b>the</b> insurer", **more}
    return site.ask(caller, "POST", "/api/v1/links", body)


def secret_of(told: Any) -> str:
    assert told.status == 201, told.data
    assert told.headers["Cache-Control"] == "no-store"
    return str(told.json()["url"].rpartition("/s/")[2])


def frames(film: bytes) -> int:
    with av.open(io.BytesIO(film)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_whoever_has_the_link_sees_that_range_and_nothing_else(site: Site) -> None:
    secret = secret_of(make(site))
    page = site.ask("nobody", "GET", f"/s/{secret}")
    assert page.status == 200
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert b"&lt;b&gt;the&lt;/b&gt;" in page.data
    assert f"/s/{secret}/footage.mp4?download=true".encode() in page.data
    film = site.ask("nobody", "GET", f"/s/{secret}/footage.mp4")
    assert film.status == 200
    assert frames(film.data) == 3 * 30
    assert film.headers["X-Footage-Start"] == site.objects["gate"]["from"]
    part = site.ask("nobody", "GET", f"/s/{secret}/footage.mp4", Range="bytes=100-199")
    assert (part.status, part.data) == (206, film.data[100:200])
    saved = site.ask("nobody", "GET", f"/s/{secret}/footage.mp4?download=true")
    assert saved.headers["Content-Disposition"].startswith("attachment")
    for path in ("/api/v1/cameras", "/api/v1/footage", f"/s/{secret}/../../api/v1/cameras", f"/s/{secret}/other"):
        assert site.ask("nobody", "GET", path, Authorization=f"Bearer {secret}").status in {401, 404}


def test_what_may_be_played_alone_is_not_saved(site: Site) -> None:
    secret = secret_of(make(site, download=False))
    assert b"Download" not in site.ask("nobody", "GET", f"/s/{secret}").data
    film = site.ask("nobody", "GET", f"/s/{secret}/footage.mp4?download=true")
    assert film.status == 200
    assert "attachment" not in film.headers.get("Content-Disposition", "")


def test_each_opening_is_on_record_and_the_secret_nowhere(site: Site) -> None:
    secret = secret_of(make(site))
    for _ in range(2):
        site.ask("nobody", "GET", f"/s/{secret}")
    for _ in range(3):
        film = site.ask("nobody", "GET", f"/s/{secret}/footage.mp4")
        assert film.headers["Cache-Control"] == "private, no-store", "what has ended must not play on"
    mine = site.ask("operator", "GET", "/api/v1/links").json()["items"][0]
    assert mine["opened"] == 2
    assert mine["last_opened"] is not None
    deeds = site.ask("admin", "GET", "/api/v1/audit?action=link.").json()["items"]
    assert [d["action"] for d in deeds[:3]] == ["link.played", "link.opened", "link.made"], "each once in ten minutes"
    assert deeds[0]["detail"]["link"] == mine["id"]
    assert secret not in json.dumps(deeds)
    files = [path for path in site.core.data_dir.rglob("*") if path.is_file() and path.suffix != ".mp4"]
    assert [path.name for path in files if secret.encode() in path.read_bytes()] == []


def test_a_link_ends_by_hand_by_its_time_and_with_who_made_it(site: Site) -> None:
    told = make(site)
    secret = secret_of(told)
    other = site.ask("operator at the gate", "DELETE", f"/api/v1/links/{told.json()['id']}")
    assert other.status == 404, "it is another's"
    assert site.ask("operator", "DELETE", f"/api/v1/links/{told.json()['id']}").status == 204
    for path in (f"/s/{secret}", f"/s/{secret}/footage.mp4"):
        assert site.ask("nobody", "GET", path).status == 410
    timed = secret_of(make(site, expires_in=60))
    later = site.core.clock.now_us() + 61_000_000
    with pytest.raises(Exception, match="has ended"):
        ShareLinks(site.core.db).find(timed, later)
    gone = secret_of(make(site, "operator at the gate"))
    users = Users(site.core.db)
    user = users.named("operator at the gate")
    assert user is not None
    users.change(user.id, state="disabled")
    assert site.ask("nobody", "GET", f"/s/{gone}").status == 410
    users.change(user.id, state="active", role=Role.VIEWER)
    assert site.ask("nobody", "GET", f"/s/{gone}").status == 410, "who may not export gives nothing out"
    users.change(user.id, role=Role.OPERATOR)
    assert site.ask("nobody", "GET", f"/s/{gone}").status == 200
    assert site.ask("nobody", "GET", f"/s/{secret[::-1]}").status == 404


@pytest.mark.parametrize(
    ("caller", "more", "status"),
    [
        ("viewer at the gate", {}, 403),
        ("operator who watches", {}, 404),
        ("operator of the last hour", {"from": "2020-01-01T00:00:00Z", "to": "2020-01-01T00:01:00Z"}, 404),
        ("operator at the gate", {"camera": YARD}, 404),
        ("operator", {"camera": "../etc"}, 404),
        ("operator", {"expires_in": 8 * 24 * 3600}, 422),
        ("operator", {"expires_in": 1}, 422),
        ("operator", {"from": "2020-01-01T00:00:00Z", "to": "2020-01-01T00:01:00Z"}, 404),
        ("operator", {"from": "2020-01-01T00:01:00Z", "to": "2020-01-01T00:00:00Z"}, 400),
        ("operator", {"max_uses": 1}, 422),
    ],
)
def test_nobody_gives_out_what_is_not_theirs_or_nothing(
    site: Site, caller: str, more: dict[str, Any], status: int
) -> None:
    assert make(site, caller, **more).status == status


def test_who_looks_back_an_hour_gives_out_no_more(site: Site) -> None:
    old = to_us(site.objects["old"]["from"])
    told = make(site, "operator of the last hour", **{"from": site.objects["old"]["from"]})
    assert told.status in {201, 413}
    if told.status == 201:
        assert to_us(told.json()["from"]) > old


def test_links_to_a_camera_are_there_for_who_sees_it(site: Site) -> None:
    of = site.objects["yard"]
    body = {"camera": YARD, "from": of["from"], "to": of["to"]}
    made = site.ask("admin", "POST", "/api/v1/links", body)
    link = made.json()["id"]
    shown = {one["camera"] for one in site.ask("admin at the gate", "GET", "/api/v1/links").json()["items"]}
    assert YARD not in shown
    assert site.ask("admin at the gate", "DELETE", f"/api/v1/links/{link}").status == 404
    assert site.ask("nobody", "GET", f"/s/{secret_of(made)}").status == 200
    assert site.ask("admin", "DELETE", f"/api/v1/links/{link}").status == 204
    assert site.ask("nobody", "GET", f"/s/{secret_of(made)}").status == 410


def test_a_link_ends_with_the_grant_of_who_gave_it_out(site: Site) -> None:
    caller = "operator at the gate"
    secret = secret_of(make(site, caller))
    users = Users(site.core.db)
    user = users.named(caller)
    assert user is not None
    before = users.grants(user.id)
    assert site.ask("nobody", "GET", f"/s/{secret}/footage.mp4").status == 200
    for less in ([], [Grant(GATE, frozenset({Permission.PLAYBACK}))]):
        users.grant(user.id, less)
        for path in (f"/s/{secret}", f"/s/{secret}/footage.mp4"):
            assert site.ask("nobody", "GET", path).status == 410
    users.grant(user.id, before.values())
    assert site.ask("nobody", "GET", f"/s/{secret}").status == 200


def test_the_page_of_the_account_lists_links_and_revokes_them(site: Site) -> None:
    told = make(site, "admin")
    secret = secret_of(told)
    page = site.ask("admin", "GET", "/account", Accept="text/html").data.decode()
    assert told.json()["id"] in page
    assert secret not in page
    form = {"link": told.json()["id"]}
    assert site.client().post("/account/links/revoke", data=form).status_code == 401
    revoked = site.client().post("/account/links/revoke", data=form, headers=site.callers["admin"].headers)
    assert revoked.status_code == 303
    assert site.ask("nobody", "GET", f"/s/{secret}").status == 410
    other = {**site.callers["viewer at the gate"].headers, "Accept": "text/html"}
    assert site.client().post("/account/links/revoke", data=form, headers=other).status_code == 403
