"""Rows that another writer may be adding at this very moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, insert, inspect, select
from sqlalchemy.exc import IntegrityError

from .models import Base

# SQLITE_CONSTRAINT_PRIMARYKEY and SQLITE_CONSTRAINT_UNIQUE; ER_DUP_ENTRY.
_TAKEN: Final = frozenset({1555, 2067, 1062})


def insert_new(connection: Connection, table: type[Base], row: Mapping[str, Any]) -> bool:
    """Insert a row and return True, or return False if there is one of its primary key; the transaction goes on.

    To look first and insert then would let two writers find nothing, and the later one fail. A statement that breaks
    a constraint undoes itself alone, in SQLite as in MySQL. The row that is there is locked until the end.

    Raises:
        IntegrityError: something else is taken, or refused.
    """
    try:
        connection.execute(insert(table).values(dict(row)))
    except IntegrityError as error:
        keys = inspect(table).primary_key
        same = select(*keys).where(*(key == row[key.name] for key in keys)).with_for_update()
        if _code(error) not in _TAKEN or connection.execute(same).first() is None:
            raise
        return False
    return True


def _code(error: IntegrityError) -> int:
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is None and error.orig is not None and error.orig.args:
        code = error.orig.args[0]
    return int(code or 0)
