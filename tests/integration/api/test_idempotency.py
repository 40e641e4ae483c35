"""The same request twice is done once: `Idempotency-Key`."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from access_kit import GATE, AccessSite, access_site
from gatehouse_api.app import close_app, create_app
from gatehouse_common.clock import HOUR, MINUTE
from gatehouse_common.db import Audit, KeptAnswer, KeptAnswers, Users
from gatehouse_common.errors import Conflict, Unavailable

BAD = ["", '"', "a b", "a,b", '""', "x" * 256, '"' + "x" * 300 + '"', '"a\\b"', "\u00e9", '"a" "b"']


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AccessSite]:
    with access_site(tmp_path_factory.mktemp("keys")) as made:
        yield made


def _bodies(site: AccessSite) -> dict[str, dict[str, Any]]:
    there = site.objects[GATE]
    span = {"camera": GATE, "from": there["from"], "to": there["to"]}
    return {
        "/api/v1/cameras": {"id": "keyed", "url": "synthetic:"},
        "/api/v1/users": {"name": "keyed"},
        "/api/v1/tokens": {"name": "keyed", "scopes": ["live:view"]},
        "/api/v1/links": span,
        "/api/v1/holds": {**span, "reason": "keyed"},
        "/api/v1/maintenance/consistency-check": {"quick": True},
    }


def test_asked_again_it_is_answered_again_and_done_once(site: AccessSite) -> None:
    """PRODUCT section 2: the first answer is kept, also one that shows a secret this once."""
    for url, body in _bodies(site).items():
        listed = url.replace("maintenance/consistency-check", "jobs")
        key = {"Idempotency-Key": f'"once {url}"'}
        first = site.ask("admin", "POST", url, body, **key)
        assert first.status in {201, 202}, (url, first.data)
        assert "Idempotency-Replayed" not in first.headers
        before = len(site.ask("admin", "GET", listed).json()["items"])
        for _ in range(2):
            again = site.ask("admin", "POST", url, body, **key)
            assert (again.status, again.data) == (first.status, first.data), url
            assert again.headers["Idempotency-Replayed"] == "true"
            for name in ("Location", "ETag", "Content-Type"):
                assert again.headers.get(name) == first.headers.get(name), (url, name)
        assert len(site.ask("admin", "GET", listed).json()["items"]) == before, url


def test_another_request_under_the_same_key_is_told(site: AccessSite) -> None:
    key = {"Idempotency-Key": "other-body"}
    assert site.ask("admin", "POST", "/api/v1/users", {"name": "first"}, **key).status == 201
    for url, body in (("/api/v1/users", {"name": "second"}), ("/api/v1/cameras", {"name": "first"})):
        refused = site.ask("admin", "POST", url, body, **key)
        assert refused.status == 422
        assert refused.mimetype == "application/problem+json"
        assert refused.json()["type"].endswith("/idempotency-key-reused")
    assert "second" not in [u["name"] for u in site.ask("admin", "GET", "/api/v1/users").json()["items"]]


def test_keys_of_others_are_others(site: AccessSite) -> None:
    """Nobody is answered what somebody else was."""
    key, there = {"Idempotency-Key": "of-each"}, site.objects[GATE]
    body = {"camera": GATE, "from": there["from"], "to": there["to"], "reason": "each"}
    mine = site.ask("operator", "POST", "/api/v1/holds", body, **key)
    other = site.ask("operator at the gate", "POST", "/api/v1/holds", body, **key)
    assert mine.status == other.status == 201
    assert mine.json()["id"] != other.json()["id"]
    assert "Idempotency-Replayed" not in other.headers
    assert site.ask("viewer at the gate", "POST", "/api/v1/holds", body, **key).status == 403
    assert site.ask("nobody", "POST", "/api/v1/holds", body, **key).status == 401


def test_what_was_refused_may_be_asked_again(site: AccessSite) -> None:
    key = {"Idempotency-Key": "refused"}
    assert site.ask("admin", "POST", "/api/v1/users", {"name": ""}, **key).status == 400
    assert site.ask("admin", "POST", "/api/v1/users", {"name": "mended"}, **key).status == 201


def test_what_may_have_been_done_is_not_done_again(site: AccessSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that could not be written down is told as a fault, and was made: it is not made twice."""
    span = _bodies(site)["/api/v1/holds"]
    key = {"Idempotency-Key": "a-fault"}
    before = len(site.ask("admin", "GET", "/api/v1/holds").json()["items"])

    def full(*_: object) -> None:
        raise Unavailable("the index takes nothing")

    with monkeypatch.context() as broken:
        broken.setattr(Audit, "write", full)
        assert site.ask("admin", "POST", "/api/v1/holds", span, **key).status == 503
    assert site.ask("admin", "POST", "/api/v1/holds", span, **key).status == 409
    assert len(site.ask("admin", "GET", "/api/v1/holds").json()["items"]) == before + 1


def test_a_deed_that_is_answered_again_is_on_record_once(site: AccessSite) -> None:
    key = {"Idempotency-Key": "on-record"}
    before = len(Audit(site.core.db).entries(action="hold.placed", limit=500))
    for _ in range(3):
        assert site.ask("admin", "POST", "/api/v1/holds", _bodies(site)["/api/v1/holds"], **key).status == 201
    assert len(Audit(site.core.db).entries(action="hold.placed", limit=500)) == before + 1


def test_what_is_no_key_is_told(site: AccessSite) -> None:
    for bad in BAD:
        with site.client().open(
            "/api/v1/users",
            method="POST",
            json={"name": "bad"},
            headers={**site.callers["admin"].headers, "Idempotency-Key": bad},
        ) as answer:
            assert answer.status_code == 400, bad
            assert answer.get_json()["errors"][0]["pointer"] == "Idempotency-Key"


def test_of_many_at_once_one_is_done(site: AccessSite) -> None:
    """Who comes while the first is worked on is told so (409), or gets its answer; nothing is made twice."""
    there, told, start = site.objects[GATE], [], threading.Barrier(6)
    body = {"camera": GATE, "from": there["from"], "to": there["to"], "reason": "of six"}

    def ask() -> None:
        start.wait(10)
        told.append(site.ask("admin", "POST", "/api/v1/holds", body, **{"Idempotency-Key": "six"}))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {one.status for one in told} <= {201, 409}
    assert len({one.json()["id"] for one in told if one.status == 201}) == 1
    held = [h for h in site.ask("admin", "GET", "/api/v1/holds").json()["items"] if h["reason"] == "of six"]
    assert len(held) == 1


def test_no_secret_lies_open_in_the_index(site: AccessSite) -> None:
    key = {"Idempotency-Key": "sealed"}
    token = site.ask("admin", "POST", "/api/v1/tokens", {"name": "s", "scopes": ["live:view"]}, **key).json()["token"]
    with sqlite3.connect(site.core.data_dir / "gatehouse.db") as index:
        bodies = [row[0] for row in index.execute("select body from kept_answers where status is not null")]
    assert bodies
    assert all(body.startswith("sealed:") for body in bodies)
    assert token not in "".join(bodies)
    files = list(site.core.data_dir.glob("gatehouse.db*"))
    assert not [f.name for f in files if token.rpartition("_")[2].encode() in f.read_bytes()]


def test_an_answer_is_kept_for_a_day_and_an_attempt_that_died_frees_its_key(site: AccessSite) -> None:
    kept, now = KeptAnswers(site.core.db), site.core.clock.now_us()
    attempt = kept.begin("a", "k", "r", now)
    assert isinstance(attempt, str)
    with pytest.raises(Conflict, match="being worked on"):
        kept.begin("a", "k", "r", now + MINUTE)
    later = kept.begin("a", "k", "r", now + 11 * MINUTE)
    assert isinstance(later, str)
    kept.keep("a", "k", attempt, 201, {}, "of the dead")
    kept.keep("a", "k", later, 201, {"Location": "/x"}, "of the living")
    found = kept.begin("a", "k", "r", now + 20 * HOUR)
    assert found == KeptAnswer(True, 201, {"Location": "/x"}, "of the living")
    assert isinstance(kept.begin("a", "k", "r", now + 11 * MINUTE + 24 * HOUR), str)


def test_without_a_key_to_seal_by_no_secret_is_kept(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where several processes share an index and have no `sealing_key`, such a request is refused before it is done."""
    with access_site(tmp_path_factory.mktemp("unsealed")) as site:
        site.core.db.sealer = type(site.core.db.sealer)()
        app = create_app(site.core)
        shown = {**site.callers["admin"].headers, "Idempotency-Key": "open"}
        client = app.test_client(use_cookies=False)
        answer = client.post("/api/v1/tokens", json={"name": "s", "scopes": ["live:view"]}, headers=shown)
        assert answer.status_code == 400
        assert "sealing_key" in answer.get_json()["detail"]
        assert client.post("/api/v1/users", json={"name": "open"}, headers=shown).status_code == 201
        close_app(app)


def test_who_does_not_see_the_camera_any_more_is_not_answered_again(site: AccessSite) -> None:
    """R8: a grant that was taken away meanwhile is no way back to a link's secret, or to what a hold says."""
    there = site.objects[GATE]
    span = {"camera": GATE, "from": there["from"], "to": there["to"]}
    who, users = "operator at the gate", Users(site.core.db)
    user = users.named(who)
    assert user is not None
    before = list(users.grants(user.id).values())
    asked = [("/api/v1/links", span), ("/api/v1/holds", {**span, "reason": "kept"})]
    made = [site.ask(who, "POST", url, body, **{"Idempotency-Key": f'"granted {url}"'}) for url, body in asked]
    assert {one.status for one in made} == {201}
    users.grant(user.id, [one for one in before if one.camera != GATE])
    try:
        for url, body in asked:
            again = site.ask(who, "POST", url, body, **{"Idempotency-Key": f'"granted {url}"'})
            assert again.status == 404, url
            assert b"/s/" not in again.data
    finally:
        users.grant(user.id, before)
    assert site.ask(who, "POST", *asked[0], **{"Idempotency-Key": '"granted /api/v1/links"'}).data == made[0].data
