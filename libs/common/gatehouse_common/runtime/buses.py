"""Which bus the settings choose."""

from __future__ import annotations

from pathlib import Path

from gatehouse_common.bus import Bus
from gatehouse_common.bus.embedded import EmbeddedBus
from gatehouse_common.bus.memory import MemoryBus
from gatehouse_common.clock import Clock
from gatehouse_common.errors import InvalidInput
from gatehouse_common.messages.catalog import queues
from gatehouse_common.settings import Settings

EMBEDDED, MEMORY = "embedded:", "memory:"


def partitions_of(settings: Settings) -> int:
    """Return into how many partitions queues are divided: one where all services are threads of one process."""
    return settings.values.bus.partitions if is_shared(settings) else 1


def is_shared(settings: Settings) -> bool:
    """Return whether work may be shared with other processes: they speak over a broker."""
    return settings.values.broker_url not in {EMBEDDED, MEMORY}


def open_bus(settings: Settings, clock: Clock, *, beside: bool = False) -> Bus:
    """Return the bus, every durable queue declared.

    Args:
        settings: ``broker_url`` says which.
        clock: the time.
        beside: the services of this data directory may be running; nothing is published for good then.

    Raises:
        InvalidInput: ``broker_url`` is not supported, or what it needs is not installed.
        GatehouseError: the data directory cannot be used.
    """
    url, data = settings.values.broker_url, settings.values.data_dir.absolute()
    if url == EMBEDDED:
        bus: Bus = EmbeddedBus(data / "bus.db", clock)
    elif url == MEMORY:
        bus = MemoryBus(clock)
    elif url.startswith(("amqp:", "amqps:")):
        outbox = Path(":memory:") if beside else data / "outbox.db"
        return _open_rabbit(url, outbox, clock, data.name, partitions_of(settings))
    else:
        shown = url.rsplit("@", maxsplit=1)[-1][:60]
        raise InvalidInput(
            f"broker_url {shown!r} is not supported: use 'embedded:' or 'amqp://user:password@host/'.", "broker_url"
        )
    for queue, types in queues().items():
        bus.declare(queue, types, partitions_of(settings))
    return bus


def _open_rabbit(url: str, outbox: Path, clock: Clock, name: str, partitions: int) -> Bus:
    try:
        from gatehouse_common.bus.rabbitmq import RabbitBus  # noqa: PLC0415 - a recorder on one machine needs no pika
    except ModuleNotFoundError as error:
        raise InvalidInput(
            f"a broker needs {error.name}: install it with `pip install 'gatehouse[scale]'`.", "broker_url"
        ) from error
    return RabbitBus(url, outbox, clock, name, queues=queues(), partitions=partitions)
