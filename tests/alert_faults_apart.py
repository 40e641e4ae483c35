"""The faults of an installation whose services are processes of their own, each with the alerts that have to fire."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pika

from alert_drill import Fault
from cluster_kit import Cluster
from fault_rig import meanwhile

CAMERA = "yard"
SERVICES = ("capture", "segmenter", "indexer", "detector", "janitor", "transcoder")
_MUCH = "100000GB"
"""More than any disk has free."""


def killed(service: str) -> Callable[[Cluster], AbstractContextManager[None]]:
    """Return a fault: the only process of a service is gone until it is started again."""

    @contextmanager
    def fault(site: Cluster) -> Iterator[None]:
        (process,) = site.of(service)
        process.kill()
        try:
            yield
        finally:
            process.start()
            process.wait_until_up()

    return fault


@contextmanager
def no_broker(site: Cluster) -> Iterator[None]:
    site.rabbit.kill()
    try:
        yield
    finally:
        site.rabbit.start()


@contextmanager
def a_broker_that_takes_nothing(site: Cluster) -> Iterator[None]:
    """Its disk has less room than it wants: it keeps connections, and lets all wait that publish."""
    site.rabbit.control("set_disk_free_limit", _MUCH)
    try:
        yield
    finally:
        site.rabbit.control("set_disk_free_limit", "50MB")


@contextmanager
def no_database(site: Cluster) -> Iterator[None]:
    """While somebody goes on asking for what is in it."""
    site.mariadb.kill()
    with meanwhile(lambda: site.get("/api/v1/cameras"), 0.3):
        try:
            yield
        finally:
            site.mariadb.start()


@contextmanager
def no_store(site: Cluster) -> Iterator[None]:
    site.store.stop()
    try:
        yield
    finally:
        site.store.start()


@contextmanager
def poison_for_who_comes(site: Cluster) -> Iterator[None]:
    """What nobody can read waits in a queue whose reader is started only then: it is put aside before anybody looks."""
    (indexer,) = site.of("indexer")
    indexer.kill()
    connection = pika.BlockingConnection(pika.URLParameters(site.rabbit.url()))
    channel = connection.channel()
    channel.basic_publish("", "gatehouse.indexer.0", b'{"type": "gap.recorded", "camera": 5')
    connection.close()
    indexer.start()
    indexer.wait_until_up()
    yield


KILLED: tuple[Fault[Cluster], ...] = tuple(
    Fault(
        f"{service} is killed",
        {
            "GatehouseServiceAbsent": {"service": service, "severity": "critical"},
            **({"GatehouseNotRecording": {"camera": CAMERA}} if service == "capture" else {}),
            **({"GatehouseTargetDown": {"job": "gatehouse-indexer"}} if service == "indexer" else {}),
        },
        killed(service),
    )
    for service in SERVICES
)
"""At the same time; the api is left to say what it sees."""

ONE_BY_ONE: tuple[Fault[Cluster], ...] = (
    Fault("api is killed", {"GatehouseServiceAbsent": {"service": "api"}}, killed("api")),
    Fault(
        "the broker is killed",
        {"GatehouseBusDisconnected": {"job": "gatehouse-capture", "role": "publisher"}},
        no_broker,
    ),
    Fault(
        "the broker takes nothing, for its disk is full",
        {"GatehouseBusDisconnected": {"job": "gatehouse-capture", "role": "publisher"}},
        a_broker_that_takes_nothing,
    ),
    Fault("what nobody can read is in a queue", {"GatehouseDeadLetters": {"queue": "indexer.0"}}, poison_for_who_comes),
    Fault("the store is away", {"GatehouseWriteErrors": {"root": "store"}}, no_store),
    Fault(
        "the database is away",
        {"GatehouseQueueOld": {}, "GatehouseApiErrors": {}, "GatehouseJanitorStale": {}},
        no_database,
        later={"GatehouseClipLatencyHigh": {}},
    ),
)

FAULTS = (*KILLED, *ONE_BY_ONE)
