"""``/api/v1/watchlists``: lists and entries as people and programs keep them, tables of them, and trying a plate."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from access_kit import AccessSite, Told, access_site
from gatehouse_common.db import WatchEntries, WatchLists

LISTS = "/api/v1/watchlists"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AccessSite]:
    with access_site(tmp_path_factory.mktemp("lists")) as made:
        yield made


@pytest.fixture
def site(built: AccessSite) -> Iterator[AccessSite]:
    yield built
    lists = WatchLists(built.core.db)
    for one in lists.list():
        lists.remove(one.id)


def make(site: AccessSite, name: str = "Guests", kind: str = "allow", **more: object) -> dict[str, Any]:
    told = site.ask("admin", "POST", LISTS, {"name": name, "kind": kind, **more})
    assert told.status == 201, told.data
    found: dict[str, Any] = told.json()
    return found


def put(site: AccessSite, of: dict[str, Any], plate: str, **more: object) -> dict[str, Any]:
    told = site.ask("admin", "POST", of["links"]["entries"], {"plate": plate, **more})
    assert told.status == 201, told.data
    found: dict[str, Any] = told.json()
    return found


def upload(site: AccessSite, of: dict[str, Any], table: str | bytes, query: str = "") -> Told:
    headers = {**site.callers["admin"].headers, "Content-Type": "text/csv"}
    with site.client().post(f"{of['links']['self']}/import{query}", data=table, headers=headers) as answer:
        return Told(answer.status_code, dict(answer.headers), answer.get_data(), answer.mimetype)


def plates(site: AccessSite, of: dict[str, Any]) -> list[str]:
    return [one.plate for one in WatchEntries(site.core.db).all(of["id"])]


def done(site: AccessSite, action: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = site.ask("admin", "GET", f"/api/v1/audit?action={action}").json()["items"]
    return found


def test_a_list_from_its_making_to_its_end(site: AccessSite) -> None:
    made = make(site, note="who visits")
    assert made["links"]["self"] == f"{LISTS}/{made['id']}"
    told = site.ask("admin", "GET", made["links"]["self"])
    assert told.json() == made
    changed = site.ask(
        "admin", "PATCH", made["links"]["self"], {"disabled": True}, **{"If-Match": told.headers["ETag"]}
    )
    assert (changed.status, changed.json()["disabled"], changed.json()["note"]) == (200, True, "who visits")
    for method, body in (("PATCH", {"note": "x"}), ("DELETE", None)):
        stale = site.ask("admin", method, made["links"]["self"], body, **{"If-Match": told.headers["ETag"]})
        assert (stale.status, stale.mimetype) == (412, "application/problem+json")
    assert [one["id"] for one in site.ask("admin", "GET", LISTS).json()["items"]] == [made["id"]]
    assert site.ask("admin", "POST", LISTS, {"name": "Guests", "kind": "deny"}).status == 409
    assert site.ask("admin", "DELETE", made["links"]["self"]).status == 204
    assert site.ask("admin", "GET", made["links"]["self"]).status == 404


def test_entries_from_their_adding_to_their_end(site: AccessSite) -> None:
    of = make(site)
    made = put(
        site, of, "ab-c 123", distance=1, owner="Ada", **{"from": "2026-05-01T00:00:00Z", "schedule": "mon 8:00-9:00"}
    )
    assert (made["plate"], made["distance"], made["schedule"]) == ("ABC123", 1, "Mon 08:00-09:00")
    assert (made["from"], made["to"]) == ("2026-05-01T00:00:00.000000Z", None)
    url = f"{of['links']['entries']}/{made['id']}"
    told = site.ask("admin", "GET", url)
    assert told.json() == made
    assert told.headers["ETag"] == made["etag"]
    changed = site.ask("admin", "PATCH", url, {"from": None, "note": "van"}, **{"If-Match": made["etag"]}).json()
    assert (changed["from"], changed["note"], changed["owner"]) == (None, "van", "Ada")
    assert site.ask("admin", "PATCH", url, {"note": "x"}, **{"If-Match": made["etag"]}).status == 412
    assert site.ask("admin", "DELETE", url, **{"If-Match": made["etag"]}).status == 412
    assert site.ask("admin", "POST", of["links"]["entries"], {"plate": "ABC 123"}).status == 409
    assert site.ask("admin", "DELETE", url, **{"If-Match": changed["etag"]}).status == 204
    assert site.ask("admin", "GET", url).status == 404
    assert site.ask("admin", "GET", of["links"]["self"]).json()["entries"] == 0


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"plate": "AB/12"}, "plate"),
        ({"plate": "*"}, "plate"),
        ({"plate": "AB*", "distance": 1}, "distance"),
        ({"plate": "ABC123", "schedule": "always"}, "schedule"),
        ({"plate": "ABC123", "from": "soon"}, "from"),
        ({"plate": "ABC123", "from": "2026-05-02T00:00:00Z", "to": "2026-05-01T00:00:00Z"}, "to"),
    ],
)
def test_what_cannot_be_says_what_is_wrong_with_it(site: AccessSite, body: dict[str, Any], pointer: str) -> None:
    of = make(site)
    told = site.ask("admin", "POST", of["links"]["entries"], body)
    assert (told.status, told.mimetype) == (400, "application/problem+json")
    assert told.json()["errors"][0]["pointer"] == pointer
    assert plates(site, of) == []


def test_the_same_request_twice_adds_one(site: AccessSite) -> None:
    of = make(site)
    asked = [
        site.ask("admin", "POST", of["links"]["entries"], {"plate": "ABC123"}, **{"Idempotency-Key": "one"})
        for _ in range(2)
    ]
    assert [one.status for one in asked] == [201, 201]
    assert asked[0].json() == asked[1].json()


def test_pages_stay_while_entries_are_added(site: AccessSite) -> None:
    of = make(site)
    for n in range(5):
        put(site, of, f"ABC{n}")
    first = site.ask("admin", "GET", f"{of['links']['entries']}?limit=2").json()
    put(site, of, "NEW1")
    rest, cursor = [], first["next_cursor"]
    while cursor:
        page = site.ask("admin", "GET", f"{of['links']['entries']}?limit=2&cursor={cursor}").json()
        rest += page["items"]
        cursor = page["next_cursor"]
    assert [one["plate"] for one in first["items"] + rest] == ["ABC4", "ABC3", "ABC2", "ABC1", "ABC0"]
    assert [one["plate"] for one in site.ask("admin", "GET", f"{of['links']['entries']}?q=ne-w").json()["items"]] == [
        "NEW1"
    ]
    assert site.ask("admin", "GET", f"{of['links']['entries']}?cursor=nonsense").status == 400


def test_a_plate_is_tried_and_it_is_said_why_it_matches(site: AccessSite) -> None:
    guests, thieves = make(site), make(site, "Thieves", "deny")
    put(site, guests, "ABC123", distance=1, owner="Ada")
    put(site, guests, "ABC*", to="2026-05-01T00:00:00Z")
    put(site, thieves, "A8C124", distance=2)
    told = site.ask("admin", "POST", f"{LISTS}/test", {"plate": "abc-124", "at": "2026-05-01T00:00:00Z"}).json()
    found = [(one["kind"], one["plate"], one["match"], one["distance"], one["valid"]) for one in told["matches"]]
    assert told["plate"] == "ABC124"
    assert found == [
        ("deny", "A8C124", "fuzzy", 1, True),
        ("allow", "ABC*", "pattern", 0, False),
        ("allow", "ABC123", "fuzzy", 1, True),
    ]
    assert told["matches"][2]["owner"] == "Ada"
    assert site.ask("admin", "POST", f"{LISTS}/test", {"plate": "XYZ"}).json()["matches"] == []
    assert site.ask("admin", "POST", f"{LISTS}/test", {"plate": "--"}).status == 400


def test_a_table_goes_out_and_comes_in_again(site: AccessSite) -> None:
    of, other = make(site), make(site, "Others")
    owner = '=HYPERLINK("http://x")'
    put(site, of, "ABC123", distance=2, owner=owner, note='says "no", +1', to="2026-05-01T00:00:00Z")
    put(site, of, "X?Z*", schedule="Mon 08:00-09:00", disabled=True)
    told = site.ask("admin", "GET", of["links"]["csv"])
    assert (told.status, told.mimetype) == (200, "text/csv")
    assert 'filename="watchlist-' in told.headers["Content-Disposition"]
    lines = told.data.decode().splitlines()
    assert lines[0] == "plate,distance,owner,note,from,to,schedule,disabled"
    # What a spreadsheet would run is text there.
    assert lines[1].startswith("""ABC123,2,"'=HYPERLINK""")
    assert upload(site, other, told.data).json() == {"imported": 2}
    was, now = (site.ask("admin", "GET", one["links"]["entries"]).json()["items"] for one in (of, other))
    unlike = {"id", "list", "created", "etag"}
    kept = [
        [{k: v for k, v in one.items() if k not in unlike} for one in sorted(some, key=lambda e: e["plate"])]
        for some in (was, now)
    ]
    assert kept[0] == kept[1]
    assert kept[1][0]["owner"] == owner


def test_a_table_of_which_a_line_is_wrong_is_not_imported_at_all(site: AccessSite) -> None:
    of = make(site)
    put(site, of, "ABC123")
    table = (
        "plate,distance,from,note\nGOOD1,,,\nAB/12,,,\nABC 124,3,,\nABC125,,soon,\n"
        "\nABC123,,,\ngood-1,,,\nABC126,,,,,more\n"
    )
    told = upload(site, of, table)
    assert (told.status, told.mimetype) == (400, "application/problem+json")
    assert [one["pointer"] for one in told.json()["errors"]] == [
        "line 3, column plate",
        "line 4, column distance",
        "line 5, column from",
        "line 7, column plate",
        "line 8, column plate",
        "line 9",
    ]
    assert "line 2" in told.json()["errors"][4]["detail"]
    assert plates(site, of) == ["ABC123"]


@pytest.mark.parametrize(
    ("table", "where"),
    [
        ("", "line 1"),
        ("number\nABC123\n", "line 1, column 1"),
        ("owner\nAda\n", "line 1"),
        ("plate,plate\nA,B\n", "line 1, column 2"),
        (b"plate,owner\nABC123,\xff\n", "line 2"),
        ('plate\nABC123\n"AB\n', "line 3"),
    ],
)
def test_what_is_no_table_is_refused_with_its_place(site: AccessSite, table: str | bytes, where: str) -> None:
    told = upload(site, make(site), table)
    assert (told.status, told.json()["errors"][0]["pointer"]) == (400, where)


def test_a_table_of_a_spreadsheet_with_semicolons_in_place_of_what_there_is(site: AccessSite) -> None:
    of = make(site)
    put(site, of, "OLD1")
    told = upload(site, of, '\ufeffOwner;Plate;Disabled\r\n"Ada; Bob";ABC 123;yes\r\n', "?replace=true")
    assert told.json() == {"imported": 1}
    (one,) = WatchEntries(site.core.db).all(of["id"])
    assert (one.plate, one.owner, one.disabled) == ("ABC123", "Ada; Bob", True)


def test_what_a_table_changed_is_on_record(site: AccessSite) -> None:
    """Who let whom in: not only how many, and not ten thousand lines either."""
    of, table = make(site, "Staff"), "plate,owner\nABC1,Ada\nABC2,\nABC3,\n"
    upload(site, of, table)
    many = "".join(f"XY{n:04}\n" for n in range(400))
    upload(site, of, f"plate,owner\nABC1,{'B' * 80}\nABC3\n{many}", "?replace=true")
    then, first = (one["detail"] for one in done(site, "watch_list.imported")[:2])
    assert first == {
        "list": of["id"],
        "instead": False,
        "entries": 3,
        "table": {"bytes": len(table), "sha256": hashlib.sha256(table.encode()).hexdigest()},
        "added": {"count": 3, "plates": ["ABC1", "ABC2", "ABC3"]},
        "changed": {"count": 0, "first": []},
        "removed": {"count": 0, "plates": []},
        "same": 0,
    }
    assert then["instead"] is True
    assert (then["entries"], then["added"]["count"], then["same"]) == (402, 400, 1)
    assert then["added"]["plates"] == [f"XY{n:04}" for n in range(100)]
    changed = {"plate": "ABC1", "before": {"owner": "Ada"}, "after": {"owner": "B" * 60 + "..."}}
    assert then["changed"] == {"count": 1, "first": [changed]}
    assert then["removed"] == {"count": 1, "plates": ["ABC2"]}


def test_every_deed_is_on_record(site: AccessSite) -> None:
    of = make(site, "Recorded")
    made = put(site, of, "ABC123")
    url = f"{of['links']['entries']}/{made['id']}"
    site.ask("admin", "PATCH", url, {"note": "van"})
    site.ask("admin", "DELETE", url)
    upload(site, of, "plate\nABC124\n")
    site.ask("admin", "GET", of["links"]["csv"])
    site.ask("admin", "PATCH", of["links"]["self"], {"disabled": True})
    site.ask("admin", "DELETE", of["links"]["self"])
    for action, subject in {
        "watch_list.added": "Recorded",
        "watch_entry.added": "ABC123 on Recorded",
        "watch_entry.changed": "ABC123 on Recorded",
        "watch_entry.removed": "ABC123 on Recorded",
        "watch_list.imported": "Recorded",
        "watch_list.changed": "Recorded",
        "watch_list.removed": "Recorded",
    }.items():
        assert done(site, action)[0]["subject"] == subject, action
    assert done(site, "watch_list.exported")[0]["subject"] == f"watchlist {of['id']}"
    assert done(site, "watch_entry.changed")[0]["detail"] == {"before": {"note": ""}, "after": {"note": "van"}}
