"""The pages of watch lists, without scripts: what forms say is done, or refused with a word."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator

import pytest
from werkzeug.test import TestResponse

from access_kit import GATE, AccessSite, access_site
from gatehouse_common.db import EntryFields, PlateListings, WatchEntries, WatchEntry, WatchList, WatchLists
from gatehouse_common.watching import ListedPlates

READER = "viewer with plates"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AccessSite]:
    with access_site(tmp_path_factory.mktemp("list-pages")) as made:
        yield made


@pytest.fixture
def site(built: AccessSite) -> Iterator[AccessSite]:
    yield built
    for one in WatchLists(built.core.db).list():
        WatchLists(built.core.db).remove(one.id)


@pytest.fixture
def guests(site: AccessSite) -> WatchList:
    return WatchLists(site.core.db).add("Guests", "allow", site.core.clock.now_us(), note="who visits")


def put(site: AccessSite, of: WatchList, plate: str, **more: object) -> WatchEntry:
    fields = EntryFields(plate, **more)  # type: ignore[arg-type]
    return WatchEntries(site.core.db).add(of.id, fields, site.core.clock.now_us())


def send(site: AccessSite, path: str, **fields: object) -> TestResponse:
    headers = {**site.callers["admin"].headers, "Accept": "text/html"}
    return site.client().post(path, data=fields, headers=headers)


def read(site: AccessSite, path: str, who: str = "admin") -> str:
    told = site.ask(who, "GET", path, Accept="text/html")
    assert told.status == 200, told.data
    return told.data.decode()


def plates(site: AccessSite, of: WatchList) -> list[str]:
    return [one.plate for one in WatchEntries(site.core.db).all(of.id)]


def test_a_list_is_made_changed_and_removed_by_forms(site: AccessSite) -> None:
    made = send(site, "/lists", name="Thieves", kind="deny", note="seen in May")
    assert made.status_code == 303
    (one,) = WatchLists(site.core.db).list()
    assert made.location == f"/lists/{one.id}?done=added"
    assert "The list has been made." in read(site, made.location)
    changed = send(site, f"/lists/{one.id}", seen=one.tag, name="Thieves", kind="deny", note="", disabled="on")
    assert (changed.status_code, WatchLists(site.core.db).get(one.id).disabled) == (303, True)
    stale = send(site, f"/lists/{one.id}/remove", seen=one.tag)
    assert (stale.status_code, "has been changed since" in stale.text) == (412, True)
    assert send(site, f"/lists/{one.id}/remove", seen=WatchLists(site.core.db).get(one.id).tag).status_code == 303
    assert WatchLists(site.core.db).list() == []
    assert site.ask("admin", "GET", f"/lists/{one.id}", Accept="text/html").status == 404


def test_an_entry_is_added_changed_and_taken_off_by_forms(site: AccessSite, guests: WatchList) -> None:
    base = f"/lists/{guests.id}"
    added = send(site, f"{base}/entries", plate="ab-c 123", distance="1", owner="Ada", **{"from": "2026-05-01T10:00"})
    assert added.location == f"{base}?done=entry-added"
    (one,) = WatchEntries(site.core.db).all(guests.id)
    assert (one.plate, one.distance, one.owner) == ("ABC123", 1, "Ada")
    shown = read(site, base)
    assert "ABC123" in shown
    assert "2026-05-01T10:00:00" in shown
    fields = {"plate": one.plate, "distance": "0", "owner": "Bob", "from": "2026-05-01T10:00:00"}
    assert send(site, f"{base}/entries/{one.id}", seen=one.tag, **fields).status_code == 303
    changed = WatchEntries(site.core.db).get(guests.id, one.id)
    assert (changed.owner, changed.from_us) == ("Bob", one.from_us)
    assert send(site, f"{base}/entries/{one.id}", seen=one.tag, **fields).status_code == 412
    assert send(site, f"{base}/entries/{one.id}/remove", seen=changed.tag).status_code == 303
    assert plates(site, guests) == []


def test_a_time_that_was_not_touched_stays_to_the_microsecond(site: AccessSite, guests: WatchList) -> None:
    one = put(site, guests, "ABC123", from_us=1_715_934_000_123_456)
    shown = read(site, f"/lists/{guests.id}").partition('name="from" value="2024')[2].partition('"')[0]
    send(
        site, f"/lists/{guests.id}/entries/{one.id}", plate="ABC123", distance="0", note="x", **{"from": f"2024{shown}"}
    )
    changed = WatchEntries(site.core.db).get(guests.id, one.id)
    assert (changed.note, changed.from_us) == ("x", one.from_us)


def test_what_is_refused_stays_written(site: AccessSite, guests: WatchList) -> None:
    refused = send(site, f"/lists/{guests.id}/entries", plate="AB/12", owner="<Ada>", distance="0")
    assert refused.status_code == 400
    assert 'role="alert"' in refused.text
    assert 'value="AB/12"' in refused.text
    assert 'value="&lt;Ada&gt;"' in refused.text
    taken = send(site, "/lists", name="Guests", kind="deny", note="again")
    assert (taken.status_code, 'value="again"' in taken.text) == (409, True)


def test_a_plate_is_tried(site: AccessSite, guests: WatchList) -> None:
    put(site, guests, "ABC123", distance=1)
    put(site, guests, "AB*", to_us=1)
    shown = read(site, "/lists?plate=abc-124")
    assert "<strong>not to the letter</strong>: 1 away, 1 may be" in shown
    assert "not valid now" in shown
    assert "is on no list" in read(site, "/lists?plate=xyz")
    assert site.ask("admin", "GET", "/lists?plate=--", Accept="text/html").status == 400


def test_a_table_is_brought_and_fetched(site: AccessSite, guests: WatchList) -> None:
    def bring(table: bytes, **more: str) -> TestResponse:
        return send(site, f"/lists/{guests.id}/import", table=(io.BytesIO(table), "guests.csv"), **more)

    assert bring(b"plate,owner\nABC123,Ada\nABC124,Bob\n").location == f"/lists/{guests.id}?done=imported"
    wrong = bring(b"plate\nABC125\nAB/1\nABC123\n")
    assert wrong.status_code == 400
    assert "line 3, column plate" in wrong.text
    assert "line 4, column plate" in wrong.text
    assert bring(b"plate\nXYZ1\n", replace="on").status_code == 303
    assert plates(site, guests) == ["XYZ1"]
    assert send(site, f"/lists/{guests.id}/import").status_code == 400
    told = site.ask("admin", "GET", f"/lists/{guests.id}/entries.csv")
    assert told.data.decode().splitlines()[1].startswith("XYZ1,0,")


def test_entries_come_in_pages_and_by_how_they_begin(site: AccessSite, guests: WatchList) -> None:
    WatchEntries(site.core.db).add_all(guests.id, [EntryFields(f"AB{n}") for n in range(60)], 1)
    first = read(site, f"/lists/{guests.id}")
    older = first.partition('href="?')[2].partition('"')[0].replace("&amp;", "&")
    assert ("AB59<" in first, "AB9<" in first, "AB9<" in read(site, f"/lists/{guests.id}?{older}")) == (
        True,
        False,
        True,
    )
    assert "AB59<" not in read(site, f"/lists/{guests.id}?q=ab%201")


def test_what_is_refused_of_an_entry_far_down_stays_written_too(site: AccessSite, guests: WatchList) -> None:
    WatchEntries(site.core.db).add_all(guests.id, [EntryFields(f"AB{n}") for n in range(60)], 1)
    base = f"/lists/{guests.id}"
    older = html.unescape(read(site, f"{base}?q=A").partition('href="?')[2].partition('"')[0])
    (last,) = [one for one in WatchEntries(site.core.db).all(guests.id) if one.plate == "AB0"]
    page = read(site, f"{base}?{older}")
    forms = [form for form in re.findall(r"<form.*?</form>", page, re.DOTALL) if last.id in form]
    assert len(forms) == 2
    hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', forms[0]))
    assert hidden == dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', forms[1]))
    fields = {"plate": "AB/0", "distance": "0", "owner": "<Ada>", **hidden}
    refused = send(site, f"{base}/entries/{last.id}", **fields)
    assert refused.status_code == 400
    assert ("AB59<" in refused.text, "AB9<" in refused.text) == (False, True), "the page on which it was"
    kept = refused.text.partition('<details class="wide" open>')[2].partition("</form>")[0]
    assert ('value="AB/0"' in kept, 'value="&lt;Ada&gt;"' in kept, 'class="problem"' in kept) == (True, True, True)
    assert all(f'name="{name}" value="{value}"' in kept for name, value in hidden.items())
    changed = send(site, f"{base}/entries/{last.id}", **{**fields, "plate": "AB0"})
    assert changed.location == f"{base}?{older}&done=entry-changed"
    assert "&lt;Ada&gt;" in read(site, changed.location)


def test_what_is_refused_is_shown_wherever_the_entry_is(site: AccessSite, guests: WatchList) -> None:
    WatchEntries(site.core.db).add_all(guests.id, [EntryFields(f"AB{n}") for n in range(60)], 1)
    (last,) = [one for one in WatchEntries(site.core.db).all(guests.id) if one.plate == "AB0"]
    path = f"/lists/{guests.id}/entries/{last.id}"
    refused = send(site, path, plate="AB/0", distance="0", owner="Ada", seen=last.tag)
    assert ("AB59<" in refused.text, "<strong>AB0<" in refused.text) == (True, True)
    kept = refused.text.partition('<details class="wide" open>')[2].partition("</form>")[0]
    assert ('value="AB/0"' in kept, path in refused.text) == (True, True)
    WatchEntries(site.core.db).remove(guests.id, last.id)
    gone = send(site, path, plate="AB0", distance="0", owner="Ada", seen=last.tag)
    assert gone.status_code == 404
    new = gone.text.partition('aria-label="Add an entry"')[2].partition("</section>")[0]
    assert ("<details open>" in new, 'value="AB0"' in new, 'value="Ada"' in new) == (True, True, True)


def test_who_may_only_read_sees_no_forms_that_change(site: AccessSite, guests: WatchList) -> None:
    put(site, guests, "ABC123")
    readers = [
        name
        for name, one in site.callers.items()
        if "plates:read" in one.scopes and "lists:write" not in one.scopes and one.headers
    ]
    assert readers
    for path in ("/lists", f"/lists/{guests.id}"):
        shown = read(site, path, readers[0])
        assert "Guests" in shown
        assert 'action="/lists' not in shown.replace('method="get" action="/lists', "")


def test_a_plate_that_came_says_what_it_is_on(site: AccessSite, guests: WatchList) -> None:
    one = site.visits[GATE][0]
    put(site, guests, one.text)
    ListedPlates(site.core).look_at(one.event)
    shown = site.ask("admin", "GET", f"/api/v1/plates?q={one.text}&match=exact").json()["items"]
    assert [on["name"] for visit in shown if visit["id"] == one.event for on in visit["lists"]] == ["Guests"]
    assert PlateListings(site.core.db).untold(2**60) == []
