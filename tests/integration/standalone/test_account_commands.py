"""``gatehouse user``, ``token`` and ``audit`` on a real index: what is told, what then holds, what is on record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import delete, update

from gatehouse.cli.entry import root
from gatehouse_api.auth.doorkeeper import Doorkeeper
from gatehouse_api.auth.login_desk import Caller, LoginDesk
from gatehouse_common.clock import HOUR, SECOND, SystemClock
from gatehouse_common.db import (
    Audit,
    Camera,
    CameraRepository,
    Database,
    Entry,
    LoginAttempts,
    Logins,
    MediaLibrary,
    MediaQuery,
    Tokens,
    Users,
)
from gatehouse_common.db.account_models import AuditRow
from gatehouse_common.errors import Conflict, GatehouseError, InvalidInput, NotFound, TooOften
from gatehouse_common.runtime import Core
from gatehouse_common.settings import load
from media_rows import put

GOOD, OTHER = "seven purple lamps hum", "nine yellow drums sing"
GUESSES, GUESSING_US = 15, 1023 * SECOND
"""So many wrong guesses take so long, and the pause after them is a quarter of an hour."""
ENVIRONMENT = {"GATEHOUSE_TIMEZONE": "Europe/Berlin"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def run(data: Path, *words: str, given: str = "") -> Result:
    return CliRunner().invoke(root, [*words, "--data", str(data)], input=given, env=ENVIRONMENT)


def done(data: Path, *words: str, given: str = "") -> Result:
    result = run(data, *words, given=given)
    assert result.exit_code == 0, (result.output, result.exception)
    return result


def refused(data: Path, *words: str, given: str = "") -> GatehouseError:
    error = run(data, *words, given=given).exception
    assert isinstance(error, GatehouseError), error
    assert "\n" not in error.message
    return error


def add(data: Path, name: str, role: str, password: str = GOOD) -> Result:
    return done(data, "user", "add", name, "--role", role, "--password-stdin", given=f"{password}\n")


def index(data: Path) -> Database:
    return Database(f"sqlite:///{data}/gatehouse.db")


def entries(data: Path) -> list[Entry]:
    """What is on record, the oldest first; all of it by this machine's command line."""
    db = index(data)
    found = Audit(db).entries(limit=1000)[::-1]
    assert list(Audit(db).broken()) == []
    db.close()
    assert {(e.deed.actor, e.deed.actor_id, e.deed.address, e.deed.done) for e in found} <= {("", None, "", True)}
    return found


def actions(data: Path) -> list[tuple[str, str]]:
    return [(entry.deed.action, entry.deed.subject) for entry in entries(data)]


def listed(data: Path) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in json.loads(done(data, "user", "list", "--json").stdout)}


def everything_written(data: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in sorted(data.rglob("*")) if path.is_file())


class TestUsers:
    def test_users_are_added_listed_and_removed(self, data: Path) -> None:
        told = add(data, "Zoë", "viewer")
        assert told.stdout == "User Zoë is added as viewer.\n"
        assert "no admin yet" in told.stderr
        assert add(data, "root", "admin").stderr == ""
        assert done(data, "user", "list").stdout.splitlines() == [
            "root  admin     active    never logged in  all cameras",
            "Zoë   viewer    active    never logged in  no camera",
        ]
        found = listed(data)
        assert (found["Zoë"]["role"], found["Zoë"]["all_cameras"], found["Zoë"]["has_password"]) == (
            "viewer",
            False,
            True,
        )
        assert found["root"]["created"].endswith(("+01:00", "+02:00"))
        assert "argon2" not in json.dumps(found)
        assert done(data, "user", "remove", "ZOË").stdout == "User Zoë is removed.\n"
        assert list(listed(data)) == ["root"]
        assert actions(data) == [("user.added", "user Zoë"), ("user.added", "user root"), ("user.removed", "user Zoë")]

    def test_what_one_has_is_handed_over_to_another(self, data: Path) -> None:
        """After an index was made anew, two accounts may be one person."""
        add(data, "Ann", "operator")
        add(data, "Ann (2)", "uploader")
        db = index(data)
        ann, other = Users(db).named("Ann"), Users(db).named("Ann (2)")
        assert ann is not None
        assert other is not None
        put(db, 1, owner=other.number)
        told = done(data, "user", "hand-over", "Ann (2)", "Ann").stdout
        assert told == "1 uploads and exports and 0 recorder sessions of Ann (2) are Ann's.\n"
        assert [one.owner_name for one in MediaLibrary(db, ann.number).find(MediaQuery(), 9)] == ["Ann"]
        db.close()
        assert actions(data)[-1] == ("user.handed_over", "user Ann (2)")
        assert isinstance(refused(data, "user", "hand-over", "Ann", "ann"), InvalidInput)
        assert isinstance(refused(data, "user", "hand-over", "nobody", "Ann"), NotFound)

    def test_what_cannot_be_is_told_and_changes_nothing(self, data: Path, tmp_path: Path) -> None:
        add(data, "root", "admin")
        before = actions(data)
        taken = refused(data, "user", "add", "ROOT", "--role", "viewer", "--password-stdin", given=OTHER)
        assert isinstance(taken, Conflict)
        for name in ("", "a\u202eb"):
            assert isinstance(refused(data, "user", "add", name, "--role", "viewer"), InvalidInput)
        for words in (
            ["remove", "ann"],
            ["set", "ann", "--disable"],
            ["grant", "ann", "gate"],
            ["revoke", "ann", "gate"],
        ):
            assert "no user 'ann'" in refused(data, "user", *words).message
        assert isinstance(refused(data, "user", "revoke", "root", "gate"), NotFound)
        assert isinstance(refused(data, "user", "grant", "root", "../gate"), InvalidInput)
        assert "nothing to change" in refused(data, "user", "set", "root").message
        for words in (["set", "root", "--disable"], ["set", "root", "--role", "viewer"], ["remove", "root"]):
            assert "last admin" in refused(data, "user", *words).message
        assert run(data, "user", "set", "root", "--role", "king").exit_code == 2
        assert isinstance(refused(tmp_path / "nowhere", "user", "list"), NotFound)
        assert actions(data) == before
        assert not (tmp_path / "nowhere").exists()

    def test_a_change_holds_and_says_what_was_before(self, data: Path) -> None:
        add(data, "root", "admin")
        add(data, "ann", "viewer")
        told = done(data, "user", "set", "ann", "--role", "operator", "--disable", "--all-cameras")
        assert told.stdout == "User ann is changed: operator, disabled, all cameras.\n"
        ann = listed(data)["ann"]
        assert (ann["role"], ann["state"], ann["all_cameras"]) == ("operator", "disabled", True)
        assert entries(data)[-1].deed.detail == {
            "before": {"role": "viewer", "state": "active", "all_cameras": False},
            "after": {"role": "operator", "state": "disabled", "all_cameras": True},
        }
        done(data, "user", "set", "ann", "--enable")
        assert listed(data)["ann"]["state"] == "active"

    def test_cameras_are_granted_one_by_one(self, data: Path) -> None:
        add(data, "ann", "viewer")
        db = index(data)
        CameraRepository(db).add(Camera(id="gate", url="synthetic:", name="gate", created_us=1))
        db.close()
        assert done(data, "user", "grant", "ann", "gate").stderr == ""
        assert "no camera yard" in done(data, "user", "grant", "ann", "yard").stderr
        limited = done(
            data,
            "user",
            "grant",
            "ann",
            "gate",
            "--permission",
            "live",
            "--permission",
            "playback",
            "--last-hours",
            "24",
        )
        assert limited.stdout == "User ann is granted gate (live, playback, last 24 h).\n"
        assert done(data, "user", "list").stdout.split("  ")[-1] == "gate (live, playback, last 24 h), yard\n"
        done(data, "user", "revoke", "ann", "yard")
        assert listed(data)["ann"]["grants"] == [
            {"camera": "gate", "permissions": ["live", "playback"], "last_hours": 24.0}
        ]
        done(data, "user", "set", "ann", "--all-cameras")
        assert "all cameras as it is" in done(data, "user", "revoke", "ann", "gate").stderr
        assert [a for a, _ in actions(data)][-3:] == ["grant.revoked", "user.changed", "grant.revoked"]


class TestPasswords:
    def test_a_password_is_read_from_a_file_or_standard_input(self, data: Path, tmp_path: Path) -> None:
        file = tmp_path / "secret"
        file.write_bytes(f"{GOOD}\r\nand what is below\n".encode())
        done(data, "user", "add", "root", "--role", "admin", "--password-file", str(file))
        assert self.log_in(data, "root", GOOD)
        add(data, "ann", "viewer", OTHER)
        assert self.log_in(data, "ann", OTHER)

    def test_a_password_that_cannot_be_used_is_told_and_nobody_is_added(self, data: Path, tmp_path: Path) -> None:
        add(data, "root", "admin")
        file = tmp_path / "secret"
        file.write_bytes(b"\xff\xfe purple lamps hum\n")
        wrong = [
            (["--password-stdin"], "at least 12", "short\n"),
            (["--password-stdin"], "at least 12", ""),
            (["--password-stdin"], "choose another", "password1234\n"),
            (["--password-stdin"], "choose another", "ann-ann-ann-ann\n"),
            (["--password-stdin"], "at most 1024", "ab cd" * 3000),
            (["--password-file", str(file)], "UTF-8", ""),
            (["--password-file", str(tmp_path / "none")], "No such file", ""),
            (["--password-file", str(tmp_path)], "directory", ""),
            (["--password-file", str(file), "--password-stdin"], "not go together", ""),
            ([], "no terminal", f"{GOOD}\n"),
        ]
        for options, said, given in wrong:
            error = refused(data, "user", "add", "ann", "--role", "viewer", *options, given=given)
            assert said in error.message
            assert given.strip() == "" or given.strip() not in error.message
        assert list(listed(data)) == ["root"]
        assert len(entries(data)) == 1

    def test_an_only_admin_who_is_kept_out_by_guesses_comes_in_again(self, data: Path) -> None:
        """A reset ends what others guessed and did: their sessions, and the pause that they caused."""
        add(data, "root", "admin")
        db = index(data)
        user, now_us = Users(db).list()[0], SystemClock().now_us()
        cookie = Logins(db).begin(user.id, now_us, "192.0.2.66", "theirs")
        guesses, at = LoginAttempts(db), now_us - GUESSING_US
        while guesses.failures("root") < GUESSES:
            at += guesses.begin("root", "192.0.2.66", at)
        with pytest.raises(TooOften):
            self.log_in(data, "root", GOOD)
        told = done(data, "user", "reset-password", "ROOT", "--password-stdin", given=f"{OTHER}\n")
        assert told.stdout == "User root has another password; its sessions have ended.\n"
        assert told.stderr == ""
        assert self.log_in(data, "root", OTHER)
        assert Logins(db).find(cookie, now_us) is None
        db.close()
        with pytest.raises(GatehouseError):
            self.log_in(data, "root", GOOD)

    def test_who_is_disabled_is_told_to_stay_so(self, data: Path) -> None:
        add(data, "root", "admin")
        add(data, "ann", "viewer")
        done(data, "user", "set", "ann", "--disable")
        told = done(data, "user", "reset-password", "ann", "--password-stdin", given=f"{OTHER}\n")
        assert "It is disabled" in told.stderr

    @staticmethod
    def log_in(data: Path, name: str, password: str) -> str:
        core = Core.open(load({"data_dir": str(data), "broker_url": "memory:"}))
        try:
            return LoginDesk(core, Doorkeeper(core)).log_in(name, password, Caller("192.0.2.1", "test"))
        finally:
            core.close()


class TestTokens:
    SCOPES = ("--scope", "live:view", "--scope", "footage:read")

    def create(self, data: Path, *words: str) -> Result:
        return done(data, "token", "create", "--user", "ann", "--name", "nightly", *self.SCOPES, *words)

    def test_a_token_is_shown_once_and_opens_what_it_is_for(self, data: Path) -> None:
        add(data, "ann", "viewer")
        limits = ("--camera", "gate", "--network", "10.1.2.3/8", "--days", "0.5")
        made = self.create(data, *limits)
        text = made.stdout.strip()
        db, now_us = index(data), SystemClock().now_us()
        found = Tokens(db).find(text, now_us, "10.9.9.9")
        assert found is not None
        assert (found.scopes, found.cameras, found.networks) == (
            ["footage:read", "live:view"],
            ["gate"],
            ["10.0.0.0/8"],
        )
        assert Tokens(db).find(text, now_us, "192.0.2.1") is None
        assert Tokens(db).find(text, now_us + 12 * HOUR, "10.9.9.9") is None
        assert found.id in made.stderr
        (one,) = json.loads(done(data, "token", "list", "--json").stdout)
        assert (one["id"], one["user"], one["name"], one["used_from"]) == (found.id, "ann", "nightly", "10.9.9.9")
        assert one["revoked"] is None
        line = done(data, "token", "list", "--user", "ann").stdout
        assert f"{found.id}  ann  nightly: footage:read, live:view; cameras gate; from 10.0.0.0/8; used " in line
        assert text not in line + json.dumps(one) + made.stderr
        assert done(data, "token", "revoke", found.id).stdout == f"Token {found.id} is revoked.\n"
        assert "was revoked" in done(data, "token", "revoke", found.id).stdout
        assert "; revoked " in done(data, "token", "list").stdout
        assert Tokens(db).find(text, now_us, "10.9.9.9") is None
        db.close()
        assert actions(data)[1:] == [("token.made", f"token {found.id}"), ("token.revoked", f"token {found.id}")]

    def test_what_a_role_may_not_is_told(self, data: Path) -> None:
        add(data, "ann", "viewer")
        assert "no use for users:admin" in self.create(data, "--scope", "users:admin").stderr

    def test_a_token_for_nothing_is_told(self, data: Path) -> None:
        add(data, "ann", "viewer")
        create = ("token", "create", "--user", "ann", "--name")
        for words in (
            (*create, "a", "--scope", "fly"),
            (*create, " ", *self.SCOPES),
            (*create, "a", *self.SCOPES, "--camera", "../x"),
            (*create, "a", *self.SCOPES, "--network", "everywhere"),
        ):
            assert isinstance(refused(data, *words), InvalidInput)
        assert run(data, *create, "a", *self.SCOPES, "--days", "0").exit_code == 2
        assert run(data, *create, "a").exit_code == 2
        assert isinstance(refused(data, "token", "create", "--user", "x", "--name", "a", *self.SCOPES), NotFound)
        assert isinstance(refused(data, "token", "revoke", "aaaaaaaaaaaa"), NotFound)
        done(data, "user", "set", "ann", "--disable")
        assert isinstance(refused(data, *create, "a", *self.SCOPES), Conflict)
        assert json.loads(done(data, "token", "list", "--json").stdout) == []


class TestAudit:
    def fill(self, data: Path) -> None:
        for name, role in (("root", "admin"), ("ann", "viewer"), ("ben", "uploader")):
            add(data, name, role)
        done(data, "user", "grant", "ann", "gate")

    def numbers(self, data: Path, *words: str) -> list[int]:
        return [one["number"] for one in json.loads(done(data, "audit", "list", *words, "--json").stdout)]

    def test_entries_are_found_by_what_and_when_and_who(self, data: Path) -> None:
        self.fill(data)
        assert self.numbers(data) == [4, 3, 2, 1]
        assert self.numbers(data, "--action", "user.added", "--limit", "2") == [3, 2]
        assert self.numbers(data, "--action", "grant.") == [4]
        assert self.numbers(data, "--actor", "root") == []
        second = json.loads(done(data, "audit", "list", "--json").stdout)[2]
        assert second["time"].endswith(("+01:00", "+02:00"))
        assert self.numbers(data, "--from", second["time"]) == [4, 3, 2]
        assert self.numbers(data, "--to", second["time"]) == [1]
        assert isinstance(refused(data, "audit", "list", "--from", "soon"), InvalidInput)
        assert isinstance(refused(data, "audit", "list", "--from", "2024-01-02", "--to", "2024-01-01"), InvalidInput)

    def test_entries_in_words(self, data: Path) -> None:
        self.fill(data)
        newest, *_, oldest = done(data, "audit", "list").stdout.splitlines()
        assert newest.startswith("4  20")
        assert "  command line  grant.made  user ann  {" in newest
        assert oldest.endswith('  command line  user.added  user root  {"role": "admin", "all_cameras": true}')
        db = index(data)
        with db.begin() as c:
            deed = {"actor": "ann\x1b[2J", "address": "192.0.2.1", "token": "aaaa", "done": False, "note": "may not"}
            c.execute(update(AuditRow).where(AuditRow.number == 4).values(deed))
        db.close()
        (line,) = done(data, "audit", "list", "--limit", "1").stdout.splitlines()
        assert "  ann\\x1b[2J by token aaaa from 192.0.2.1  grant.made  user ann (refused): may not  {" in line

    def test_a_chain_that_is_broken_is_told(self, data: Path) -> None:
        self.fill(data)
        whole = done(data, "audit", "verify").stdout
        newest = entries(data)[-1]
        assert whole == f"The audit log is whole. Its newest entry is 4, with digest {newest.digest}.\n"
        assert json.loads(done(data, "audit", "verify", "--json").stdout) == {
            "whole": True,
            "newest": 4,
            "digest": newest.digest,
            "broken": [],
        }
        db = index(data)
        with db.begin() as c:
            c.execute(update(AuditRow).where(AuditRow.number == 2).values(subject="user eve"))
            c.execute(delete(AuditRow).where(AuditRow.number == 4))
        db.close()
        found = run(data, "audit", "verify")
        assert found.exit_code == 1
        assert found.stdout.splitlines() == [
            "entry 2 is not as it was written",
            "entry 4 is missing",
            "The audit log is not as it was written.",
        ]
        told = run(data, "audit", "verify", "--json")
        assert told.exit_code == 1
        assert json.loads(told.stdout)["broken"] == ["entry 2 is not as it was written", "entry 4 is missing"]

    def test_an_empty_log_is_whole(self, data: Path, tmp_path: Path) -> None:
        done(data, "camera", "add", "gate", "synthetic:")
        assert done(data, "audit", "verify").stdout == "There is no entry yet.\n"
        assert isinstance(refused(tmp_path / "nowhere", "audit", "verify"), NotFound)


def test_no_secret_is_written_anywhere(data: Path) -> None:
    """Neither passwords nor tokens, in the index or beside it."""
    add(data, "root", "admin")
    done(data, "user", "reset-password", "root", "--password-stdin", given=f"{OTHER}\n")
    made = done(data, "token", "create", "--user", "root", "--name", "nightly", "--scope", "live:view").stdout.strip()
    done(data, "token", "list")
    written = everything_written(data)
    assert b"nightly" in written
    for secret in (GOOD, OTHER, made, made.rpartition("_")[2]):
        assert secret.encode() not in written
