"""The databases that tests run against, each made for one test: SQLite files, and a real server's."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

import containers
from mariadb_server import MariaDB

_running: list[MariaDB] = []


def mysql_url(folder: Callable[[], Path]) -> str:
    """Return the URL of a server: that of GATEHOUSE_TEST_MYSQL_URL, else one that is started for the whole session."""
    given = os.environ.get("GATEHOUSE_TEST_MYSQL_URL")
    if given:
        return given
    if not _running:
        if shutil.which("mariadb-install-db") is None and containers.works():
            return containers.mysql_url()
        if shutil.which("mariadb-install-db") is None:
            pytest.skip("no MariaDB: run scripts/install-test-tools, or name one with GATEHOUSE_TEST_MYSQL_URL")
        _running.append(MariaDB(folder()).start())
    return _running[0].url("mysql")


def stop_servers() -> None:
    """Stop what was started."""
    while _running:
        _running.pop().stop()


@contextmanager
def mysql_database(url: str) -> Iterator[str]:
    """Yield the URL of a new database of a server; it is dropped afterwards."""
    name = f"gatehouse_test_{uuid.uuid4().hex[:12]}"
    engine = create_engine(make_url(url).set(drivername="mysql+pymysql"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield make_url(url).set(drivername="mysql", database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name}"))
        engine.dispose()
