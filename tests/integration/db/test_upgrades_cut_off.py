"""An upgrade of a real server that is cut off: whoever begins it again ends it, as often as that takes."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, event, inspect, text

from databases import mysql_database, mysql_url
from gatehouse_common.db import Camera, CameraRepository, Database
from gatehouse_common.db.models import Base
from gatehouse_common.errors import GatehouseError, Unavailable

_OF_AN_UPGRADE = ("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE")
_NOT_ITS_OWN = ("alembic_version", "migration_steps")


@pytest.fixture
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mysql_database(mysql_url(lambda: tmp_path_factory.mktemp("mariadb"))) as made:
        yield made


class Cuts:
    """Ends the connection of an upgrade when a statement is done that was not yet cut off, before anybody notes it."""

    def __init__(self, url: str) -> None:
        self.other = Database(url)
        self.statements: set[str] = set()

    def __call__(self, connection: Connection, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.lstrip().startswith(_OF_AN_UPGRADE) or any(name in statement for name in _NOT_ITS_OWN):
            return
        if statement in self.statements:
            return
        self.statements.add(statement)
        thread = connection.connection.driver_connection.thread_id()  # type: ignore[union-attr]
        with self.other.begin() as killer:
            killer.exec_driver_sql(f"KILL CONNECTION {thread}")


def complete(url: str) -> None:
    """All is as if the upgrade had run through: the schema, and each row that a migration makes once."""
    db = Database(url)
    db.check()
    with db.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        found = inspect(connection)
        assert "migration_steps" not in found.get_table_names()
        assert {"video_segments", "video_chunks", "videos", "Records"} <= {*found.get_view_names()}
        rows = connection.execute(text("SELECT name, COUNT(*) FROM facts GROUP BY name")).all()
    assert sorted(tuple(row) for row in rows) == [
        (name, 1)
        for name in (
            "audit.lock", "media.lock", "retention.lock", "sessions.lock", "users.lock", "viewings.last",
            "watch_lists.lock",
        )
    ]  # fmt: skip
    CameraRepository(db).add(Camera("gate", "synthetic:"))
    db.close()


def test_cut_off_after_every_statement_in_turn(url: str) -> None:
    cuts, tries = Cuts(url), 0
    event.listen(Engine, "after_cursor_execute", cuts)
    try:
        while True:
            tries += 1
            db = Database(url)
            try:
                db.upgrade()
                break
            except Unavailable:
                continue
            finally:
                db.close()
    finally:
        event.remove(Engine, "after_cursor_execute", cuts)
        cuts.other.close()
    assert tries == len(cuts.statements) + 1
    assert tries > 100
    complete(url)


def test_killed_at_random_moments(url: str) -> None:
    command = [sys.executable, "-m", "gatehouse", "db", "upgrade"]
    random.seed(20)
    for tries in range(1, 60):
        process = subprocess.Popen(command, env={**os.environ, "GATEHOUSE_DATABASE_URL": url})
        try:
            process.wait(1 + random.random() * 2 * tries / 5)  # it starts within a second or so
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(30)
            time.sleep(0.1)
    assert process.returncode == 0
    complete(url)


def test_what_another_program_calls_so_is_refused_as_often_as_it_is_tried(url: str) -> None:
    db = Database(url)
    with db.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE chunks (theirs INT)")
    for _ in range(3):
        with pytest.raises(GatehouseError, match="chunks"):
            db.upgrade()
    with db.read() as connection:
        assert [c["name"] for c in inspect(connection).get_columns("chunks")] == ["theirs"]
    db.close()
