"""Users, tokens, sessions, guesses and the audit log, on every database (S0-21)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import delete, insert, select, update

from gatehouse_common.accounts import Grant, Permission, Role, Scope
from gatehouse_common.clock import HOUR, MINUTE, SECOND
from gatehouse_common.db import Audit, Database, Deed, LoginAttempts, Logins, Tokens, User, Users
from gatehouse_common.db.account_models import ApiTokenRow, AuditRow, LoginRow, UserRow
from gatehouse_common.db.audit import _digest
from gatehouse_common.db.upkeep_models import FactRow
from gatehouse_common.errors import Conflict, InvalidInput, NotFound, Unauthenticated

NOW = 1_800_000_000 * SECOND
DAY = 24 * HOUR


def all_text(db: Database, *tables: type) -> str:
    """Everything that tables have, as somebody reads it who has the database."""
    with db.read() as c:
        return "\n".join(str(row) for table in tables for row in c.execute(select(table)))


def admin(db: Database, name: str = "root") -> User:
    return Users(db).add(name, Role.ADMIN, NOW, password="$argon2id$kept")


def beside(change: Callable[[], object], others: Callable[[], object], count: int = 3) -> None:
    """Do something while others are at it, who end by themselves once it is done."""
    threads = [threading.Thread(target=others, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    threading.Event().wait(0.1)
    change()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


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


class TestTokens:
    def test_a_token_opens_what_it_is_for_until_it_ends(self, db: Database) -> None:
        user, tokens = admin(db), Tokens(db)
        token = tokens.make(user.id, "nightly", [Scope.FOOTAGE_READ, Scope.LIVE_VIEW], NOW, expires_us=NOW + DAY)
        found = tokens.find(token.text, NOW + HOUR, "192.0.2.1")
        assert found is not None
        assert (found.user, found.scopes, found.cameras) == (user.id, ["footage:read", "live:view"], None)
        assert tokens.find(token.text, NOW + DAY, "192.0.2.1") is None
        other = "a" if token.text[-5] == "b" else "b"
        assert tokens.find(token.text[:-5] + other + token.text[-4:], NOW, "192.0.2.1") is None
        assert tokens.find(token.id, NOW, "192.0.2.1") is None
        (listed,) = tokens.list(user.id)
        assert (listed.used_us, listed.used_from) == (NOW + HOUR, "192.0.2.1")
        assert token.text.rpartition("_")[2] not in all_text(db, ApiTokenRow)

    def test_a_revoked_token_opens_nothing(self, db: Database) -> None:
        user, other, tokens = admin(db), Users(db).add("other", Role.VIEWER, NOW), Tokens(db)
        token = tokens.make(user.id, "a", [Scope.LIVE_VIEW], NOW)
        with pytest.raises(NotFound):
            tokens.revoke(token.id, NOW, other.id)
        assert tokens.find(token.text, NOW, "::1") is not None
        assert tokens.revoke(token.id, NOW, user.id).revoked_us == NOW
        assert tokens.revoke(token.id, NOW + HOUR).revoked_us == NOW
        assert tokens.find(token.text, NOW, "::1") is None

    def test_a_token_is_good_from_where_it_may_be_used(self, db: Database) -> None:
        tokens = Tokens(db)
        token = tokens.make(admin(db).id, "a", [Scope.LIVE_VIEW], NOW, networks=["10.1.2.3/8", "fd00::/8"])
        assert tokens.find(token.text, NOW, "10.200.0.1") is not None
        assert tokens.find(token.text, NOW, "fd12::1") is not None
        for elsewhere in ("11.0.0.1", "fe80::1", "", "10.1.2.3.4", "localhost"):
            assert tokens.find(token.text, NOW, elsewhere) is None

    def test_a_token_knows_addresses_of_ipv4_however_they_are_written(self, db: Database) -> None:
        user, tokens = admin(db), Tokens(db)
        for network in ("10.1.2.3/8", "::ffff:10.0.0.0/104"):
            token = tokens.make(user.id, "a", [Scope.LIVE_VIEW], NOW, networks=[network])
            assert tokens.find(token.text, NOW, "::ffff:10.200.0.1") is not None
            assert tokens.find(token.text, NOW, "10.200.0.1") is not None
            assert tokens.find(token.text, NOW, "::ffff:11.0.0.1") is None

    def test_tokens_are_of_those_who_are_active(self, db: Database) -> None:
        users, tokens = Users(db), Tokens(db)
        admin(db)
        ann = users.add("Ann", Role.VIEWER, NOW)
        token = tokens.make(ann.id, "a", [Scope.LIVE_VIEW], NOW)
        users.change(ann.id, state="disabled")
        assert tokens.find(token.text, NOW, "::1") is None
        with pytest.raises(Conflict, match="disabled"):
            tokens.make(ann.id, "b", [Scope.LIVE_VIEW], NOW)
        users.change(ann.id, state="active")
        assert tokens.find(token.text, NOW, "::1") is not None
        users.remove(ann.id)
        for gone in (ann.id, "nobody"):
            with pytest.raises(NotFound):
                tokens.make(gone, "c", [Scope.LIVE_VIEW], NOW)
        assert tokens.list() == []

    def test_no_token_is_made_beside_a_removal(self, db: Database) -> None:
        users, tokens = Users(db), Tokens(db)
        admin(db)
        ann = users.add("Ann", Role.VIEWER, NOW)

        def make() -> None:
            try:
                while True:
                    tokens.make(ann.id, "a", [Scope.LIVE_VIEW], NOW)
            except NotFound:
                pass

        beside(lambda: users.remove(ann.id), make)
        assert tokens.list(ann.id) == []

    @pytest.mark.parametrize(
        "wrong",
        [
            {"name": " "},
            {"scopes": []},
            {"networks": ["everywhere"]},
            {"networks": ["10.0.0.0/33"]},
            {"expires_us": NOW},
        ],
    )
    def test_a_token_for_nothing_is_refused(self, db: Database, wrong: dict[str, object]) -> None:
        fields = {"name": "a", "scopes": [Scope.LIVE_VIEW], **wrong}
        with pytest.raises(InvalidInput):
            Tokens(db).make(admin(db).id, now_us=NOW, **fields)  # type: ignore[arg-type] - of the test
        assert Tokens(db).list() == []


class TestLogins:
    def test_a_session_goes_on_while_it_is_used_and_ends_by_itself(self, db: Database) -> None:
        user, logins = admin(db), Logins(db)
        cookie = logins.begin(user.id, NOW, "127.0.0.1", "Firefox")
        at = NOW
        for _ in range(40):
            at += 20 * HOUR
            if at >= NOW + 30 * DAY:
                break
            assert logins.find(cookie, at) is not None
        assert logins.find(cookie, NOW + 30 * DAY) is None
        idle = logins.begin(user.id, NOW, "127.0.0.1", "Firefox")
        assert logins.find(idle, NOW + DAY - MINUTE) is not None
        assert logins.find(idle, NOW + 2 * DAY) is None
        assert cookie not in all_text(db, LoginRow)

    def test_sessions_are_listed_and_ended_by_others(self, db: Database) -> None:
        user, logins = admin(db), Logins(db)
        one, two, three = (logins.begin(user.id, NOW + n, "127.0.0.1", f"browser {n}") for n in range(3))
        assert [login.agent for login in logins.list(user.id, NOW)] == ["browser 2", "browser 1", "browser 0"]
        mine = logins.find(one, NOW)
        assert mine is not None
        (second,) = [login for login in logins.list(user.id, NOW) if login.agent == "browser 1"]
        assert logins.end_all(user.id, login_id=second.id) == 1
        assert logins.find(two, NOW) is None
        assert logins.find(three, NOW) is not None
        assert logins.end_all(user.id, but=mine.digest) == 1
        assert logins.find(one, NOW) is not None
        assert logins.find(three, NOW) is None
        logins.end(mine.digest)
        logins.end(mine.digest)
        assert logins.find(one, NOW) is None

    def test_a_session_begins_only_with_what_was_verified_and_is_so_still(self, db: Database) -> None:
        users, logins = Users(db), Logins(db)
        user = admin(db)
        assert logins.find(logins.begin(user.id, NOW, "", "", verified=user.password), NOW) is not None
        users.change(user.id, password="$argon2id$other")
        with pytest.raises(Unauthenticated):
            logins.begin(user.id, NOW, "", "", verified=user.password)
        assert logins.list(user.id, NOW) == []
        assert logins.find(logins.begin(user.id, NOW, "", "", verified="$argon2id$other"), NOW) is not None

    @pytest.mark.parametrize("state", ["pending", "disabled", "removed"])
    def test_who_is_not_active_has_no_session(self, db: Database, state: str) -> None:
        users, logins = Users(db), Logins(db)
        user = users.add("Ann", Role.VIEWER, NOW, password="$argon2id$kept")
        cookie = logins.begin(user.id, NOW, "", "")
        with db.begin() as c:  # as if whoever changed it had forgotten the sessions
            c.execute(update(UserRow).where(UserRow.id == user.id).values(state=state))
        assert logins.find(cookie, NOW) is None
        for verified in (None, user.password):
            with pytest.raises(Unauthenticated):
                logins.begin(user.id, NOW, "", "", verified=verified)
        with pytest.raises(Unauthenticated):
            logins.begin("nobody", NOW, "", "")

    def test_no_session_begins_beside_another_password(self, db: Database) -> None:
        users, logins = Users(db), Logins(db)
        user = admin(db)

        def log_in() -> None:
            try:
                while True:
                    logins.begin(user.id, NOW, "", "", verified=user.password)
            except Unauthenticated:
                pass

        beside(lambda: users.change(user.id, password="$argon2id$other"), log_in)
        assert logins.list(user.id, NOW) == []

    def test_what_a_browser_says_of_itself_is_kept_as_far_as_it_can_be(self, db: Database) -> None:
        user, logins = admin(db), Logins(db)
        logins.begin(user.id, NOW, "::1" * 99, "Fire\ud800fox" + "😀" * 500)
        (login,) = logins.list(user.id, NOW)
        assert (login.agent[:8], len(login.agent), len(login.address)) == ("Fire?fox", 300, 45)

    def test_what_has_ended_is_forgotten(self, db: Database) -> None:
        user, logins = admin(db), Logins(db)
        for _ in range(3):
            logins.begin(user.id, NOW, "127.0.0.1", "x" * 5000)
        logins.begin(user.id, NOW + 2 * DAY, "127.0.0.1", "x")
        with db.read() as c:
            assert len(c.execute(select(LoginRow.id)).all()) == 1


class TestAttempts:
    def test_who_guesses_waits_ever_longer_and_a_right_one_ends_it(self, db: Database) -> None:
        guesses = LoginAttempts(db)
        at = NOW
        waits = []
        for _ in range(8):
            wait = guesses.begin("Ann", "192.0.2.1", at)
            waits.append(wait // SECOND)
            if wait:
                assert guesses.begin("ANN", "198.51.100.7", at) == wait  # from elsewhere, and written otherwise
                at += wait
                assert guesses.begin("ann", "192.0.2.1", at) == 0
        assert waits == [0, 0, 0, 0, 0, 1, 2, 4]
        assert guesses.failures("Ann") == 8
        assert guesses.begin("Ben", "192.0.2.1", at) == 0  # another name is not held up yet
        guesses.succeeded("Ann", "192.0.2.1")
        assert guesses.failures("Ann") == 0
        assert guesses.begin("Ann", "203.0.113.9", at) == 0

    def test_many_names_from_one_address_are_held_up_too(self, db: Database) -> None:
        guesses = LoginAttempts(db)
        for n in range(20):
            assert guesses.begin(f"user {n}", "2001:db8:1:2::5", NOW) == 0
        assert guesses.begin("somebody", "2001:db8:1:2:ffff::9", NOW) > 0  # of the same home
        assert guesses.begin("somebody", "2001:db8:1:3::5", NOW) == 0
        for n in range(3):
            guesses.succeeded(f"user {n}", "2001:db8:1:2::5")
        assert guesses.begin("somebody else", "2001:db8:1:2::5", NOW) == 0  # each right guess counts as none

    def test_many_guesses_at_once_are_no_way_around(self, db: Database) -> None:
        guesses = LoginAttempts(db)
        looked_at = list[int]()

        def guess() -> None:
            looked_at.append(guesses.begin("Ann", "192.0.2.1", NOW))

        threads = [threading.Thread(target=guess) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert looked_at.count(0) == 5
        assert len(looked_at) == 16

    def test_after_a_day_and_when_the_clock_is_set_back_nobody_waits_for_long(self, db: Database) -> None:
        guesses = LoginAttempts(db)
        at = NOW
        for _ in range(30):
            at += guesses.begin("Ann", "192.0.2.1", at)
        assert guesses.begin("Ann", "192.0.2.1", at) <= 900 * SECOND
        assert guesses.begin("Ann", "192.0.2.1", at - 300 * DAY) <= 900 * SECOND
        assert guesses.begin("Ann", "192.0.2.1", at + DAY) == 0
        assert guesses.failures("Ann") == 1

    def test_a_clock_that_was_ahead_keeps_nobody_out(self, db: Database) -> None:
        guesses = LoginAttempts(db)
        ahead = NOW + 300 * DAY
        for _ in range(9):
            ahead += guesses.begin("Ann", "192.0.2.1", ahead)
        wait = guesses.begin("Ann", "192.0.2.1", NOW)
        assert 0 < wait <= 16 * SECOND
        assert guesses.begin("Ann", "192.0.2.1", NOW + wait - SECOND) == SECOND  # the pause began then, and goes by
        assert guesses.begin("Ann", "192.0.2.1", NOW + wait) == 0
        assert guesses.begin("Ann", "192.0.2.1", NOW + wait) == 2 * wait  # and all that was guessed is still counted

    def test_an_address_of_ipv4_is_one_however_it_is_written(self, db: Database) -> None:
        guesses = LoginAttempts(db)
        for n in range(20):
            assert guesses.begin(f"user {n}", ("192.0.2.1", "::ffff:192.0.2.1", "::ffff:c000:201")[n % 3], NOW) == 0
        assert guesses.begin("somebody", "192.0.2.1", NOW) > 0
        assert guesses.begin("somebody", "::ffff:192.0.2.1", NOW) > 0
        assert guesses.begin("somebody", "::ffff:192.0.2.2", NOW) == 0

    def test_guesses_for_a_name_are_forgotten_at_once(self, db: Database) -> None:
        guesses = LoginAttempts(db)
        for name in ("Ann", "Ben"):
            for _ in range(5):
                guesses.begin(name, f"192.0.2.{ord(name[0])}", NOW)
        guesses.forget("ANN")
        assert (guesses.failures("Ann"), guesses.failures("Ben")) == (0, 5)
        assert guesses.begin("Ann", "192.0.2.1", NOW) == 0
        assert guesses.begin("Ben", "192.0.2.2", NOW) > 0

    def test_names_and_addresses_that_are_none_are_counted_too(self, db: Database) -> None:
        guesses = LoginAttempts(db)
        for _ in range(5):
            assert guesses.begin("\ud800" * 999, "\udfff" * 99, NOW) == 0
        assert guesses.begin("\ud800" * 999, "\udfff" * 99, NOW) > 0


class TestAudit:
    DEED = Deed("footage.exported", "camera gate", "Ann", "id", None, "192.0.2.1", {"from": 1, "to": "zwölf"})

    def fill(self, db: Database, count: int = 5) -> Audit:
        audit = Audit(db)
        for n in range(count):
            audit.write(replace(self.DEED, action=("user.added", "footage.exported")[n % 2]), NOW + n * HOUR)
        return audit

    def test_what_was_done_is_found_again(self, db: Database) -> None:
        audit = self.fill(db)
        found = audit.entries()
        assert [e.number for e in found] == [5, 4, 3, 2, 1]
        assert found[1].deed == self.DEED
        assert [e.number for e in audit.entries(action="footage.")] == [4, 2]
        assert [e.number for e in audit.entries(action="user.added", before=5, limit=1)] == [3]
        assert audit.entries(action="%") == audit.entries(action="_ser.added") == audit.entries(action="%.") == []
        assert audit.entries(actor="Ben") == []
        assert [e.number for e in audit.entries(start_us=NOW + HOUR, end_us=NOW + 3 * HOUR)] == [3, 2]
        assert list(audit.broken()) == []

    def test_no_entry_is_changed_or_taken_out_unseen(self, db: Database) -> None:
        audit = self.fill(db)
        with db.begin() as c:
            c.execute(update(AuditRow).where(AuditRow.number == 2).values(actor="Ben"))
        assert list(audit.broken()) == ["entry 2 is not as it was written"]
        with db.begin() as c:
            c.execute(update(AuditRow).where(AuditRow.number == 2).values(actor="Ann"))
            c.execute(delete(AuditRow).where(AuditRow.number.in_([3, 4])))
        assert list(audit.broken()) == ["entries 3 to 4 are missing"]

    def test_a_chain_that_was_written_anew_from_some_entry_on_is_seen(self, db: Database) -> None:
        audit = self.fill(db)
        forged = Audit(db)
        with db.begin() as c:
            c.execute(delete(AuditRow).where(AuditRow.number >= 3))
            c.execute(update(AuditRow).where(AuditRow.number == 2).values(number=9))
        forged.write(self.DEED, NOW)
        assert list(audit.broken()) != []

    @pytest.mark.parametrize(
        ("gone", "said"),
        [([5], "entry 5 is missing"), ([4, 5], "entries 4 to 5 are missing"), ([1, 2], "entries 1 to 2 are missing")],
    )
    def test_no_entry_is_taken_off_an_end_unseen(self, db: Database, gone: list[int], said: str) -> None:
        audit = self.fill(db)
        with db.begin() as c:
            c.execute(delete(AuditRow).where(AuditRow.number.in_(gone)))
        assert list(audit.broken()) == [said]
        assert audit.write(self.DEED, NOW).number == 6
        assert list(audit.broken()) == [said]

    def test_a_log_that_is_gone_as_a_whole_is_missed(self, db: Database) -> None:
        audit = self.fill(db)
        with db.begin() as c:
            c.execute(delete(AuditRow))
        assert list(audit.broken()) == ["entries 1 to 5 are missing"]
        audit.write(self.DEED, NOW)
        assert list(audit.broken()) == ["entries 1 to 5 are missing"]

    def test_what_was_put_behind_the_newest_entry_is_seen(self, db: Database) -> None:
        audit = self.fill(db)
        (newest,) = audit.entries(limit=1)
        number, time_us = 6, newest.time_us + 1
        forged = _digest(number, time_us, self.DEED, newest.digest)
        values = {name: getattr(self.DEED, name) for name in ("action", "subject", "actor", "actor_id", "token")}
        values |= {"address": self.DEED.address, "detail": dict(self.DEED.detail), "done": True, "note": ""}
        with db.begin() as c:
            row = {"number": number, "time_us": time_us, "previous": newest.digest, "digest": forged}
            c.execute(insert(AuditRow).values(row | values))
        assert list(audit.broken()) == ["entry 6 is not written by Gatehouse"]
        assert audit.write(self.DEED, NOW).number == 7
        assert list(audit.broken()) == ["entry 7 does not follow on entry 6"]

    def test_an_anchor_that_was_lost_is_told_until_there_is_another(self, db: Database) -> None:
        audit = self.fill(db)
        for lost in ("", "{", "[]", '{"first": "x"}'):
            with db.begin() as c:
                c.execute(update(FactRow).where(FactRow.name == "audit.lock").values(value=lost))
            assert list(audit.broken()) == ["nothing tells whether entry 5 is the newest"]
        audit.write(self.DEED, NOW)
        assert list(audit.broken()) == []

    def test_a_chain_is_whole_while_it_is_written_and_forgotten(
        self, db: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("gatehouse_common.db.audit._AT_ONCE", 2)
        audit = self.fill(db, 9)
        found = audit.broken()
        said = []
        looked = Audit._page
        after = iter([2, 6, 7])

        def page(self: Audit, number: int) -> object:
            many = looked(self, number)
            at = next(after, None)
            if at is not None:
                audit.write(TestAudit.DEED, NOW + 100 * HOUR)
                audit.forget_before(NOW + at * HOUR)
            return many

        monkeypatch.setattr(Audit, "_page", page)
        said += list(found)
        assert said == []
        assert [e.number for e in audit.entries()] == [12, 11, 10, 9, 8]

    def test_what_was_digested_is_what_is_kept(self, db: Database) -> None:
        audit = Audit(db)
        long = "\ud800" + "ä" * 20_000
        deed = Deed(
            long, long, long, long, long, long, {long: [long, float("nan"), 2**70, (1, None)]}, done=False, note=long
        )
        written = audit.write(deed, NOW)
        assert list(audit.broken()) == []
        (kept,) = audit.entries()
        assert kept == written
        said = kept.deed
        lengths = [
            len(t or "") for t in (said.action, said.subject, said.actor, said.actor_id, said.token, said.address)
        ]
        assert lengths == [64, 300, 255, 36, 12, 45]
        assert said.subject == "?" + "ä" * 299

    def test_many_who_write_at_once_make_one_chain(self, db: Database) -> None:
        audit = Audit(db)
        threads = [
            threading.Thread(target=lambda: [audit.write(self.DEED, NOW) for _ in range(5)], daemon=True)
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert sorted(e.number for e in audit.entries(limit=100)) == list(range(1, 31))
        assert list(audit.broken()) == []

    def test_old_entries_go_and_the_chain_stays_whole(self, db: Database) -> None:
        audit = self.fill(db)
        assert audit.forget_before(NOW + 2 * HOUR) == 2
        assert [e.number for e in audit.entries()] == [5, 4, 3]
        assert audit.forget_before(NOW + 100 * HOUR) == 2  # the newest stays: the next one follows on it
        audit.write(self.DEED, NOW)
        assert [e.number for e in audit.entries()] == [6, 5]
        assert list(audit.broken()) == []


def test_numbers_of_users_fit_where_others_look_for_them(db: Database) -> None:
    """S0-30: user_id is an integer."""
    for n in range(3):
        Users(db).add(f"user {n}", Role.UPLOADER, NOW)
    with db.read() as c:
        assert [n for (n,) in c.execute(select(UserRow.number).order_by(UserRow.number))] == [1, 2, 3]
