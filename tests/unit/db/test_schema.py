"""The schema: what migrations make is what the models say, and no upgrade costs a row."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import CreateIndex, CreateTable

from gatehouse_common.db import Camera, CameraRepository, Database, FootageReader
from gatehouse_common.db.models import Base, ChunkIndexRow
from gatehouse_common.db.schema import migrations, newest_revision
from gatehouse_common.errors import Conflict, DataLoss, Unavailable
from gatehouse_common.testing.chunk_rows import seed_chunks

T = 1_715_934_000_000_000


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/index.db")
    yield made
    made.close()


def shape(db: Database) -> dict[str, Any]:
    """All that a schema consists of, by what the database itself says of it."""
    with db.read() as connection:
        found = inspect(connection)
        return {
            table: {
                "columns": [(c["name"], str(c["type"]), c["nullable"]) for c in found.get_columns(table)],
                "checks": sorted((c["name"], c["sqltext"]) for c in found.get_check_constraints(table)),
                "unique": sorted((u["name"], *u["column_names"]) for u in found.get_unique_constraints(table)),
                "indexes": sorted((i["name"], *i["column_names"]) for i in found.get_indexes(table)),
                "key": found.get_pk_constraint(table),
                "foreign": found.get_foreign_keys(table),
            }
            for table in found.get_table_names()
            if table != "alembic_version"
        }


def test_migrations_make_what_the_models_say(db: Database, tmp_path: Path) -> None:
    db.upgrade()
    with db.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    plain = Database(f"sqlite:///{tmp_path}/plain.db")
    with plain.begin() as connection:
        Base.metadata.create_all(connection)
    assert shape(db) == shape(plain)  # checks too, which the comparison above leaves out
    plain.close()


def test_the_newest_revision_is_the_one_that_alembic_ends_at(db: Database) -> None:
    with db.read() as connection:
        assert ScriptDirectory.from_config(migrations(connection)).get_heads() == [newest_revision()]


def test_a_database_of_several_schemas_is_refused(db: Database) -> None:
    db.upgrade()
    with db.begin() as connection:
        connection.execute(text("INSERT INTO alembic_version VALUES ('9999')"))
    with pytest.raises(Conflict, match="9999"):
        db.check()


def test_up_down_up(db: Database) -> None:
    db.upgrade()
    first = shape(db)
    with db._migrating() as connection:
        command.downgrade(migrations(connection), "base")
    assert shape(db) == {}
    assert db.current() is None
    db.upgrade()
    assert shape(db) == first


def test_upgrading_again_changes_nothing(db: Database) -> None:
    """S0-31: tables are there after the start, and stay."""
    db.upgrade()
    CameraRepository(db).add(Camera("gate", "synthetic:"))
    db.upgrade()
    db.check()
    assert [c.id for c in CameraRepository(db).list()] == ["gate"]


def test_making_a_table_anew_keeps_what_refers_to_it(db: Database) -> None:
    """On SQLite an altered table is a new one, and dropping the old one deletes what cascades from it."""
    db.upgrade()
    seed_chunks(db, ["gate"], 1, start_us=T)
    [chunk] = FootageReader(db).all_chunks()
    with db.begin() as connection:
        connection.execute(ChunkIndexRow.__table__.insert(), [{"chunk": chunk.id, "data": b"index"}])
    with db._migrating() as connection:
        operations = Operations(MigrationContext.configure(connection))
        with operations.batch_alter_table("chunks", recreate="always"):
            pass
    assert FootageReader(db).sample_indexes([chunk.id]) == {chunk.id: b"index"}
    with pytest.raises(Conflict, match="FOREIGN KEY"), db.begin() as connection:  # they are enforced again
        connection.exec_driver_sql("INSERT INTO chunk_index VALUES ('nobody', x'00')")


def test_a_migration_that_would_break_references_is_undone(db: Database) -> None:
    db.upgrade()
    with pytest.raises(DataLoss, match="chunk_index"), db._migrating() as connection:
        connection.exec_driver_sql("INSERT INTO chunk_index VALUES ('nobody', x'00')")
    assert FootageReader(db).sample_indexes(["nobody"]) == {}


def test_a_failed_migration_leaves_the_schema_as_it_was(db: Database) -> None:
    db.upgrade()
    before = shape(db)

    def migrate() -> None:
        with db._migrating() as connection:
            connection.exec_driver_sql("DROP TABLE gaps")
            connection.exec_driver_sql("no such statement")

    with pytest.raises(Unavailable):
        migrate()
    assert shape(db) == before


UPGRADE = """
import sys
from gatehouse_common.db import Database
db = Database(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
db.upgrade()
print(db.current())
db.close()
"""


def test_processes_that_start_together_upgrade_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", UPGRADE, f"sqlite:///{tmp_path}/index.db"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    started = [subprocess.Popen(command, **pipes) for _ in range(3)]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60) for process in started]
    assert said == [("0017\n", "")] * 3


def test_a_newer_schema_is_left_alone_and_is_no_trouble_and_an_older_one_is(db: Database, tmp_path: Path) -> None:
    db.upgrade()
    with sqlite3.connect(tmp_path / "index.db") as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()
    with pytest.raises(Conflict, match="newer version"):
        db.upgrade()
    db.check()  # what runs goes on while the newer version is rolled out
    with sqlite3.connect(tmp_path / "index.db") as raw:
        raw.execute("UPDATE alembic_version SET version_num = '0003'")
    raw.close()
    with pytest.raises(Unavailable, match="0003"):
        db.check()


def test_every_column_is_explained_and_every_time_has_its_unit() -> None:
    for table in Base.metadata.tables.values():
        for column in table.columns:
            assert column.comment, f"{table.name}.{column.name} has no comment"
            if column.name == "lasted_us":  # a length, and no time
                assert column.comment.endswith("microseconds")
            elif column.name.endswith("_us"):
                assert "microseconds UTC" in column.comment, f"{table.name}.{column.name}"


def test_the_schema_can_be_said_in_mysql() -> None:
    dialect = mysql.dialect()
    for table in Base.metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=dialect))
        for index in table.indexes:
            widths = [getattr(c.type, "length", None) or 8 for c in index.columns]
            assert sum(4 * min(w, 191) for w in widths) <= 3072, f"{index.name} is wider than InnoDB allows"
            assert str(CreateIndex(index).compile(dialect=dialect))
