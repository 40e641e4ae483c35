"""The database: connections, transactions, migrations; the only door to SQLAlchemy's engine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from gatehouse_common.errors import InvalidInput, Unavailable
from gatehouse_common.sealing import Sealer

from .dialect import Dialect
from .mysql import MySQL
from .schema import current_revision, newest_revision, upgrade_schema
from .sqlite import SQLite

ANSWER_S = 30

_DIALECTS: dict[str, Dialect] = {"sqlite": SQLite(), "mysql": MySQL(), "mariadb": MySQL()}
_FORMS = "sqlite:///path or mysql://user:password@host/database"


class Database:
    """The SQL index.

    Opening it connects to nothing: recording must not wait for a database. Every use translates foreign errors
    into the tree of ``errors.py``, with a sentence that has no password in it: what breaks a CHECK is
    ``InvalidInput``, what breaks uniqueness ``Conflict``, a full disk ``ResourceExhausted``, a deadlock
    ``Contention``, all else ``Unavailable``: also a damaged file, for what waits to be written must wait until it is
    replaced.

    Args:
        url: ``sqlite:///path`` or ``mysql://user:password@host/database``, also ``mariadb:`` and as SQLAlchemy has it.
        answer_s: a server that does not answer for so many seconds is away.
        sealer: keeps passwords unreadable in it.

    Raises:
        InvalidInput: the URL cannot be read, or names a database that is not supported.
    """

    def __init__(self, url: str, answer_s: int = ANSWER_S, sealer: Sealer | None = None) -> None:
        self.sealer = sealer or Sealer()
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise InvalidInput(f"database_url is no database URL: use {_FORMS}", "database_url") from error
        dialect = _DIALECTS.get(parsed.get_backend_name())
        if dialect is None:
            raise InvalidInput(
                f"database_url begins with {parsed.get_backend_name()!r}, which is not supported: use {_FORMS}",
                "database_url",
            )
        self.shown = parsed.render_as_string(hide_password=True)
        self._dialect = dialect
        try:
            self.engine: Engine = dialect.connect(parsed, answer_s)
            self._lookups = dialect.lookups(self.engine, parsed, answer_s)
        except ArgumentError as error:
            raise InvalidInput(f"database_url: {error}; use {_FORMS}", "database_url") from error
        self._upgrading = threading.Lock()

    @contextmanager
    def begin(self, *, durable: bool = False) -> Iterator[Connection]:
        """Yield a connection inside a transaction: committed at the end, rolled back by an error.

        Args:
            durable: something is deleted because of it, so it must survive a power cut from the moment it is committed.
                Other transactions of a SQLite file, which are many, may be lost with the last seconds.
        """
        with self._translated(), self.engine.connect() as connection:
            connection.execution_options(writes=True, durable=durable)
            with connection.begin():
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection for reading: one consistent view, never waiting for a writer."""
        with self._translated(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def look(self) -> Iterator[Connection]:
        """Yield a connection for one statement that reads; a second one may see what was written since."""
        with self._translated(), self._lookups.connect() as connection:
            yield connection

    def check(self) -> None:
        """Return if the database answers and its schema is the one that this program needs, or a newer one.

        While an upgrade is rolled out, programs of the version before go on with what the new one has added.

        Raises:
            Unavailable: it does not.
        """
        with self.read() as connection:
            connection.execute(text("SELECT 1"))
            revision = current_revision(connection)
        if revision is None or revision < self.newest():
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
                upgrade_schema(connection, self.shown)

    def current(self) -> str | None:
        """Return the schema's revision, None for an empty database."""
        with self.read() as connection:
            return current_revision(connection)

    def newest(self) -> str:
        """Return the newest revision that this program knows."""
        return newest_revision()

    def close(self) -> None:
        """Close every connection."""
        self._lookups.dispose()
        self.engine.dispose()

    @contextmanager
    def _migrating(self) -> Iterator[Connection]:
        with self._translated(), self._dialect.migrating(self.engine, self.shown) as connection:
            yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self._dialect.understand(error, self.shown) from error
        except SQLAlchemyError as error:
            raise Unavailable(f"database {self.shown}: {error}") from error
