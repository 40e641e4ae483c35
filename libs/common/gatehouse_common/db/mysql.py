"""MySQL and MariaDB through PyMySQL: many writers, deadlocks, and a server that may go away and come back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError
from sqlalchemy.pool import ConnectionPoolEntry

from gatehouse_common.errors import Conflict, GatehouseError, InvalidInput, ResourceExhausted, Unavailable

from .contention import Contention

_CONNECT_S = 5
_RECYCLE_S = 1800
_FRESH_S = 1.0
_MIGRATION_LOCK = "gatehouse-migrations"
_MIGRATION_S = 25  # less than an answer may take
_STATEMENT_S = 3600  # a column or an index of a table of millions of rows

# Codes of the server, mysqld_error.h; the last two of checks are MySQL's and MariaDB's. 1020: a row was changed since
# the transaction read it, of which MariaDB tells by default from 11.6.2 on (innodb_snapshot_isolation).
_CONTENTION: Final = frozenset({1020, 1205, 1213})
_FULL: Final = frozenset({1021, 1041, 1114, 3675})
_REFUSED: Final = frozenset({1264, 1406, 1048, 3819, 4025})
_EXPLAINED: Final = {
    1044: "this user may not use that database",
    1045: "user or password is wrong",
    1049: "there is no such database",
    2003: "the server cannot be reached",
}


class MySQL:
    """A server of the MySQL family."""

    def connect(self, url: URL, answer_s: int) -> Engine:
        """Return an engine: connections are tried before use, since the server may have been started anew."""
        return _engine(url, answer_s, pool_pre_ping=True)

    def lookups(self, engine: Engine, url: URL, answer_s: int) -> Engine:  # noqa: ARG002 - has its own connections
        """Return an engine that asks the server once for a look-up, and not also for a sign of life and a rollback.

        A connection that has not been used for a second is tried before; one that broke within it costs one answer.
        """
        lookups = _engine(url, answer_s, isolation_level="AUTOCOMMIT", skip_autocommit_rollback=True)
        event.listen(lookups, "checkin", _note_use)
        event.listen(lookups, "checkout", _try_if_idle)
        return lookups

    @contextmanager
    def migrating(self, engine: Engine, shown: str) -> Iterator[Connection]:
        """Yield a connection that holds a lock of the server's: DDL commits by itself here, statement by statement.

        It waits for a statement as long as that takes, up to an hour.

        Raises:
            Unavailable: another process has been at it for 25 s; the next try finds what it did.
        """
        patient = _engine(engine.url, _STATEMENT_S)
        try:
            with patient.connect() as connection:
                wait = {"name": _MIGRATION_LOCK, "seconds": _MIGRATION_S}
                if connection.execute(text("SELECT GET_LOCK(:name, :seconds)"), wait).scalar() != 1:
                    raise Unavailable(f"database {shown} is being upgraded by another process")
                try:
                    yield connection
                    connection.commit()
                finally:
                    connection.rollback()
                    connection.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": _MIGRATION_LOCK})
        finally:
            patient.dispose()

    def understand(self, error: DBAPIError, shown: str) -> GatehouseError:
        """Return the error by the server's code; the sentence is the server's, which names no password."""
        code = error.orig.args[0] if error.orig is not None and error.orig.args else 0
        said = f"database {shown}: {_EXPLAINED.get(code) or error.orig}"
        if code in _CONTENTION:
            return Contention(said)
        if code in _REFUSED:
            return InvalidInput(f"the database refused it: {error.orig}")
        if isinstance(error, IntegrityError):
            return Conflict(f"the database refused it: {error.orig}")
        if code in _FULL:
            return ResourceExhausted(said)
        return Unavailable(said)


def _engine(url: URL, answer_s: int, **more: Any) -> Engine:
    engine = create_engine(
        url.set(drivername="mysql+pymysql").update_query_dict({"charset": "utf8mb4"}),
        connect_args={
            "connect_timeout": min(_CONNECT_S, answer_s),
            "read_timeout": answer_s,
            "write_timeout": answer_s,
        },
        pool_size=8,
        max_overflow=24,
        pool_timeout=10,
        pool_recycle=_RECYCLE_S,
        hide_parameters=True,
        **more,
    )
    event.listen(engine, "connect", _prepare)
    return engine


def _note_use(_dbapi: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
    entry.info["used"] = time.monotonic()


def _try_if_idle(dbapi: DBAPIConnection, entry: ConnectionPoolEntry, _proxy: object) -> None:
    if time.monotonic() - entry.info.get("used", 0.0) < _FRESH_S:
        return
    try:
        dbapi.ping(reconnect=False)
    except Exception as error:  # whatever it is, another connection is made
        raise DisconnectionError from error


def _prepare(dbapi: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """Be strict whatever the server's defaults are: nothing is cut off or changed to fit, no list of ids either."""
    cursor = dbapi.cursor()
    cursor.execute(
        "SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,"
        "NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION,ONLY_FULL_GROUP_BY', group_concat_max_len = 1048576"
    )
    cursor.close()
