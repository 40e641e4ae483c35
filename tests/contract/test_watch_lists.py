"""Watch lists and their entries on every database: what is kept, refused, and seen to have changed."""

from __future__ import annotations

import threading

import pytest

from gatehouse_common.db import Database, EntryFields, WatchEntries, WatchList, WatchLists, watch_entries
from gatehouse_common.errors import ChangedSince, Conflict, InvalidInput, NotFound, TooLarge
from plate_kit import S, T

ALL = EntryFields(
    plate="ab-c 123",
    distance=2,
    owner="Ann  Lee ",
    note="blue van",
    from_us=T,
    to_us=T + S,
    schedule="mon-fri 8:00-18:00",
)


@pytest.fixture
def lists(db: Database) -> WatchLists:
    return WatchLists(db)


@pytest.fixture
def entries(db: Database) -> WatchEntries:
    return WatchEntries(db)


@pytest.fixture
def guests(lists: WatchLists) -> WatchList:
    return lists.add("Guests", "allow", T, note="who visits")


def plates(entries: WatchEntries, of: WatchList) -> list[str]:
    return [one.plate for one in entries.all(of.id)]


class TestLists:
    def test_made_found_changed_and_removed(self, lists: WatchLists, entries: WatchEntries, guests: WatchList) -> None:
        thieves = lists.add(" Thieves ", "deny", T + 1)
        entries.add(guests.id, EntryFields("ABC123"), T)
        assert [(one.name, one.kind, one.entries) for one in lists.list()] == [
            ("Thieves", "deny", 0),
            ("Guests", "allow", 1),
        ]
        changed = lists.change(guests.id, name="Friends", disabled=True, seen={guests.tag})
        assert (changed.name, changed.note, changed.disabled, changed.entries) == ("Friends", "who visits", True, 1)
        assert lists.get(guests.id) == changed
        assert lists.remove(thieves.id).name == "Thieves"
        with pytest.raises(NotFound):
            lists.get(thieves.id)

    def test_a_name_is_that_of_one(self, lists: WatchLists, guests: WatchList) -> None:
        other = lists.add("guests", "watch", T)  # to the letter, as the database has them
        for change in (lambda: lists.add("Guests", "deny", T), lambda: lists.change(other.id, name=" Guests ")):
            with pytest.raises(Conflict, match="Guests"):
                change()
        assert lists.change(guests.id, name="Guests").name == "Guests"

    @pytest.mark.parametrize(
        ("values", "field"),
        [
            ({"name": " "}, "name"),
            ({"name": "x" * 101}, "name"),
            ({"name": "a\x07b"}, "name"),
            ({"kind": "block"}, "kind"),
            ({"note": "x" * 1001}, "note"),
        ],
    )
    def test_what_cannot_be_is_refused(self, lists: WatchLists, values: dict[str, str], field: str) -> None:
        with pytest.raises(InvalidInput) as refused:
            lists.add(**{"name": "Guests", "kind": "allow", "now_us": T, **values})  # type: ignore[arg-type]
        assert refused.value.field == field

    def test_only_what_was_seen_is_changed_or_removed(
        self, lists: WatchLists, entries: WatchEntries, guests: WatchList
    ) -> None:
        entries.add(guests.id, EntryFields("ABC123"), T)  # is no change of the list itself
        lists.change(guests.id, note="new", seen={guests.tag})
        with pytest.raises(ChangedSince):
            lists.change(guests.id, note="newer", seen={guests.tag})
        with pytest.raises(ChangedSince):
            lists.remove(guests.id, seen={guests.tag})
        assert lists.get(guests.id).note == "new"

    def test_with_a_list_its_entries_go(self, lists: WatchLists, entries: WatchEntries, guests: WatchList) -> None:
        other = lists.add("Others", "allow", T)
        for of in (guests, other):
            entries.add(of.id, EntryFields("ABC123"), T)
        lists.remove(guests.id)
        assert (plates(entries, guests), plates(entries, other)) == ([], ["ABC123"])

    def test_there_are_so_many_and_no_more(self, lists: WatchLists, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("gatehouse_common.db.watch_lists.MOST_LISTS", 3)
        failed: list[type[Exception]] = []

        def make(n: int) -> None:
            try:
                lists.add(f"list-{n}", "watch", T)
            except TooLarge as error:
                failed.append(type(error))

        threads = [threading.Thread(target=make, args=(n,)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(lists.list()), len(failed)) == (3, 3)


class TestEntries:
    def test_kept_as_plates_are(self, entries: WatchEntries, guests: WatchList) -> None:
        made = entries.add(guests.id, ALL, T)
        assert (made.plate, made.distance, made.owner, made.note) == ("ABC123", 2, "Ann Lee", "blue van")
        assert (made.from_us, made.to_us, made.schedule) == (T, T + S, "Mon-Fri 08:00-18:00")
        assert entries.get(guests.id, made.id) == made

    def test_changed_and_taken_off(self, entries: WatchEntries, guests: WatchList) -> None:
        made = entries.add(guests.id, ALL, T)
        changed = entries.change(guests.id, made.id, plate="XY*", distance=0, to_us=None, seen={made.tag})
        assert (changed.plate, changed.to_us, changed.owner) == ("XY*", None, "Ann Lee")
        assert entries.get(guests.id, made.id) == changed
        for deed in (lambda: entries.change(guests.id, made.id, note="", seen={made.tag}), None):
            with pytest.raises(ChangedSince):
                deed() if deed else entries.remove(guests.id, made.id, seen={made.tag})
        assert entries.remove(guests.id, made.id, seen={changed.tag}) == changed
        assert plates(entries, guests) == []

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            (EntryFields("AB/12"), "plate"),
            (EntryFields("*"), "plate"),
            (EntryFields("AB*", distance=1), "distance"),
            (EntryFields("ABC123", distance=3), "distance"),
            (EntryFields("ABC123", from_us=T, to_us=T), "to"),
            (EntryFields("ABC123", schedule="always"), "schedule"),
            (EntryFields("ABC123", owner="x" * 201), "owner"),
        ],
    )
    def test_what_cannot_be_is_refused(
        self, entries: WatchEntries, guests: WatchList, fields: EntryFields, field: str
    ) -> None:
        with pytest.raises(InvalidInput) as refused:
            entries.add(guests.id, fields, T)
        assert refused.value.field == field
        made = entries.add(guests.id, EntryFields("ABC124"), T)
        with pytest.raises(InvalidInput):
            entries.change(guests.id, made.id, **{name: getattr(fields, name) for name in fields.__dataclass_fields__})

    def test_a_plate_is_once_on_a_list(self, lists: WatchLists, entries: WatchEntries, guests: WatchList) -> None:
        first = entries.add(guests.id, EntryFields("ABC123"), T)
        second = entries.add(guests.id, EntryFields("ABC124"), T)
        with pytest.raises(Conflict, match="ABC123"):
            entries.add(guests.id, EntryFields("abc 123"), T)
        with pytest.raises(Conflict, match="ABC123"):
            entries.change(guests.id, second.id, plate="ABC123")
        entries.change(guests.id, first.id, note="the same plate")
        assert entries.add(lists.add("Others", "deny", T).id, EntryFields("ABC123"), T).plate == "ABC123"

    def test_all_of_them_or_none(self, entries: WatchEntries, guests: WatchList) -> None:
        entries.add(guests.id, EntryFields("ABC123"), T)
        many = [EntryFields("XYZ1"), EntryFields("ABC123")]
        with pytest.raises(Conflict):
            entries.add_all(guests.id, many, T)
        with pytest.raises(InvalidInput, match="twice"):
            entries.add_all(guests.id, [EntryFields("XYZ1"), EntryFields("xyz 1")], T)
        assert plates(entries, guests) == ["ABC123"]
        entries.add_all(guests.id, many, T, instead=True)
        assert plates(entries, guests) == ["ABC123", "XYZ1"]

    def test_what_a_table_changes_is_told(self, entries: WatchEntries, guests: WatchList) -> None:
        first = [EntryFields("ABC1", owner="Ada"), EntryFields("ABC2"), EntryFields("ABC3", distance=1)]
        told = entries.put_table(guests.id, first, T)
        assert ([one.plate for one in told.added], told.changed, told.removed) == (["ABC1", "ABC2", "ABC3"], [], [])
        then = [EntryFields("abc 1", owner="Bob"), EntryFields("ABC3", distance=1), EntryFields("XYZ1")]
        told = entries.put_table(guests.id, then, T, instead=True)
        assert [one.plate for one in told.added] == ["XYZ1"]
        assert [(was.owner, now.owner) for was, now in told.changed] == [("Ada", "Bob")]
        assert [one.plate for one in told.removed] == ["ABC2"]
        assert told.same == 1

    def test_who_saw_an_entry_before_a_table_has_not_seen_what_it_made_of_it(
        self, entries: WatchEntries, guests: WatchList
    ) -> None:
        seen = entries.add(guests.id, EntryFields("ABC1", owner="Ada"), T)
        for at in (1, 2):  # and never again a tag that it has had
            entries.put_table(
                guests.id, [EntryFields("ABC1", owner=f"Bob {at}"), EntryFields("XYZ1")], T + at, instead=True
            )
            with pytest.raises(ChangedSince):
                entries.change(guests.id, seen.id, owner="Eve", seen={seen.tag})
            with pytest.raises(ChangedSince):
                entries.remove(guests.id, seen.id, seen={seen.tag})
        now = entries.get(guests.id, seen.id)
        assert (now.owner, now.created_us, now.version) == ("Bob 2", T, 3)
        assert entries.change(guests.id, seen.id, owner="Eve", seen={now.tag}).owner == "Eve"

    def test_a_list_that_is_gone_takes_none(self, entries: WatchEntries, guests: WatchList) -> None:
        with pytest.raises(NotFound):
            entries.add("gone", EntryFields("ABC123"), T)
        made = entries.add(guests.id, EntryFields("ABC123"), T)
        with pytest.raises(NotFound):
            entries.get("other", made.id)
        with pytest.raises(NotFound):
            entries.remove("other", made.id)

    def test_pages_the_newest_first(self, entries: WatchEntries, guests: WatchList) -> None:
        made = entries.add_all(guests.id, [EntryFields(f"AB{n}") for n in range(3)], T)
        made += entries.add_all(guests.id, [EntryFields("XY1"), EntryFields("AB9")], T + 1)
        found: list[str] = []
        before = None
        while page := entries.page(guests.id, 2, before):
            found += [one.id for one in page]
            before = (page[-1].created_us, page[-1].id)
        assert found == [one.id for one in reversed(made)]
        assert [one.plate for one in entries.page(guests.id, 9, begins="AB")] == ["AB9", "AB2", "AB1", "AB0"]

    def test_limits_count_what_is_there(
        self, lists: WatchLists, entries: WatchEntries, guests: WatchList, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(watch_entries, "MOST_ENTRIES", 3)
        monkeypatch.setattr(watch_entries, "MOST_OF_ALL", 4)
        entries.add_all(guests.id, [EntryFields(f"AB{n}") for n in range(3)], T)
        with pytest.raises(TooLarge, match="3 entries"):
            entries.add(guests.id, EntryFields("AB9"), T)
        other = lists.add("Others", "deny", T)
        with pytest.raises(TooLarge, match="4 entries"):
            entries.add_all(other.id, [EntryFields("AB1"), EntryFields("AB2")], T)
        assert len(entries.add_all(guests.id, [EntryFields(f"XY{n}") for n in range(3)], T, instead=True)) == 3
