"""Tokens, sessions and guesses, on every database (S0-21)."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select, update

from account_rows import DAY, NOW, admin, all_text, beside
from gatehouse_common.accounts import Role, Scope
from gatehouse_common.clock import HOUR, MINUTE, SECOND
from gatehouse_common.db import Database, LoginAttempts, Logins, Tokens, Users
from gatehouse_common.db.account_models import ApiTokenRow, LoginRow, UserRow
from gatehouse_common.errors import Conflict, InvalidInput, NotFound, Unauthenticated


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
