"""A real MySQL server that goes away, comes back, is killed, and has many clients at once."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from databases import mysql_database, mysql_url
from gatehouse_common.db import Camera, CameraRepository, Database, FootageReader, FootageWriter
from gatehouse_common.db.contention import Contention, retried
from gatehouse_common.db.footage import CHUNKS_IN_RANGE, bounds
from gatehouse_common.errors import InvalidInput, Unavailable
from gatehouse_common.messages import ChunkClosed, ChunkOpened, ChunkStored, GopWritten
from gatehouse_common.testing.chunk_rows import seed_chunks
from mariadb_server import MariaDB

T = 1_715_934_000_000_000
S = 1_000_000


@pytest.fixture
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mysql_database(mysql_url(lambda: tmp_path_factory.mktemp("mariadb"))) as made:
        yield made


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MariaDB]:
    """A server of this test alone, to be stopped and killed."""
    made = MariaDB(tmp_path / "server")
    made.folder.mkdir()
    made.start()
    made.sql("CREATE DATABASE gatehouse")
    yield made
    made.kill()


def messages(chunk: str) -> list[ChunkOpened | GopWritten | ChunkClosed | ChunkStored]:
    """The life of a chunk of ten GOPs of a second."""
    who = {"camera": "gate", "time_us": T, "run": "run", "chunk": chunk, "key": f"spool/gate/run/{chunk}.mp4"}
    gops = [
        GopWritten(
            **who,
            offset=1000 * n,
            length=1000,
            start_us=T + n * S,
            end_us=T + (n + 1) * S,
            origin_us=T,
            frames=30,
            keyframe_length=500,
        )
        for n in range(10)
    ]
    closed = ChunkClosed(**who, start_us=T, end_us=T + 10 * S, origin_us=T, bytes=10_000)
    stored = ChunkStored(
        **{**who, "key": f"recordings/gate/{chunk}.mp4"},
        spool_key=who["key"],
        start_us=T,
        end_us=T + 10 * S,
        origin_us=T,
        bytes=10_500,
    )
    return [ChunkOpened(**who, start_us=T, origin_us=T), *gops, closed, stored]


def handle(writer: FootageWriter, message: ChunkOpened | GopWritten | ChunkClosed | ChunkStored) -> None:
    match message:
        case ChunkOpened():
            writer.open_chunk(message)
        case GopWritten():
            writer.extend_chunk(message)
        case ChunkClosed():
            writer.close_chunk(message)
        case ChunkStored():
            writer.store_chunk(message, b"index of " + message.chunk.encode())


def test_many_indexers_with_the_same_messages_in_any_order_come_to_one_result(url: str) -> None:
    """W-1: at least once, out of order, two at the same time: there is one row, and it is the stored one."""
    databases = [Database(url) for _ in range(3)]
    databases[0].upgrade()
    chunks = [f"chunk{n}" for n in range(6)]
    failed: list[BaseException] = []

    def work(db: Database, seed: int) -> None:
        mine = [m for chunk in chunks for m in messages(chunk)]
        random.Random(seed).shuffle(mine)
        writer = FootageWriter(db)
        try:
            for message in mine:
                handle(writer, message)
        except Exception as error:  # noqa: BLE001 - told by the test itself
            failed.append(error)

    threads = [threading.Thread(target=work, args=(databases[n % 3], n)) for n in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failed == []
    reader = FootageReader(databases[0])
    found = reader.find_chunks("gate", T, T + S)
    assert sorted((c.id, c.key, c.state, c.end_us, c.bytes) for c in found) == [
        (chunk, f"recordings/gate/{chunk}.mp4", "stored", T + 10 * S, 10_500) for chunk in chunks
    ]
    assert reader.sample_indexes(chunks) == {chunk: f"index of {chunk}".encode() for chunk in chunks}
    for db in databases:
        db.close()


def test_a_deadlock_is_done_again(url: str) -> None:
    db = Database(url)
    db.upgrade()
    cameras = CameraRepository(db)
    for name in ("a", "b"):
        cameras.add(Camera(name, "synthetic:"))
    both = threading.Barrier(2)
    met: list[str] = []

    class Work:
        @retried
        def rename(self, first: str, second: str) -> None:
            met.append(first)
            with db.begin() as c:
                c.execute(text("UPDATE cameras SET name = concat(name, 'x') WHERE id = :id"), {"id": first})
                if len(met) <= 2:
                    both.wait(10)
                c.execute(text("UPDATE cameras SET name = concat(name, 'x') WHERE id = :id"), {"id": second})

    threads = [threading.Thread(target=Work().rename, args=pair) for pair in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(met) == 3  # one of them was given up by the server, and done again
    assert [c.name for c in cameras.list()] == ["xx", "xx"]
    db.close()


def wait_for_it(db: Database) -> None:
    with db.begin() as waiting:
        waiting.execute(text("SET innodb_lock_wait_timeout = 1"))
        waiting.execute(text("UPDATE cameras SET name = 'wanted'"))


def test_a_lock_held_too_long_is_told_as_contention(url: str) -> None:
    db = Database(url)
    db.upgrade()
    CameraRepository(db).add(Camera("a", "synthetic:"))
    with db.begin() as holder:
        holder.execute(text("UPDATE cameras SET name = 'held'"))
        with pytest.raises(Contention):
            wait_for_it(db)
    db.close()


def test_a_row_that_was_changed_since_it_was_read_is_contention_and_done_again(url: str) -> None:
    """W-1: MariaDB from 11.6.2 on refuses the write of whoever has read a row before another changed it."""
    db = Database(url)
    db.upgrade()
    cameras = CameraRepository(db)
    cameras.add(Camera("a", "synthetic:"))
    tries: list[str] = []

    class Work:
        @retried
        def rename(self) -> None:
            with db.begin() as c:
                if c.execute(text("SHOW VARIABLES LIKE 'innodb_snapshot_isolation'")).first() is None:
                    pytest.skip("this server does not tell of it")
                c.execute(text("SET SESSION innodb_snapshot_isolation = ON"))
                tries.append(c.execute(text("SELECT name FROM cameras WHERE id = 'a'")).scalar_one())
                if len(tries) == 1:
                    cameras.change("a", name="by another")
                c.execute(text("UPDATE cameras SET name = concat(name, ', and here') WHERE id = 'a'"))

    Work().rename()
    assert tries == ["", "by another"]
    assert cameras.get("a").name == "by another, and here"
    db.close()


def test_look_ups_read_an_index_and_no_table(url: str) -> None:
    db = Database(url)
    db.upgrade()
    seed_chunks(db, [f"cam{n}" for n in range(5)], 400, start_us=T)
    compiled = str(CHUNKS_IN_RANGE.compile(db.engine, compile_kwargs={"literal_binds": False}))
    with db.read() as c:
        c.execute(text("ANALYZE TABLE chunks")).all()
        where = bounds("cam1", T, T + 60 * S)
        [plan] = c.exec_driver_sql("EXPLAIN " + compiled, where).mappings().all()
    assert plan["key"] == "ix_chunks_range", dict(plan)
    assert plan["type"] == "range", dict(plan)
    assert int(plan["rows"]) < 50, dict(plan)
    db.close()


def test_what_cannot_be_is_refused_and_not_made_to_fit(url: str) -> None:
    db = Database(url)
    db.upgrade()
    with pytest.raises(InvalidInput):
        CameraRepository(db).add(Camera("x" * 100, "synthetic:"))
    cameras = CameraRepository(db)
    cameras.add(Camera("gate", "synthetic:", name="Tor \U0001f697"))
    cameras.add(Camera("Gate", "synthetic:"))
    assert [(c.id, c.name) for c in cameras.list()] == [("Gate", ""), ("gate", "Tor \U0001f697")]
    db.close()


def test_a_server_that_is_away_is_told_without_the_password_and_used_again_when_it_is_back(server: MariaDB) -> None:
    db = Database(server.url("gatehouse"))
    db.upgrade()
    cameras = CameraRepository(db)
    cameras.add(Camera("gate", "synthetic:"))
    server.stop()
    with pytest.raises(Unavailable) as told:
        cameras.list()
    assert "test-only" not in str(told.value)
    server.start()
    assert [c.id for c in cameras.list()] == ["gate"]
    wrong = Database(server.url("gatehouse").replace("test-only", "hunter2hunter2"))
    with pytest.raises(Unavailable, match="password is wrong") as told:
        wrong.check()
    assert "hunter2" not in str(told.value)
    missing = Database(server.url("elsewhere"))
    with pytest.raises(Unavailable, match="no such database"):
        missing.check()
    for one in (db, wrong, missing):
        one.close()


def test_a_server_that_is_killed_loses_nothing_that_it_had_taken(server: MariaDB) -> None:
    db = Database(server.url("gatehouse"))
    db.upgrade()
    taken: list[str] = []
    stop = threading.Event()

    def write(prefix: str) -> None:
        cameras, n = CameraRepository(db), 0
        while not stop.is_set():
            name = f"{prefix}-{n}"
            try:
                cameras.add(Camera(name, "synthetic:"))
            except Unavailable:
                return
            taken.append(name)
            n += 1

    threads = [threading.Thread(target=write, args=(f"w{k}",)) for k in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(1.0)
    server.kill()
    for thread in threads:
        thread.join(60)
    stop.set()
    server.start()
    there = {c.id for c in CameraRepository(db).list()}
    assert len(taken) > 50
    assert set(taken) <= there
    db.close()
