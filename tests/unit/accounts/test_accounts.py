"""Roles, grants, names, passwords, tokens, and how long who guesses has to wait (S0-21)."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_common.accounts import (
    ROLE_SCOPES,
    Grant,
    Permission,
    Principal,
    Role,
    Scope,
    delay_us,
    fingerprint,
    name_key,
    new_session_id,
    new_token,
    parse_name,
    parse_scopes,
    parse_token,
)
from gatehouse_common.accounts.passwords import Passwords
from gatehouse_common.clock import HOUR, SECOND
from gatehouse_common.errors import InvalidInput

QUICK = Passwords(memory_kib=64, passes=1)
GOOD = "seven purple lamps hum"


def principal(role: Role, grants: dict[str, Grant] | None = None, scopes: frozenset[Scope] | None = None) -> Principal:
    return Principal("u", 1, "Ann", role, ROLE_SCOPES[role] if scopes is None else scopes, grants)


def test_each_role_may_do_no_more_than_it_is_for() -> None:
    viewer, uploader, operator = (ROLE_SCOPES[r] for r in (Role.VIEWER, Role.UPLOADER, Role.OPERATOR))
    assert viewer == {Scope.CAMERAS_READ, Scope.LIVE_VIEW, Scope.FOOTAGE_READ}
    assert uploader == {Scope.UPLOADS_WRITE, Scope.RECORDS_OWN}
    assert viewer < operator < ROLE_SCOPES[Role.ADMIN] == set(Scope)
    for kept in (Scope.USERS_ADMIN, Scope.SETTINGS_ADMIN, Scope.FOOTAGE_DELETE, Scope.AUDIT_READ, Scope.CAMERAS_WRITE):
        assert kept not in operator


def test_a_token_never_may_more_than_its_user() -> None:
    with_token = principal(Role.VIEWER, scopes=frozenset({Scope.FOOTAGE_READ, Scope.USERS_ADMIN}))
    assert with_token.may(Scope.FOOTAGE_READ)
    assert not with_token.may(Scope.USERS_ADMIN)
    assert not with_token.may(Scope.LIVE_VIEW)


def test_cameras_that_were_not_granted_are_not_there() -> None:
    grants = {"gate": Grant.of("gate", ["live"], 24), "yard": Grant.of("yard")}
    asks = principal(Role.VIEWER, grants)
    assert asks.cameras() == {"gate", "yard"}
    assert asks.cameras(Permission.PLAYBACK) == {"yard"}
    assert asks.sees("gate", Permission.LIVE)
    assert not asks.sees("gate", Permission.EXPORT)
    assert not asks.sees("safe")
    assert asks.permissions("safe") == frozenset()
    assert asks.earliest_us("gate", 30 * HOUR) == 6 * HOUR
    assert asks.earliest_us("yard", 30 * HOUR) is None
    everything = principal(Role.ADMIN)
    assert everything.cameras() is None
    assert everything.sees("safe", Permission.CONTROL)


@pytest.mark.parametrize(
    ("camera", "permissions", "hours"),
    [("../gate", None, None), ("gate", ["fly"], None), ("gate", None, 0.0), ("gate", None, float("nan")), ("", [], 1)],
)
def test_a_grant_of_nothing_is_refused(camera: str, permissions: list[str] | None, hours: float | None) -> None:
    with pytest.raises(InvalidInput):
        Grant.of(camera, permissions, hours)


@pytest.mark.parametrize(
    "text",
    ["", " ", "a" * 256, "a\0b", "a\nb", "a\u202eb", "\ud800", "a\u200bb", "\u2028", "x" * 2_000_000],
)
def test_a_name_that_cannot_be_one(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_name(text)


def test_names_that_look_alike_are_one() -> None:
    assert parse_name("  Ann   Lee ") == "Ann Lee"
    assert name_key("STRASSE") == name_key("straße")
    assert name_key("cafe\u0301") == name_key("caf\u00e9") == name_key("CAF\u00c9")
    assert name_key("\uff21nn") == name_key("ann")
    assert name_key("ann") != name_key("anne")


@given(st.text(max_size=300))
def test_a_name_that_was_taken_is_taken_again(text: str) -> None:
    try:
        name = parse_name(text)
    except InvalidInput:
        return
    assert parse_name(name) == name
    assert name_key(name) == name_key(text)
    assert 1 <= len(name) <= 255


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "at least 12"),
        ("password1234", "choose another"),
        ("aaaaaaaaaaaaaaaa", "choose another"),
        ("qwertyuiop[]", "choose another"),
        ("margaret-thatcher-1"[:12], "choose another"),
        ("x" * 2000, "at most 1024"),
    ],
)
def test_a_password_that_is_soon_guessed_is_refused(password: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        QUICK.check(password, of="margaret")


def test_a_good_password_is_taken_whatever_letters_it_has() -> None:
    for password in (GOOD, "Zwölf Boxkämpfer jagen", "日本語のとても長い合言葉です", "k" * 3 + GOOD * 40):
        QUICK.check(password)
        kept = QUICK.hash(password)
        assert kept.startswith("$argon2id$")
        assert password not in kept
        assert QUICK.verify(kept, password)
        assert not QUICK.verify(kept, password + " ")
        assert not QUICK.verify(kept, password[:-1])
    assert QUICK.hash(GOOD) != QUICK.hash(GOOD)


def test_a_password_that_goes_on_beyond_what_is_looked_at_is_another() -> None:
    whole = "long and winding road " * 46 + "!" * 12
    assert len(whole) == 1024
    kept = QUICK.hash(whole)
    assert QUICK.verify(kept, whole)
    assert not QUICK.verify(kept, whole + "x")


def test_what_is_no_hash_lets_nobody_in() -> None:
    for kept in (None, "", "plain", "$argon2id$v=19$m=64,t=1,p=1$AAAA$BBBB"):
        assert not QUICK.verify(kept, GOOD)
        assert not QUICK.verify(kept, "\ud800")


def test_an_unknown_user_takes_as_long_as_a_known_one() -> None:
    """Else the time of an answer tells which names there are."""
    hashes = Passwords(memory_kib=16_384, passes=2)
    kept = hashes.hash(GOOD)

    def seconds(of: str | None) -> float:
        took = []
        for _ in range(5):
            began = time.perf_counter()
            hashes.verify(of, "another long password")
            took.append(time.perf_counter() - began)
        return min(took)

    assert 0.3 < seconds(None) / seconds(kept) < 3


def test_a_hash_of_less_effort_is_to_be_made_anew() -> None:
    assert Passwords(memory_kib=128, passes=1).is_outdated(QUICK.hash(GOOD))
    assert not QUICK.is_outdated(QUICK.hash(GOOD))


def test_tokens_are_known_by_their_form_and_kept_by_their_fingerprint() -> None:
    token = new_token()
    assert parse_token(token.text) == token
    assert token.text.startswith(f"gatehouse_pat_{token.id}_")
    assert len({new_token().text for _ in range(100)}) == 100
    assert len(fingerprint(token.text)) == 64
    for other in ("", token.text + "a", token.text[:-1], token.text.upper(), token.text + "\n", "gatehouse_pat__"):
        assert parse_token(other) is None


def test_session_ids_are_new_and_fit_into_a_cookie() -> None:
    made = {new_session_id() for _ in range(100)}
    assert len(made) == 100
    assert all(len(one) == 43 and one.isascii() and '"' not in one and ";" not in one for one in made)


def test_guessing_gets_slower_up_to_a_quarter_of_an_hour() -> None:
    assert [delay_us(n) // SECOND for n in (0, 4, 5, 6, 7, 10, 14, 15, 1000, 10**9)] == [
        0,
        0,
        1,
        2,
        4,
        32,
        512,
        900,
        900,
        900,
    ]


def test_scopes_by_name() -> None:
    assert parse_scopes(["footage:read", "live:view"]) == {Scope.FOOTAGE_READ, Scope.LIVE_VIEW}
    with pytest.raises(InvalidInput, match="footage:read"):
        parse_scopes(["everything"])
