"""The database: connections, transactions, migrations; the only door to SQLAlchemy's engine."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from gatehouse_common.errors import Conflict, DataLoss, GatehouseError, InvalidInput, ResourceExhausted, Unavailable

MIGRATIONS = Path(__file__).parent / "migrations"

_BUSY_MS = 10_000  # how long a writer waits for another
_PAUSE_MS = 20
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class Database:
    """The SQL index.

    Opening it connects to nothing: recording must not wait for a database. Every use translates foreign errors
    into the tree of ``errors.py``, with a sentence that has no password in it: what breaks a CHECK is
    ``InvalidInput``, what breaks uniqueness ``Conflict``, a full disk ``ResourceExhausted``, all else
    ``Unavailable``: also a damaged file, for what waits to be written must wait until it is replaced.

    Args:
        url: an SQLAlchemy URL: ``sqlite:///path``.

    Raises:
        InvalidInput: the URL cannot be read, or names a database that is not supported.
    """

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise InvalidInput("database_url is no database URL: use sqlite:///path", "database_url") from error
        if parsed.get_backend_name() != "sqlite":
            raise InvalidInput(
                f"database_url begins with {parsed.get_backend_name()!r}: this version supports sqlite:///path.",
                "database_url",
            )
        self.shown = parsed.render_as_string(hide_password=True)
        try:
            # Look-ups are short: a thread that finds all connections in use waits for one rather than fails.
            self.engine: Engine = create_engine(
                parsed, pool_size=8, max_overflow=24, pool_timeout=10, hide_parameters=True
            )
        except ArgumentError as error:
            raise InvalidInput(f"database_url: {error}; use sqlite:///path", "database_url") from error
        event.listen(self.engine, "connect", _prepare_sqlite)
        event.listen(self.engine, "begin", _begin_sqlite)
        self._upgrading = threading.Lock()

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Yield a connection inside a transaction: committed at the end, rolled back by an error."""
        with self._translated(), self.engine.connect() as connection:
            connection.execution_options(writes=True)
            with connection.begin():
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection for reading: one consistent view, never waiting for a writer."""
        with self._translated(), self.engine.connect() as connection:
            yield connection

    def check(self) -> None:
        """Return if the database answers and has the newest schema.

        Raises:
            Unavailable: it does not.
        """
        with self.read() as connection:
            connection.execute(text("SELECT 1"))
            revision = MigrationContext.configure(connection).get_current_revision()
        if revision != self.newest():
            raise Unavailable(f"database {self.shown} is at schema {revision}, this program needs {self.newest()}")

    def upgrade(self) -> None:
        """Bring the schema up to date, one process at a time; does nothing when it is. Never destroys data.

        Raises:
            Conflict: a newer version of this program has upgraded it further.
        """
        with self._upgrading:
            if self.current() == self.newest():
                return
            with self._migrating() as connection:
                command.upgrade(self._config(connection), "head")

    def current(self) -> str | None:
        """Return the schema's revision, None for an empty database."""
        with self.read() as connection:
            return MigrationContext.configure(connection).get_current_revision()

    def newest(self) -> str | None:
        """Return the newest revision that this program knows."""
        return ScriptDirectory.from_config(self._config()).get_current_head()

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @contextmanager
    def _migrating(self) -> Iterator[Connection]:
        """Yield a connection inside a transaction in which tables may be made anew.

        SQLite alters a table by copying it and dropping the old one, which deletes its rows first, and with them
        whatever refers to them. So foreign keys are not enforced meanwhile, and are checked before the end.
        """
        with self._translated(), self.engine.connect() as connection:
            dbapi = connection.connection.dbapi_connection
            assert dbapi is not None  # noqa: S101 - it was connected in the line above
            _run(dbapi, "PRAGMA foreign_keys=OFF")  # does nothing inside a transaction
            try:
                connection.execution_options(writes=True)
                with connection.begin():
                    yield connection
                    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
                    if broken is not None:
                        raise DataLoss(f"upgrading {self.shown} would leave rows of {broken[0]} without what they name")
            finally:
                _run(dbapi, "PRAGMA foreign_keys=ON")

    @staticmethod
    def _config(connection: Connection | None = None) -> Config:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        return config

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self._translate(error) from error
        except SQLAlchemyError as error:
            raise Unavailable(f"database {self.shown}: {error}") from error
        except CommandError as error:
            raise Conflict(
                f"database {self.shown} has a schema that this program does not know ({error}): "
                "it was used by a newer version, run that one."
            ) from error

    def _translate(self, error: DBAPIError) -> GatehouseError:
        # Only the driver's own sentence is passed on: the statement's parameters may hold credentials.
        code = getattr(error.orig, "sqlite_errorcode", None) or 0
        said = f"database {self.shown}: {error.orig}"
        if isinstance(error, IntegrityError):
            kind = InvalidInput if code == sqlite3.SQLITE_CONSTRAINT_CHECK else Conflict
            return kind(f"the database refused it: {error.orig}")
        if code & 0xFF == sqlite3.SQLITE_FULL:
            return ResourceExhausted(said)
        if code & 0xFF in _DAMAGED:
            return Unavailable(f"{said}: the file is damaged; footage is not, an index can be made from it anew")
        return Unavailable(said)


def _prepare_sqlite(dbapi: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
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


def _run(dbapi: DBAPIConnection, statement: str) -> None:
    cursor = dbapi.cursor()
    cursor.execute(statement)
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer that begins as a reader and upgrades later can be refused at once, whatever the busy timeout is.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
