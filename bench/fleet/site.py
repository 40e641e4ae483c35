"""One site: so many cameras with their weeks, recorded, asked, shared and cleared of what is old."""

from __future__ import annotations

import resource
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.lookup import mysql_server
from gatehouse_common.clock import SystemClock
from gatehouse_common.runtime import Core
from gatehouse_common.settings import load

from . import ageing, asked, live, shares
from .cameras import film_of
from .history import CHUNK_US, chunks_of, make_history, names
from .scale import Scale

_FILES = 60_000


@dataclass(frozen=True, slots=True)
class Servers:
    """What a site works with: URLs of its index and its broker."""

    kind: str
    database: str
    broker: str


@dataclass(frozen=True, slots=True)
class Site:
    """All that was measured of a site."""

    kind: str
    cameras: int
    chunks: int
    made_s: float
    index_bytes: int
    live: live.Live
    answers: dict[asked.Question, asked.Answered]
    shares: shares.Shares
    ageing: ageing.Ageing


def measure(folder: Path, count: int, scale: Scale, servers: Servers) -> Site:
    """Make a site, measure all of it, and take it away again."""
    _let_open_files()
    folder.mkdir(parents=True)
    settings: dict[str, object] = {
        "data_dir": str(folder / "data"),
        "auth.mode": "open",
        "database_url": servers.database,
        "broker_url": servers.broker,
        "recording.chunk_seconds": scale.chunk_s,
        "detection.frames": "off",
        "retention.continuous_hours": 24 * (scale.days + 31),
    }
    began = time.monotonic()
    now_us = SystemClock().now_us()
    before_us = now_us - now_us % CHUNK_US - CHUNK_US  # what is recorded must not begin within it
    start_us = make_history(servers.database, folder, count, scale, before_us)
    made_s, chunks = time.monotonic() - began, count * chunks_of(scale.days)
    end_us = start_us + chunks_of(scale.days) * CHUNK_US
    core = Core.open(load(settings, config=None, environ={}))
    try:
        size = _index_bytes(core)
        recorded = live.record(core, film_of(folder / "film.mp4"), names(count), scale)
        answers = asked.ask_all(core, names(count), recorded.sent, scale, start_us, end_us)
    finally:
        core.close()
    shared = shares.measure(servers.database, folder, count)
    aged = ageing.age(settings, count, scale, start_us)
    shutil.rmtree(folder)
    return Site(servers.kind, count, chunks, made_s, size, recorded, answers, shared, aged)


@contextmanager
def one_process(folder: Path) -> Iterator[Servers]:
    """Yield what ``gatehouse up`` works with."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    yield Servers("one process: SQLite, embedded bus", f"sqlite:///{folder}/gatehouse.db", "embedded:")


@contextmanager
def in_parts(folder: Path) -> Iterator[Servers]:
    """Yield what an installation of several processes works with: a database and a broker of its own.

    Raises:
        RuntimeError: there are no servers here.
    """
    sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
    from rabbitmq_server import RabbitMQ, programs  # noqa: PLC0415 - the tests' server, which needs what tests need

    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        database = held.enter_context(mysql_server(folder))
        if database is None or programs() is None:
            raise RuntimeError("no MariaDB and RabbitMQ here; `make tools` installs them")
        (folder / "rabbitmq").mkdir()
        broker = RabbitMQ(folder / "rabbitmq")
        held.callback(broker.stop)
        broker.start()
        yield Servers("in parts: MariaDB, RabbitMQ", database(0), broker.url())


def _index_bytes(core: Core) -> int:
    """Return how large the tables of chunks, their sums and plates are, without sample indexes."""
    with core.db.read() as c:
        if core.db.engine.dialect.name == "sqlite":
            return int(
                c.exec_driver_sql("PRAGMA page_count").scalar_one() * c.exec_driver_sql("PRAGMA page_size").scalar_one()
            )
        query = "SELECT SUM(data_length + index_length) FROM information_schema.tables WHERE table_schema = DATABASE()"
        return int(c.exec_driver_sql(query).scalar_one())


def _let_open_files() -> None:
    """Each camera has a file open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < min(_FILES, hard):
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(_FILES, hard), hard))
