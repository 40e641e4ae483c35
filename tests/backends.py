"""The backends that documented calls are made on: embedded parts, or servers, each with a Gatehouse in one process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from brokers import virtual_host
from databases import mysql_database, mysql_url
from running import Running

BACKENDS = ["embedded", "servers"]


@contextmanager
def backend(kind: str, folder: Callable[[], Path]) -> Iterator[dict[str, str]]:
    """Yield the settings of SQLite and a journal, or of MariaDB and RabbitMQ (S0-31: only URLs to set).

    Args:
        kind: one of ``BACKENDS``.
        folder: makes a new folder of pytest's.
    """
    with ExitStack() as stack:
        where = {}
        if kind == "servers":
            where["GATEHOUSE_DATABASE_URL"] = stack.enter_context(mysql_database(mysql_url(folder)))
            where["GATEHOUSE_BROKER_URL"] = stack.enter_context(virtual_host(folder))
        yield where


@contextmanager
def gatehouse_with(camera: str | None, home: Path, *, awaited: bool = True, **settings: str) -> Iterator[Running]:
    """Run a Gatehouse that records a camera, ``ID=URL``; in the end it stops cleanly.

    Args:
        camera: the camera; None: there is none yet.
        home: an empty folder.
        awaited: wait until it is recorded, which strangers are not told.
        settings: variables of the environment.
    """
    cameras = ("--camera", camera) if camera else ()
    with Running(home / "data", *cameras, log=home / "log", **settings) as running:
        running.ready(90)  # a new database of a busy server takes its time
        if camera and awaited:
            running.recording(camera.partition("=")[0])
        yield running
        assert running.stop(timeout=30) == 0
