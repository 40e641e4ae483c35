"""Upgrades of a server of the MySQL family that were cut off go on where they were: each statement is a step.

There DDL commits by itself, statement by statement (https://dev.mysql.com/doc/refman/9.0/en/implicit-commit.html), and
is done as a whole or not at all (atomic DDL of MySQL 8 and MariaDB 10.6). Of a revision that a kill or a lost
connection ended in the midst, the next try would begin with the first statement and be refused for ever: that table is
there already. So every statement is noted before it is run and after it, in a table that is gone when the revision is
complete; what is done is not done again, and of the one that had begun, the server's word that it is done is taken.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from alembic.ddl.mysql import MySQLImpl
from alembic.runtime.migration import MigrationContext
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    MetaData,
    String,
    Table,
    delete,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.util import immutabledict

_STEPS = Table(
    "migration_steps",
    MetaData(),
    Column("id", String(64), primary_key=True),  # SHA-256 of the statement, and of how often it came before
    Column("done", Boolean, nullable=False),
    mysql_engine="InnoDB",
)

# The server says that what a statement makes is there, or that what it takes away is not (mysqld_error.h): table,
# column, key, primary key, foreign key; then checks, of which MySQL 8 and MariaDB have numbers of their own.
_DONE_BEFORE: Final = frozenset({1050, 1051, 1060, 1061, 1068, 1091, 1826, 3821, 3822, 3940})


class StepwiseMySQL(MySQLImpl):
    """Alembic's way to MySQL and MariaDB, each of whose statements is run once, however often an upgrade is begun.

    Defining it makes it the one that Alembic takes.
    """

    __dialect__ = "mysql"

    _found: dict[str, bool]
    _seen: Counter[str]
    _is_there: bool

    def start_migrations(self) -> None:
        """Read what an upgrade that was cut off has done."""
        self._found, self._seen = {}, Counter()
        self._is_there = inspect(self._server).has_table(_STEPS.name)
        if self._is_there:
            self._found = {row.id: row.done for row in self._server.execute(select(_STEPS))}

    def forget_steps(self) -> None:
        """A revision is complete: what comes now begins with its first step. Committed together with the revision."""
        if not self._is_there:
            return
        self._note(delete(_STEPS))
        self._found.clear()
        self._seen.clear()
        _STEPS.drop(self._server)  # not before they are forgotten: that commits by itself
        self._is_there = False

    @property
    def _server(self) -> Connection:
        if self.connection is None:
            raise TypeError("statements that are only written, and not run, are no steps")
        return self.connection

    def _exec(
        self,
        construct: Executable | str,
        execution_options: Mapping[str, Any] | None = None,
        multiparams: Sequence[Mapping[str, Any]] | None = None,
        params: Mapping[str, Any] = immutabledict(),
    ) -> CursorResult[Any] | None:
        if isinstance(construct, UpdateBase):  # Alembic's own note of the revision
            return super()._exec(construct, execution_options, multiparams, params)
        statement = text(construct) if isinstance(construct, str) else construct
        step = self._step(str(statement.compile(dialect=self.dialect)))  # type: ignore[attr-defined]
        done = self._found.get(step)
        if done:
            return None
        if not self._is_there:
            _STEPS.create(self._server)
            self._is_there = True
        if done is None:
            self._note(insert(_STEPS).values(id=step, done=False))
        try:
            super()._exec(statement, execution_options, multiparams, params)
        except DBAPIError as error:
            if error.connection_invalidated:
                raise  # nobody knows whether it is done
            if done is None or _code(error) not in _DONE_BEFORE:
                self._note(delete(_STEPS).where(_STEPS.c.id == step))
                raise
        self._note(update(_STEPS).where(_STEPS.c.id == step).values(done=True))
        return None

    def _step(self, statement: str) -> str:
        self._seen[statement] += 1
        return hashlib.sha256(f"{self._seen[statement]} {statement}".encode()).hexdigest()

    def _note(self, statement: UpdateBase) -> None:
        """Run it and commit: with what a statement that is no DDL has changed.

        The server commits; to SQLAlchemy the transaction goes on, of which Alembic believes that it is its own.
        """
        self._server.execute(statement)
        self._server.exec_driver_sql("COMMIT")


def revision_applied(ctx: MigrationContext, *_: object, **_of_the_step: object) -> None:
    """Be told by Alembic, which gives all by name, that a revision is complete (``on_version_apply``)."""
    if isinstance(ctx.impl, StepwiseMySQL):
        ctx.impl.forget_steps()


def _code(error: DBAPIError) -> int:
    return error.orig.args[0] if error.orig is not None and error.orig.args else 0
