"""Users, on every database (S0-21)."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select

from account_rows import NOW, admin
from gatehouse_common.accounts import Grant, Permission, Role, Scope
from gatehouse_common.db import Database, Logins, Tokens, User, Users
from gatehouse_common.db.account_models import UserRow
from gatehouse_common.errors import Conflict, InvalidInput, NotFound


class TestUsers:
    def test_a_user_is_found_by_any_writing_of_its_name(self, db: Database) -> None:
        users = Users(db)
        assert not users.any()
        made = users.add("  Zoë Müller ", Role.VIEWER, NOW)
        assert not users.any(), "there is no admin yet"
        ada = users.add("Ada", Role.ADMIN, NOW)
        assert users.any()
        assert (made.number, made.name, made.all_cameras, made.state) == (1, "Zoë Müller", False, "active")
        assert users.named("ZOE\u0308 MÜLLER") == made == users.get(made.id)
        assert users.named("Zoe Müller") is None
        assert users.list() == [ada, made]
        with pytest.raises(Conflict, match="already"):
            users.add("zoë müller", Role.ADMIN, NOW)
        with pytest.raises(InvalidInput):
            users.add("\0", Role.ADMIN, NOW)
        with pytest.raises(NotFound):
            users.get("' OR 1=1 --")

    def test_only_one_of_many_sets_the_installation_up(self, db: Database) -> None:
        """Whoever comes second is told so, also if both come at once."""
        made, refused = list[User](), list[Exception]()

        def first(number: int) -> None:
            try:
                made.append(Users(db).add(f"admin {number}", Role.ADMIN, NOW, first=True))
            except Conflict as error:
                refused.append(error)

        threads = [threading.Thread(target=first, args=(n,)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert (len(made), len(refused)) == (1, 5)
        assert Users(db).list() == made

    def test_the_last_admin_stays_one(self, db: Database) -> None:
        users = Users(db)
        one = admin(db)
        for change in ({"role": Role.VIEWER}, {"state": "disabled"}):
            with pytest.raises(Conflict, match="last admin"):
                users.change(one.id, **change)
        with pytest.raises(Conflict, match="last admin"):
            users.remove(one.id)
        other = admin(db, "other")
        users.change(other.id, state="disabled")
        with pytest.raises(Conflict, match="last admin"):
            users.remove(one.id)
        users.change(other.id, state="active")
        users.remove(one.id)
        assert [u.name for u in users.list()] == ["other"]

    def test_the_last_admin_is_one_who_can_log_in(self, db: Database) -> None:
        users = Users(db)
        one = admin(db)
        other = users.add("other", Role.ADMIN, NOW)
        for change in ({"role": Role.VIEWER}, {"state": "disabled"}, {"password": None}):
            with pytest.raises(Conflict, match="last admin"):
                users.change(one.id, **change)
        with pytest.raises(Conflict, match="last admin"):
            users.remove(one.id)
        users.change(one.id, password="$argon2id$new", role=Role.ADMIN)
        users.change(other.id, password="$argon2id$other")
        users.change(one.id, password=None)
        with pytest.raises(Conflict, match="last admin"):
            users.change(other.id, password=None)
        users.remove(one.id)

    def test_two_who_take_the_last_admins_away_from_each_other(self, db: Database) -> None:
        users = Users(db)
        both = [admin(db, "a"), admin(db, "b")]
        refused = list[Exception]()

        def demote(user: User) -> None:
            try:
                users.change(user.id, role=Role.VIEWER)
            except Conflict as error:
                refused.append(error)

        threads = [threading.Thread(target=demote, args=(user,)) for user in both]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(refused) == 1
        assert [u.role for u in users.list()].count(Role.ADMIN) == 1

    def test_who_is_removed_stays_on_record_and_its_name_and_number_are_not_mixed_up(self, db: Database) -> None:
        users, tokens, logins = Users(db), Tokens(db), Logins(db)
        admin(db)
        ann = users.add("Ann", Role.OPERATOR, NOW, password="$argon2id$x")
        token = tokens.make(ann.id, "script", [Scope.FOOTAGE_READ], NOW)
        cookie = logins.begin(ann.id, NOW, "127.0.0.1", "test")
        users.remove(ann.id)
        assert users.named("ann") is None
        assert (users.get(ann.id).state, users.get(ann.id).password) == ("removed", None)
        assert tokens.find(token.text, NOW, "127.0.0.1") is None
        assert logins.find(cookie, NOW) is None
        with pytest.raises(NotFound):
            users.change(ann.id, state="active")
        again = users.add("Ann", Role.VIEWER, NOW)
        assert again.id != ann.id
        assert again.number == 3
        users.remove(again.id)
        assert users.add("Ann", Role.VIEWER, NOW).number == 4
        assert [u.number for u in users.list(removed=True)].count(3) == 1

    def test_what_was_not_seen_is_not_changed(self, db: Database) -> None:
        users = Users(db)
        ann = users.add("Ann", Role.VIEWER, NOW)
        changed = users.change(ann.id, seen={ann.tag}, name="Anne", settings={"theme": "dark"})
        assert (changed.version, changed.name, changed.settings) == (2, "Anne", {"theme": "dark"})
        with pytest.raises(Conflict, match="changed since"):
            users.change(ann.id, seen={ann.tag}, name="Anna")
        assert users.named("ann") is None
        assert users.named("anne") == changed
        with pytest.raises(TypeError):
            users.change(ann.id, number=7)

    def test_a_new_password_role_or_state_ends_all_sessions(self, db: Database) -> None:
        users, logins = Users(db), Logins(db)
        admin(db)
        ann = users.add("Ann", Role.OPERATOR, NOW)
        for change in ({"password": "$argon2id$y"}, {"role": Role.VIEWER}, {"state": "disabled"}):
            cookie = logins.begin(ann.id, NOW, "127.0.0.1", "test")
            users.change(ann.id, settings={"n": str(change)})
            assert logins.find(cookie, NOW) is not None
            users.change(ann.id, **change)
            assert logins.find(cookie, NOW) is None, change

    def test_grants_are_what_they_were_last(self, db: Database) -> None:
        users = Users(db)
        ann = users.add("Ann", Role.VIEWER, NOW)
        assert users.grants(ann.id) == {}
        gate, yard = Grant.of("gate", ["live", "playback"], 24), Grant.of("yard")
        users.grant(ann.id, [gate, yard])
        assert users.grants(ann.id) == {"gate": gate, "yard": yard}
        only = Grant("gate", frozenset({Permission.LIVE}))
        users.grant(ann.id, [gate, only])
        assert users.grants(ann.id) == {"gate": only}
        assert users.get(ann.id).version == 3
        with pytest.raises(NotFound):
            users.grant("nobody", [gate])

    def test_grants_are_given_and_taken_one_by_one(self, db: Database) -> None:
        users = Users(db)
        ann = users.add("Ann", Role.VIEWER, NOW)
        gate, yard = Grant.of("gate", ["live"], 24), Grant.of("yard")
        users.grant_camera(ann.id, Grant.of("gate"))
        users.grant_camera(ann.id, yard)
        users.grant_camera(ann.id, gate)
        assert users.grants(ann.id) == {"gate": gate, "yard": yard}
        users.take_camera(ann.id, "yard")
        assert users.grants(ann.id) == {"gate": gate}
        assert users.get(ann.id).version == 5
        with pytest.raises(NotFound, match="yard"):
            users.take_camera(ann.id, "yard")
        with pytest.raises(NotFound):
            users.grant_camera("nobody", gate)


def test_numbers_of_users_fit_where_others_look_for_them(db: Database) -> None:
    """S0-30: user_id is an integer."""
    for n in range(3):
        Users(db).add(f"user {n}", Role.UPLOADER, NOW)
    with db.read() as c:
        assert [n for (n,) in c.execute(select(UserRow.number).order_by(UserRow.number))] == [1, 2, 3]
