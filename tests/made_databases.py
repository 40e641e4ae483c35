"""Databases that have the schema already: copied from one that was migrated, which takes a fraction of the time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pymysql
from pymysql.constants import CLIENT
from sqlalchemy import URL, make_url

from databases import mysql_database
from gatehouse_common.db import Database

_folders: list[TemporaryDirectory[str]] = []


@contextmanager
def made_mysql(server: str) -> Iterator[str]:
    """Yield the URL of a new database of a server, as ``Database.upgrade`` makes it; it is dropped afterwards."""
    with mysql_database(server) as url:
        with _connected(make_url(url)) as cursor:
            cursor.execute("; ".join(["SET foreign_key_checks = 0", *_mysql_statements(server)]))
            while cursor.nextset():
                pass
        yield url


def made_sqlite(file: Path) -> str:
    """Return the URL of a new file, as ``Database.upgrade`` makes it."""
    shutil.copyfile(_sqlite_file(), file)
    return f"sqlite:///{file}"


@cache
def _mysql_statements(server: str) -> list[str]:
    with mysql_database(server) as url:
        _upgrade(url)
        with _connected(make_url(url)) as cursor:
            cursor.execute("SHOW FULL TABLES")
            kinds = dict(sorted(cursor.fetchall(), key=lambda found: found[1]))  # tables, then views
            made = []
            for name, kind in kinds.items():
                cursor.execute(f"SHOW CREATE TABLE `{name}`")
                made.append(cursor.fetchone()[1])
                if kind == "BASE TABLE":
                    cursor.execute(f"SELECT * FROM `{name}`")
                    values = ["(" + ", ".join(map(cursor.connection.escape, row)) + ")" for row in cursor.fetchall()]
                    made += [f"INSERT INTO `{name}` VALUES {', '.join(values)}"] if values else []
            return made


@cache
def _sqlite_file() -> Path:
    _folders.append(TemporaryDirectory(prefix="gatehouse-index-"))
    file = Path(_folders[-1].name) / "index.db"
    _upgrade(f"sqlite:///{file}")
    return file


def _upgrade(url: str) -> None:
    database = Database(url)
    database.upgrade()
    database.close()


@contextmanager
def _connected(url: URL) -> Iterator[Any]:
    connection = pymysql.connect(
        host=url.host,
        port=url.port or 3306,
        user=url.username,
        password=url.password or "",
        database=url.database,
        client_flag=CLIENT.MULTI_STATEMENTS,
        autocommit=True,
    )
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()
