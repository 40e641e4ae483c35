"""What contract suites run on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from databases import mysql_database, mysql_url
from gatehouse_common.db import Database
from made_databases import made_mysql, made_sqlite


@pytest.fixture(params=["sqlite", "mysql"])
def database_url(
    request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The URL of a database of every kind there is, with the newest schema and nothing else."""
    if request.param == "sqlite":
        yield made_sqlite(tmp_path / "index.db")
        return
    with made_mysql(mysql_url(lambda: tmp_path_factory.mktemp("mariadb"))) as url:
        yield url


@pytest.fixture(params=["sqlite", "mysql"])
def bare_database_url(
    request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The URL of a database of every kind there is, in which nothing is at all."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/index.db"
        return
    with mysql_database(mysql_url(lambda: tmp_path_factory.mktemp("mariadb"))) as url:
        yield url


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """An empty index, in a database of every kind there is."""
    made = Database(database_url)
    yield made
    made.close()
