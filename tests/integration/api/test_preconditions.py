"""Changes that are made only if nothing else changed meanwhile: `ETag` and `If-Match`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from access_kit import AccessSite, access_site

BAD = ["", "x", '"', "W/", '"a" "b"', '"a",x', "*, *", '"' + "x" * 9000 + '"', ",".join(['"a"'] * 3000), '"a\x7f"']


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AccessSite]:
    with access_site(tmp_path_factory.mktemp("tags")) as made:
        yield made


def _made(site: AccessSite, kind: str) -> str:
    """A new camera, or user, of its own for each test; the address of it."""
    number = len(site.ask("admin", "GET", f"/api/v1/{kind}").json()["items"])
    bodies = {"cameras": {"id": f"c{number}", "url": "synthetic:"}, "users": {"name": f"u{number}"}}
    made = site.ask("admin", "POST", f"/api/v1/{kind}", bodies[kind])
    assert made.status == 201, made.data
    return f"/api/v1/{kind}/{made.json()['id']}"


@pytest.mark.parametrize("kind", ["cameras", "users"])
def test_what_was_changed_since_is_not_changed_again(site: AccessSite, kind: str) -> None:
    """PRODUCT section 2: `If-Match` on changes and deletion of what is configured; 412 as a problem."""
    url = _made(site, kind)
    first = site.ask("admin", "GET", url)
    tag = first.headers["ETag"]
    assert tag.startswith('"')
    assert site.ask("admin", "GET", url).headers["ETag"] == tag
    changed = site.ask("admin", "PATCH", url, {"name": "other"}, **{"If-Match": tag})
    assert changed.status == 200
    newer = changed.headers["ETag"]
    assert newer not in {tag, ""}
    assert site.ask("admin", "GET", url).headers["ETag"] == newer
    for method, body in (("PATCH", {"name": "third"}), ("DELETE", None)):
        for stale in (tag, '"nothing"', f"W/{newer}", f'{tag}, "x"'):
            refused = site.ask("admin", method, url, body, **{"If-Match": stale})
            assert refused.status == 412, (method, stale)
            assert refused.mimetype == "application/problem+json"
            assert refused.json()["type"].endswith("/precondition-failed")
    assert site.ask("admin", "GET", url).json()["name"] == "other"
    assert site.ask("admin", "PATCH", url, {"name": "any"}, **{"If-Match": "*"}).status == 200
    last = site.ask("admin", "GET", url).headers["ETag"]
    assert site.ask("admin", "DELETE", url, **{"If-Match": f'"x", {last}'}).status == 204
    assert site.ask("admin", "GET", url).status == 404
    assert site.ask("admin", "PATCH", url, {"name": "gone"}, **{"If-Match": "*"}).status == 404


@pytest.mark.parametrize("kind", ["cameras", "users"])
def test_what_is_no_tag_is_told(site: AccessSite, kind: str) -> None:
    url = _made(site, kind)
    for bad in BAD:
        answer = site.ask("admin", "PATCH", url, {"name": "x"}, **{"If-Match": bad})
        assert answer.status == 400, bad[:40]
        assert answer.json()["errors"][0]["pointer"] == "If-Match"


def test_another_camera_of_the_same_id_is_not_taken_for_it(site: AccessSite) -> None:
    url = _made(site, "cameras")
    tag = site.ask("admin", "GET", url).headers["ETag"]
    assert site.ask("admin", "DELETE", url).status == 204
    body = {"id": url.rpartition("/")[2], "url": "synthetic:"}
    assert site.ask("admin", "POST", "/api/v1/cameras", body).status == 201
    assert site.ask("admin", "DELETE", url, **{"If-Match": tag}).status == 412


def test_a_tag_tells_nothing_of_an_address(site: AccessSite) -> None:
    """Two cameras with different passwords are not told apart by what a tag could be guessed from."""
    url = _made(site, "cameras")
    before = site.ask("admin", "GET", url).headers["ETag"]
    site.ask("admin", "PATCH", url, {"url": "rtsp://u:secret@127.0.0.1/x"})
    one = site.ask("admin", "GET", url).headers["ETag"]
    assert one != before
    head, _, count = one.strip('"').partition(".")
    assert before.strip('"').partition(".")[0] == head
    assert int(count, 16) == 1


def test_of_many_who_saw_the_same_one_changes_it(site: AccessSite) -> None:
    """The tag is compared in the transaction of the change: one of eight wins, the others are told."""
    for kind in ("cameras", "users"):
        url = _made(site, kind)
        seen = {"If-Match": site.ask("admin", "GET", url).headers["ETag"]}
        told = _at_once(8, lambda n, u=url, h=seen: site.ask("admin", "PATCH", u, {"name": f"n{n}"}, **h).status)
        assert sorted(told) == [200, *[412] * 7]


def test_settings_that_are_merged_at_once_are_all_there(site: AccessSite) -> None:
    """Without `If-Match` too: what one adds is not lost to another who had read before."""
    url = _made(site, "cameras")
    changes: list[dict[str, object]] = [{"priority": 3}, {"keep": "events"}, {"plates": {"threshold": 0.7}}]
    told = _at_once(3, lambda n: site.ask("admin", "PATCH", url, {"settings": changes[n]}).status)
    assert told == [200] * 3
    settings = site.ask("admin", "GET", url).json()["settings"]
    assert settings["priority"] == 3
    assert settings["keep"] == "events"
    assert settings["plates"]["threshold"] == 0.7


def _at_once(count: int, ask: Callable[[int], int]) -> list[int]:
    """What so many were told who asked at the same moment."""
    told, start = [0] * count, threading.Barrier(count)

    def one(number: int) -> None:
        start.wait(10)
        told[number] = ask(number)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return told


BODIES = {
    "holds": {"reason": "asked for", "camera": "{camera}", "from": "{from}", "to": "{to}"},
    "links": {"camera": "{camera}", "from": "{from}", "to": "{to}"},
    "tokens": {"name": "tablet", "scopes": ["live:view"]},
}


def _tag_of(site: AccessSite, kind: str, name: str) -> str:
    listed = site.ask("admin", "GET", f"/api/v1/{kind}?ended=true" if kind == "holds" else f"/api/v1/{kind}").json()
    (found,) = [one for one in listed["items"] if one["id"] == name]
    if kind == "holds":
        return site.ask("admin", "GET", f"/api/v1/holds/{name}").headers["ETag"]
    return str(found["etag"])


@pytest.mark.parametrize("kind", list(BODIES))
def test_what_was_revoked_since_is_not_revoked_again(site: AccessSite, kind: str) -> None:
    """PRODUCT section 2: holds, links and tokens too; whoever gives no tag revokes what is revoked, as ever."""
    body = {k: v.format(**site.objects["gate"]) if isinstance(v, str) else v for k, v in BODIES[kind].items()}
    made = site.ask("admin", "POST", f"/api/v1/{kind}", body)
    assert made.status == 201, made.data
    name = made.json()["id"]
    url, tag = f"/api/v1/{kind}/{name}", _tag_of(site, kind, name)
    for stale in ('"nothing"', f"W/{tag}"):
        assert site.ask("admin", "DELETE", url, **{"If-Match": stale}).status == 412
    assert _tag_of(site, kind, name) == tag, "nothing was done"
    assert site.ask("admin", "DELETE", url, **{"If-Match": "x"}).status == 400
    assert site.ask("admin", "DELETE", url, **{"If-Match": f'"x", {tag},'}).status in {200, 204}
    newer = _tag_of(site, kind, name)
    assert newer != tag
    refused = site.ask("admin", "DELETE", url, **{"If-Match": tag})
    assert (refused.status, refused.mimetype) == (412, "application/problem+json")
    for again in ({}, {"If-Match": "*"}, {"If-Match": newer}):
        assert site.ask("admin", "DELETE", url, **again).status in {200, 204}
    assert _tag_of(site, kind, name) == newer
