"""The schema on every database: migrations make what the models say, up and down again, whoever comes first."""

from __future__ import annotations

import threading

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from gatehouse_common.db import Camera, CameraRepository, Database
from gatehouse_common.db.models import Base
from gatehouse_common.db.schema import migrations


def test_migrations_make_what_the_models_say(bare_database_url: str) -> None:
    db = Database(bare_database_url)
    db.upgrade()
    with db.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    db.check()
    db.close()


def test_other_tests_begin_with_what_migrations_make(bare_database_url: str, database_url: str) -> None:
    migrated, copied = Database(bare_database_url), Database(database_url)
    migrated.upgrade()
    copied.check()
    with migrated.read() as first, copied.read() as second:
        assert compare_metadata(MigrationContext.configure(second), Base.metadata) == []
        assert sorted(inspect(second).get_view_names()) == sorted(inspect(first).get_view_names())
        for table in [*inspect(first).get_table_names(), *inspect(first).get_view_names()]:
            everything = text(f"SELECT * FROM {table} ORDER BY 1")
            assert second.execute(everything).all() == first.execute(everything).all(), table
    migrated.close()
    copied.close()


def test_up_and_down_and_up_again(bare_database_url: str) -> None:
    db = Database(bare_database_url)
    db.upgrade()
    with db._migrating() as connection:
        command.downgrade(migrations(connection), "base")
    with db.read() as connection:
        assert [t for t in inspect(connection).get_table_names() if t != "alembic_version"] == []
    db.upgrade()
    CameraRepository(db).add(Camera("gate", "synthetic:"))
    db.close()


def test_processes_that_start_together_upgrade_once(bare_database_url: str) -> None:
    databases = [Database(bare_database_url) for _ in range(4)]
    failed: list[Exception] = []

    def start(db: Database) -> None:
        try:
            db.upgrade()
            db.check()
        except Exception as error:  # noqa: BLE001 - told by the test itself
            failed.append(error)

    threads = [threading.Thread(target=start, args=(db,)) for db in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    for db in databases:
        db.close()
