"""A Gatehouse in parts: its services as processes of their own, over a broker, a database and a store that tests share.

Tests that kill servers have a whole installation of their own (``cluster_kit``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from brokers import virtual_host
from cluster_kit import TOKEN, Process
from databases import mysql_database, mysql_url
from ports import free_port
from running import environment
from s3_server import bucket

SERVICES = ("indexer", "segmenter", "capture", "api")


@contextmanager
def parts(folder: Callable[[], Path], **settings: str) -> Iterator[str]:
    """Run one process of each service over RabbitMQ, MariaDB and S3; yield where the web app is.

    Args:
        folder: makes a new folder of pytest's, for each server and process one.
        settings: more variables of their environment.
    """
    with ExitStack() as stack:
        store = stack.enter_context(bucket(folder() / "swift"))
        port = free_port()
        where = {
            "GATEHOUSE_DATABASE_URL": stack.enter_context(mysql_database(mysql_url(folder))),
            "GATEHOUSE_BROKER_URL": stack.enter_context(virtual_host(folder)),
            "GATEHOUSE_STORAGE_URL": store.url,
            "GATEHOUSE_STORAGE__ACCESS_KEY": store.access_key,
            "GATEHOUSE_STORAGE__SECRET_KEY": store.secret_key,
            "GATEHOUSE_SERVICE__LISTEN": "127.0.0.1:0",
            "GATEHOUSE_SERVICE__TOKEN": TOKEN,
            "GATEHOUSE_SEALING_KEY": "canary-" * 6,
            "GATEHOUSE_API__PORT": str(port),
        }
        running = [_started(name, folder(), environment(**where, **settings)) for name in SERVICES]
        try:
            for process in running:
                process.wait_until_up()
            yield f"http://127.0.0.1:{port}"
            for process in running:
                process.end()
            assert [process.wait(60) for process in running] == [0] * len(running)
        finally:
            for process in running:
                process.kill()


def _started(service: str, folder: Path, where: dict[str, str]) -> Process:
    process = Process(service, service, folder / "data", folder / "log", where)
    process.start()
    return process
