"""SQLite: one writer at a time, readers that never wait, and a file that may be damaged."""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.pool import ConnectionPoolEntry

from gatehouse_common.errors import Conflict, DataLoss, GatehouseError, InvalidInput, ResourceExhausted, Unavailable

_BUSY_MS = 10_000  # how long a writer waits for another
_PAUSE_MS = 20
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class SQLite:
    """A database in a file."""

    def connect(self, url: URL, answer_s: int) -> Engine:  # noqa: ARG002 - a file always answers
        """Return an engine. Look-ups are short: a thread that finds all connections in use waits for one.

        The connection that was used last is used first: what it has read it need not read again.
        """
        engine = create_engine(
            url, pool_size=8, max_overflow=24, pool_timeout=10, pool_use_lifo=True, hide_parameters=True
        )
        engine.dialect.statement_compiler = _Compiler
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
        event.listen(engine, "after_cursor_execute", _note_cursor)
        event.listen(engine, "checkin", _end_reads)
        return engine

    def lookups(self, engine: Engine, url: URL, answer_s: int) -> Engine:  # noqa: ARG002 - as above
        """Return the engine itself, without the statement that begins a transaction: it takes as long as a look-up."""
        return engine.execution_options(looks=True)

    @contextmanager
    def migrating(self, engine: Engine, shown: str) -> Iterator[Connection]:
        """Yield a connection inside a transaction in which tables may be made anew.

        SQLite alters a table by copying it and dropping the old one, which deletes its rows first, and with them
        whatever refers to them. So foreign keys are not enforced meanwhile, and are checked before the end.

        Raises:
            DataLoss: a row would be left without what it names.
        """
        with engine.connect() as connection:
            dbapi = connection.connection.dbapi_connection
            assert dbapi is not None  # noqa: S101 - it was connected in the line above
            _run(dbapi, "PRAGMA foreign_keys=OFF")  # does nothing inside a transaction
            try:
                connection.execution_options(writes=True)
                with connection.begin():
                    yield connection
                    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
                    if broken is not None:
                        raise DataLoss(f"upgrading {shown} would leave rows of {broken[0]} without what they name")
            finally:
                _run(dbapi, "PRAGMA foreign_keys=ON")

    def understand(self, error: DBAPIError, shown: str) -> GatehouseError:
        """Return the error by SQLite's own code."""
        code = getattr(error.orig, "sqlite_errorcode", None) or 0
        said = f"database {shown}: {error.orig}"
        if isinstance(error, IntegrityError):
            kind = InvalidInput if code == sqlite3.SQLITE_CONSTRAINT_CHECK else Conflict
            return kind(f"the database refused it: {error.orig}")
        if code & 0xFF == sqlite3.SQLITE_FULL:
            return ResourceExhausted(said)
        if code & 0xFF in _DAMAGED:
            return Unavailable(f"{said}: the file is damaged; footage is not, an index can be made from it anew")
        return Unavailable(said)


class _Compiler(SQLiteCompiler):
    """Writes ``INDEXED BY`` where a query says so; without statistics, SQLite often takes the other index."""

    def get_from_hint_text(self, table: object, text: str | None) -> str | None:  # noqa: ARG002 - SQLAlchemy's
        return text


def _prepare(dbapi: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # sqlite3's own transaction control would begin too late and commit before DDL; SQLAlchemy begins instead.
    dbapi.isolation_level = None
    for pragma in (f"busy_timeout={_BUSY_MS}", "synchronous=NORMAL", "foreign_keys=ON"):
        _run(dbapi, f"PRAGMA {pragma}")
    # Going over to WAL is the one thing for which SQLite does not wait by itself: of processes that open a new
    # database together, all but one are refused at once.
    for attempt in range(_BUSY_MS // _PAUSE_MS):
        try:
            _run(dbapi, "PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or attempt == _BUSY_MS // _PAUSE_MS - 1:
                raise
            threading.Event().wait(_PAUSE_MS / 1000)
        else:
            return


def _note_cursor(connection: Connection, cursor: DBAPICursor, *_of_the_statement: object) -> None:
    connection.info.setdefault("cursors", weakref.WeakSet()).add(cursor)


def _end_reads(_dbapi: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
    # An error that leaves a result half read keeps its cursor for as long as somebody keeps the error, and neither a
    # commit nor a rollback ends what is read: whoever has the connection next would see the database as it was then,
    # and be refused as soon as they write, as if it were locked.
    for cursor in entry.info.pop("cursors", ()):
        with suppress(sqlite3.Error):  # of a connection that is gone; it has to go back all the same
            cursor.close()


def _run(dbapi: DBAPIConnection, statement: str) -> None:
    cursor = dbapi.cursor()
    cursor.execute(statement)
    cursor.close()


def _begin(connection: Connection) -> None:
    # Can only be said outside of a transaction, and is of the connection, which others use after this one.
    options = connection.get_execution_options()
    if options.get("looks"):  # one statement is a transaction by itself
        return
    wanted, writes = "FULL" if options.get("durable") else "NORMAL", options.get("writes")
    if writes and connection.info.setdefault("synchronous", "NORMAL") != wanted:  # who reads makes nothing durable
        connection.exec_driver_sql(f"PRAGMA synchronous={wanted}")
        connection.info["synchronous"] = wanted
    # A writer that begins as a reader and upgrades later can be refused at once, whatever the busy timeout is.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
