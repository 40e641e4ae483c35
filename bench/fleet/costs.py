"""What threads of this process cost: their processor's time, and the statements that they send to the index."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psutil
from sqlalchemy import Engine, event

from gatehouse_common.observability.metrics import MESSAGES_PUBLISHED

_STAGES = {
    "cameras": "cameras",
    "outbox": "publishing",
    "bus-publisher": "publishing",
    "bus-consumer": "consuming",
    "queue-indexer": "indexer",
    "queue-segmenter": "segmenter",
    "indexer": "export",
    "janitor": "janitor",
    "spool": "spool",
}
"""By how the name of a thread begins; all others are ``other``."""
BROKER, DATABASE = "beam.smp", "mariadbd"


@dataclass
class Spent:
    """What each stage cost between two moments.

    Attributes:
        wall_s: seconds of the wall clock.
        cpu_s: seconds of a processor, by stage; of servers that this process has started, by the names of these.
        statements: sent to the index, by stage.
        commits: transactions that wrote, by stage.
        messages: durable ones that were published, by type.
    """

    wall_s: float = 0.0
    cpu_s: Counter[str] = field(default_factory=Counter)
    statements: Counter[str] = field(default_factory=Counter)
    commits: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)


@contextmanager
def watched() -> Iterator[Callable[[], Spent]]:
    """Yield what tells the cost since now."""
    statements: Counter[str] = Counter()
    commits: Counter[str] = Counter()

    def executed(_conn: Any, _cursor: Any, text: str, *_rest: object) -> None:
        if not text.startswith(("PRAGMA", "BEGIN")):
            statements[stage_of(threading.current_thread().name)] += 1

    def committed(_conn: Any) -> None:
        commits[stage_of(threading.current_thread().name)] += 1

    event.listen(Engine, "after_cursor_execute", executed)
    event.listen(Engine, "commit", committed)
    began, cpu, told, servers = time.monotonic(), _cpu(), _published(), _servers()

    def so_far() -> Spent:
        spent = Counter[str]()
        for ident, (name, seconds) in _cpu().items():
            spent[stage_of(name)] += seconds - cpu.get(ident, ("", 0.0))[1]
        spent.update({name: seconds - servers[name] for name, seconds in _servers().items()})
        messages = Counter({kind: count - told.get(kind, 0) for kind, count in _published().items()})
        return Spent(time.monotonic() - began, spent, Counter(statements), Counter(commits), messages)

    try:
        yield so_far
    finally:
        event.remove(Engine, "after_cursor_execute", executed)
        event.remove(Engine, "commit", committed)


def stage_of(name: str) -> str:
    """Return the stage that a thread of such a name belongs to."""
    return next((stage for begins, stage in _STAGES.items() if name.startswith(begins)), "other")


def _cpu() -> dict[int, tuple[str, float]]:
    """Return name and seconds of each thread that there is; one that has ended is told no more."""
    found = {}
    for thread in threading.enumerate():
        if thread.ident is not None and thread.is_alive():
            clock = time.pthread_getcpuclockid(thread.ident)
            found[thread.ident] = thread.name, time.clock_gettime(clock)
    return found


def _servers() -> Counter[str]:
    """Return the processor's seconds of the processes that this one has started, by name."""
    found: Counter[str] = Counter()
    for process in psutil.Process().children(recursive=True):
        times = process.cpu_times()
        found[process.name()] += times.user + times.system
    return found


def _published() -> dict[str, int]:
    samples = [sample for metric in MESSAGES_PUBLISHED.collect() for sample in metric.samples]
    return {s.labels["type"]: int(s.value) for s in samples if s.name.endswith("_total")}
