"""Letting somebody in takes a moment, in which an admin may have changed who that is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gatehouse_api.auth.doorkeeper import Doorkeeper
from gatehouse_api.auth.login_desk import Caller, LoginDesk
from gatehouse_common.accounts import ROLE_SCOPES, Principal, Role
from gatehouse_common.accounts.passwords import Passwords
from gatehouse_common.db import Audit, Users
from gatehouse_common.errors import Conflict, Unauthenticated
from gatehouse_common.runtime import Core
from gatehouse_common.settings import load

CALLER = Caller("192.0.2.1", "test")
GOOD, NEWER, RESET = "seven purple lamps hum", "nine yellow drums sing", "five silver gates creak"


class Interrupted(Passwords):
    """Passwords of little effort; something happens while one is compared."""

    def __init__(self, passes: int = 1) -> None:
        super().__init__(memory_kib=64, passes=passes)
        self.meanwhile: Callable[[], object] = lambda: None

    def verify(self, kept: str | None, password: str) -> bool:
        found = super().verify(kept, password)
        self.meanwhile()
        return found


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    made = Core.open(load({"data_dir": str(tmp_path), "broker_url": "memory:"}))
    made.db.upgrade()
    yield made
    made.close()


def test_who_was_changed_meanwhile_is_not_let_in(core: Core) -> None:
    keeper, passwords = Doorkeeper(core), Interrupted()
    desk = LoginDesk(core, keeper, passwords)
    desk.set_up("root", GOOD, "", CALLER, trusted=True)
    users = Users(core.db)
    ann = users.add("Ann", Role.VIEWER, 0, password=passwords.hash(GOOD))
    for change in ({"password": passwords.hash(RESET)}, {"state": "disabled"}):
        password = GOOD if "password" in change else RESET
        passwords.meanwhile = lambda change=change: users.change(ann.id, **change)  # type: ignore[misc]
        with pytest.raises(Unauthenticated):
            desk.log_in("Ann", password, CALLER)
        assert keeper.logins.list(ann.id, core.clock.now_us()) == []
    assert [e.deed.action for e in Audit(core.db).entries()] == ["installation.set_up"]  # nobody was let in


def test_a_password_that_was_reset_meanwhile_is_not_changed_back(core: Core) -> None:
    keeper, passwords = Doorkeeper(core), Interrupted()
    desk = LoginDesk(core, keeper, passwords)
    desk.set_up("root", GOOD, "", CALLER, trusted=True)
    users = Users(core.db)
    root = users.list()[0]
    asks = Principal(root.id, root.number, root.name, root.role, ROLE_SCOPES[root.role], None)
    reset = passwords.hash(RESET)
    passwords.meanwhile = lambda: users.change(root.id, password=reset)
    with pytest.raises(Conflict, match="changed since"):
        desk.change_password(asks, GOOD, NEWER, CALLER)
    assert users.get(root.id).password == reset


def test_a_session_begins_and_a_hash_of_little_effort_is_renewed(core: Core) -> None:
    keeper = Doorkeeper(core)
    LoginDesk(core, keeper, Interrupted()).set_up("root", GOOD, "", CALLER, trusted=True)
    better = Interrupted(passes=2)
    before = Users(core.db).list()[0].password
    cookie = LoginDesk(core, keeper, better).log_in("root", GOOD, CALLER)
    after = Users(core.db).list()[0].password
    assert keeper.logins.find(cookie, core.clock.now_us()) is not None
    assert after != before
    assert better.verify(after, GOOD)
