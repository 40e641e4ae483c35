"""Whose files are after an index was lost, on every database: the very account, or one that nobody else has (R5)."""

from __future__ import annotations

import pytest

from gatehouse_common.accounts import Role
from gatehouse_common.db import (
    Database,
    FormerUsers,
    HandOver,
    MediaLibrary,
    NamedAlone,
    RecorderSessions,
    Users,
    Whose,
)
from gatehouse_common.db.media_jobs import MediaJobs
from gatehouse_common.db.media_records import AUDIO
from gatehouse_common.errors import Conflict, InvalidInput
from gatehouse_common.ids import new_id
from gatehouse_common.intervals import Interval
from media_rows import T, put


def whose(number: int, name: str, **more: object) -> Whose:
    return Whose(number, new_id(), name, **more)  # type: ignore[arg-type] - of the test


def test_the_account_of_the_very_id_has_it_whatever_it_is_called_by_now(db: Database) -> None:
    users = Users(db)
    ada = users.add("Ada", Role.OPERATOR, T)
    users.change(ada.id, name="Ada Lovelace")
    other = users.add("Ada", Role.OPERATOR, T)
    former = FormerUsers(db)
    assert former.of(Whose(ada.number, ada.id, "Ada"), T).id == ada.id
    assert former.of(Whose(ada.number, other.id, "Ada"), T).id == other.id, "the id counts, and no number"
    assert former.added == []


def test_who_is_gone_is_there_again_under_the_same_id_and_is_not_let_in(db: Database) -> None:
    told = whose(7, "Ada", created_us=T - 5)
    former = FormerUsers(db)
    ada = former.of(told, T)
    assert (ada.id, ada.number, ada.name, ada.created_us) == (told.id, 7, "Ada", T - 5)
    assert (ada.state, ada.role, ada.password, ada.all_cameras) == ("disabled", Role.UPLOADER, None, False)
    assert former.of(told, T) == ada, "once"
    assert [one.name for one in former.added] == ["Ada"]
    assert not Users(db).any(), "and the installation is not set up by it"
    assert Users(db).add("Bob", Role.VIEWER, T).number == 8, "nobody else gets that number"


def test_nothing_is_given_to_another_of_the_same_name(db: Database) -> None:
    """Names are free again when a user is removed, and whoever has one next is somebody else."""
    living = Users(db).add("Ada", Role.OPERATOR, T)
    former = FormerUsers(db)
    second, third = former.of(whose(living.number, "Ada"), T), former.of(whose(9, "ADA"), T)
    assert [second.name, third.name] == ["Ada (2)", "ADA (3)"]
    assert len({living.number, second.number, third.number}) == 3
    assert [(one.name, one.told, one.state) for one in former.added] == [
        ("Ada (2)", "Ada", "disabled"),
        ("ADA (3)", "ADA", "disabled"),
    ]


def test_who_was_removed_stays_so_and_takes_no_name(db: Database) -> None:
    gone = FormerUsers(db).of(whose(3, "Ada", removed=True), T)
    assert (gone.state, gone.name) == ("removed", "Ada")
    assert Users(db).named("Ada") is None
    assert Users(db).add("Ada", Role.VIEWER, T).number == 4
    assert [one.name for one in Users(db).list()] == ["Ada"]


def test_of_a_name_alone_there_is_one_account_which_is_nobody_elses(db: Database) -> None:
    """As files of older versions say it; also in the next run."""
    living = Users(db).add("Ada", Role.OPERATOR, T)
    ada = FormerUsers(db).of(Whose(0, "", "ada"), T)
    assert (ada.name, ada.state) == ("ada (by name)", "disabled")
    again = FormerUsers(db)
    assert again.of(Whose(0, "", "Ada"), T) == ada
    assert again.added == []
    assert ada.id != living.id
    bob = again.of(Whose(0, "", "Bob"), T)
    assert bob.name == "Bob (by name)", "it may be several people"
    assert again.of(whose(5, "Bob"), T).name == "Bob", "who has an id is not known to be that one"
    with pytest.raises(NamedAlone, match="Carl"):
        FormerUsers(db, by_name=False).of(Whose(0, "", "Carl"), T)


def test_a_name_that_several_have_had_is_given_to_none_of_them(db: Database) -> None:
    former = FormerUsers(db, {"ADA"})
    assert [former.of(whose(0, "Ada"), T).name for _ in range(2)] == ["Ada (2)", "Ada (3)"]
    assert former.of(whose(0, "Bob"), T).name == "Bob"
    assert former.of(Whose(0, "", "Ada"), T).name == "Ada (by name)", "which nobody has had"


def test_where_not_all_was_heard_no_name_is_given_as_it_is(db: Database) -> None:
    former = FormerUsers(db, contested=None)
    assert [former.of(whose(0, name), T).name for name in ("Ada", "Bob")] == ["Ada (2)", "Bob (2)"]
    assert former.of(whose(0, "Carl", removed=True), T).name == "Carl", "nobody logs in as who was removed"


def test_a_number_that_somebody_has_made_up_leaves_some_for_others(db: Database) -> None:
    former = FormerUsers(db)
    assert former.of(whose(2**31 - 2, "Ada"), T).number == 1
    assert former.of(whose(41, "Bob"), T).number == 41
    assert Users(db).add("Carl", Role.VIEWER, T).number == 42


def test_names_that_can_be_none_are_not_one_person(db: Database) -> None:
    former = FormerUsers(db)
    found = [former.of(Whose(0, "", "\u202e"), T), former.of(whose(0, "…"), T), former.of(whose(0, ""), T)]
    assert [one.name for one in found] == ["user 1 (by name)", "user 2", "user 3"]
    long = former.of(whose(0, "n" * 255), T)
    assert former.of(whose(0, "n" * 255), T).name == "n" * 240 + " (2)"
    assert long.name == "n" * 255


def test_an_admin_hands_over_what_one_has_to_another(db: Database) -> None:
    users = Users(db)
    ada, again = users.add("Ada", Role.OPERATOR, T), FormerUsers(db).of(whose(0, "Ada"), T)
    film = put(db, 1, owner=again.number, owner_name="Ada", session=None)
    others = put(db, 2, owner=9, owner_name="Bob")
    sessions = RecorderSessions(db)
    session = sessions.begin(again.number, again.name, "cam", Interval(T, T + 6_000_000), 3)
    job = MediaJobs(db).ask(film, AUDIO, {"codec": "mp3"}, T, again.number, "Ada")
    with pytest.raises(Conflict, match="is recording"):
        HandOver(db).give(again, ada, T)
    later = T + 60_000_000
    handed = HandOver(db).give(again, ada, later)
    assert (handed.media, handed.sessions) == (1, 1)
    planned = [one for one in sessions.planned(lambda _: True) if one.session == session.number]
    assert {(one.user, one.user_name) for one in planned} == {(ada.number, "Ada")}, "as they will say of themselves"
    found = MediaLibrary(db, ada.number).get(1)
    assert (found.owner, found.owner_name, found.version) == (ada.number, "Ada", film.version + 1)
    assert MediaLibrary(db).get(2) == others
    assert MediaJobs(db).newest([1])[1][0].user == ada.number
    assert job.user == again.number
    assert HandOver(db).give(again, ada, later).media == 0
    with pytest.raises(InvalidInput):
        HandOver(db).give(ada, ada, later)
