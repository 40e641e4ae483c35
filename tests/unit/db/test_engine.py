"""What a use of the database answers when the database cannot."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from gatehouse_common.db import Camera, CameraRepository, Database
from gatehouse_common.errors import InvalidInput, ResourceExhausted, Unavailable


@pytest.mark.parametrize("url", ["", "nonsense", "postgresql://user:hunter2@db/x", "sqlite+what:///x", "://"])
def test_an_url_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(InvalidInput, match="database_url") as refused:
        Database(url)
    assert "hunter2" not in refused.value.message


def test_opening_connects_to_nothing(tmp_path: Path) -> None:
    Database(f"sqlite:///{tmp_path}/index.db").close()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    """S0-36: which dependency, and why."""
    db = Database(f"sqlite:///{tmp_path}/nowhere/index.db")
    for use in (db.upgrade, db.check, db.current):
        with pytest.raises(Unavailable, match="unable to open database file"):
            use()


def test_it_comes_back_by_itself(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/later/index.db")
    with pytest.raises(Unavailable):
        db.upgrade()
    (tmp_path / "later").mkdir()
    db.upgrade()
    db.check()
    db.close()


def test_an_empty_database_is_not_ready(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/index.db")
    with pytest.raises(Unavailable, match="schema None"):
        db.check()
    with pytest.raises(Unavailable, match="no such table"):
        CameraRepository(db).list()
    db.close()


def test_a_file_that_is_no_database_is_told_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "index.db").write_bytes(b"not a database at all, " * 500)
    db = Database(f"sqlite:///{tmp_path}/index.db")
    for use in (db.upgrade, db.check):
        with pytest.raises(Unavailable, match="not a database: the file is damaged"):
            use()
    db.close()
    assert (tmp_path / "index.db").read_bytes().startswith(b"not a database")


def test_a_full_disk_is_told_and_costs_nothing(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/index.db")
    db.upgrade()
    cameras = CameraRepository(db)
    cameras.add(Camera("gate", "synthetic:"))
    with db.read() as connection:  # the next writer gets this connection from the pool
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    with pytest.raises(ResourceExhausted, match="full"):
        cameras.add(Camera("yard", "synthetic:" + "x" * 100_000))
    assert [c.id for c in cameras.list()] == ["gate"]
    db.close()


def test_credentials_of_a_camera_are_in_no_error(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/index.db")
    with pytest.raises(Unavailable) as failed:
        CameraRepository(db).add(Camera("gate", "rtsp://user:hunter2@host/"))
    seen: BaseException | None = failed.value
    while seen is not None:
        assert "hunter2" not in str(seen)
        seen = seen.__cause__ or seen.__context__
    db.close()


def test_readers_do_not_wait_for_a_writer(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/index.db")
    db.upgrade()
    with db.begin() as connection:
        connection.exec_driver_sql("INSERT INTO settings VALUES ('a', 'b', 0)")
        with db.read() as other:
            assert other.exec_driver_sql("SELECT count(*) FROM settings").scalar() == 0
    with db.read() as other:
        assert other.exec_driver_sql("SELECT count(*) FROM settings").scalar() == 1
    db.close()


def test_an_error_inside_undoes_everything(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/index.db")
    db.upgrade()

    def use() -> None:
        with db.begin() as connection:
            connection.exec_driver_sql("INSERT INTO settings VALUES ('a', 'b', 0)")
            raise KeyError

    with pytest.raises(KeyError):
        use()
    with db.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM settings").scalar() == 0
    db.close()


@pytest.mark.parametrize("how", ["begin", "read", "look"])
def test_an_error_while_something_is_read_locks_nothing(tmp_path: Path, how: str) -> None:
    """Its traceback is kept, as tests, loggers and threads that failed keep them."""
    db, other = (Database(f"sqlite:///{tmp_path}/index.db") for _ in range(2))
    db.upgrade()
    for name in ("gate", "yard"):
        CameraRepository(db).add(Camera(name, "synthetic:"))

    def use() -> None:
        with getattr(db, how)() as connection:
            found = connection.exec_driver_sql("SELECT id FROM cameras")
            assert found.fetchone() is not None
            raise KeyError

    with pytest.raises(KeyError) as kept:
        use()
    CameraRepository(other).add(Camera("road", "synthetic:"))
    CameraRepository(db).add(Camera("door", "synthetic:"))
    assert {c.id for c in CameraRepository(db).list()} == {"gate", "yard", "road", "door"}
    assert kept.tb is not None
    db.close()
    other.close()


def test_another_process_that_writes_is_waited_for(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/index.db")
    db.upgrade()
    other = sqlite3.connect(tmp_path / "index.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.3, other.execute, ["COMMIT"])
    timer.start()
    CameraRepository(db).add(Camera("gate", "synthetic:"))
    timer.join()
    other.close()
    assert [c.id for c in CameraRepository(db).list()] == ["gate"]
    db.close()
