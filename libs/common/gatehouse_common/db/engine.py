"""The database: connections, transactions, migrations; the only door to SQLAlchemy's engine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from gatehouse_common.errors import Conflict, InvalidInput, ResourceExhausted, Unavailable

MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """The SQL index.

    Opening it connects to nothing: recording must not wait for a database. Every use translates foreign errors
    into ``Unavailable``, ``Conflict`` or ``ResourceExhausted``, with a sentence that has no password in it.

    Args:
        url: an SQLAlchemy URL: ``sqlite:///path``.

    Raises:
        InvalidInput: the URL cannot be read, or names a database that is not supported.
    """

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise InvalidInput(f"database_url is not a database URL: {error}", "database_url") from error
        if parsed.get_backend_name() != "sqlite":
            raise InvalidInput(
                f"database_url begins with {parsed.get_backend_name()!r}: this version supports sqlite:///path.",
                "database_url",
            )
        self.shown = parsed.render_as_string(hide_password=True)
        self.engine: Engine = create_engine(parsed, pool_pre_ping=False)
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
        """Bring the schema up to date, one process at a time; does nothing when it is. Never destroys data."""
        with self._upgrading, self.begin() as connection:
            config = self._config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

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

    @staticmethod
    def _config() -> Config:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        return config

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError as error:
            raise Conflict(f"the database refused it: {error.orig}") from error
        except OperationalError as error:
            if "full" in str(error.orig):
                raise ResourceExhausted(f"database {self.shown}: {error.orig}") from error
            raise Unavailable(f"database {self.shown}: {error.orig}") from error
        except SQLAlchemyError as error:
            raise Unavailable(f"database {self.shown}: {error}") from error


def _prepare_sqlite(dbapi: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # sqlite3's own transaction control would begin too late and commit before DDL; SQLAlchemy begins instead.
    dbapi.isolation_level = None
    cursor = dbapi.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer that begins as a reader and upgrades later can be refused at once, whatever the busy timeout is.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
