"""What the tests of accounts on every database share."""

from __future__ import annotations

import threading
from collections.abc import Callable

from sqlalchemy import select

from gatehouse_common.accounts import Role
from gatehouse_common.clock import HOUR, SECOND
from gatehouse_common.db import Database, User, Users

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
