"""What SQLite and MySQL do differently: how connections are prepared, migrations guarded, and errors understood."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import DBAPIError

from gatehouse_common.errors import GatehouseError


class Dialect(Protocol):
    """One kind of database."""

    def connect(self, url: URL, answer_s: int) -> Engine:
        """Return an engine; connects to nothing yet. A server that does not answer for ``answer_s`` is away.

        Raises:
            ArgumentError: the URL asks for what there is not.
        """
        ...

    def lookups(self, engine: Engine, url: URL, answer_s: int) -> Engine:
        """Return an engine for reads of one statement each, which need no transaction; ``engine`` is the other one."""
        ...

    def migrating(self, engine: Engine, shown: str) -> AbstractContextManager[Connection]:
        """Yield a connection inside a transaction in which the schema may be changed, one process at a time.

        Raises:
            DataLoss: a row would be left without what it names.
            Unavailable: another process has been at it for too long.
        """
        ...

    def understand(self, error: DBAPIError, shown: str) -> GatehouseError:
        """Return an error of the driver's in the words of ``errors.py``; ``shown`` is the URL without its password."""
        ...
