"""N cameras record through the real pipeline; each stage's cost, and how late the api knows of it."""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, event

from gatehouse_api.app import close_app, create_app
from gatehouse_capture.spool_keeper import build as build_spool
from gatehouse_common.bus import Bus, Delivery
from gatehouse_common.bus.notices import Outbox
from gatehouse_common.clock import SECOND, SystemClock
from gatehouse_common.errors import GatehouseError
from gatehouse_common.messages import GopWritten, Message
from gatehouse_common.messages.catalog import queues
from gatehouse_common.observability.metrics import NOTICES_PENDING
from gatehouse_common.runtime import Core, Supervisor
from gatehouse_common.runtime.buses import is_shared, partitions_of
from gatehouse_indexer.service import build as build_indexer
from gatehouse_janitor.service import build as build_janitor
from gatehouse_segmenter.service import build as build_segmenter

from .cameras import Emitted, Fleet, Sent
from .costs import Spent, watched
from .scale import Scale

SHARED = 64
"""Cameras of one recorder, where recorders are processes of their own (P2)."""
DRAIN_S = 400.0
FIRST_GOP = "gop.written, a run's first"
_PROBE_S = 0.05
_NEWS_S = 0.5
GIVEN_UP_S = 30.0
_DEPTH_S = 1.0
_TOGETHER = 50


@dataclass
class Handled:
    """What handling messages of one type cost a service: how many, seconds of a processor, statements."""

    count: int = 0
    cpu_s: float = 0.0
    statements: int = 0


@dataclass
class Lags:
    """How late the api knows, seconds: while chunks go on, and once all cameras have begun another one at once.

    Attributes:
        parts: from a part in its file to an answer with it.
        gops: from a GOP that was told of to a timeline with it.
        parts_after: the same, after the boundary.
        gops_after: the same.
    """

    parts: list[float] = field(default_factory=list)
    gops: list[float] = field(default_factory=list)
    parts_after: list[float] = field(default_factory=list)
    gops_after: list[float] = field(default_factory=list)


@dataclass
class Live:
    """What became of what the cameras sent.

    Attributes:
        sent: what they sent.
        spent: what it cost, until nothing was left to do.
        handled: the same by service and type of message, without what bus and threads cost.
        lags: what the probe saw.
        depth: messages that waited when the last frame was sent.
        deepest: the most that waited.
        drained_s: from the last frame until nothing waited.
        found: cameras of which the timeline tells every second that was sent.
        chunks: that are stored and in the index.
        memory_mib: the most that the process took.
    """

    sent: Sent
    spent: Spent
    handled: dict[tuple[str, str], Handled]
    lags: Lags
    depth: int = 0
    deepest: int = 0
    drained_s: float = 0.0
    found: int = 0
    chunks: int = 0
    memory_mib: float = 0.0


def record(core: Core, film: Path, cameras: Sequence[str], scale: Scale) -> Live:
    """Let the cameras send, and the services work off what they sent.

    Raises:
        RuntimeError: something was left undone.
    """
    tally = _Tally()
    indexer, segmenter = build_indexer(core), build_segmenter(core)
    indexer.handle = tally.of("indexer", indexer.handle)  # type: ignore[method-assign]
    segmenter.handle = tally.of("segmenter", segmenter.handle)  # type: ignore[method-assign]
    services = Supervisor([build_spool(core), indexer, segmenter, build_janitor(core)], core.clock)
    with ExitStack() as held:
        app = create_app(core)
        held.callback(close_app, app)
        held.enter_context(tally.statements())
        services.start()
        held.callback(services.stop)
        outboxes = held.enter_context(_outboxes(core, len(cameras)))
        each = SHARED if is_shared(core.settings) else len(cameras)
        fleet = Fleet(core, film, cameras, lambda k: outboxes[k // each].send, scale.chunk_s * SECOND)
        probe = _Probe(core, app.test_client(), fleet.sent)
        start_us = _half_before_a_boundary(core, scale)
        so_far = held.enter_context(watched())
        began = time.monotonic()
        probe.start()
        fleet.run(start_us, scale.live_s, scale.slower(len(cameras)))
        ended, depth = time.monotonic(), probe.depth()
        probe.stop()
        while _not_published() and time.monotonic() - ended < DRAIN_S:
            time.sleep(0.005)
        if not core.bus.join(DRAIN_S):
            raise RuntimeError(f"{probe.depth()} messages of {len(cameras)} cameras still wait")
        spent = so_far()
        spent.cpu_s["cameras"] = fleet.sent.cpu_s
        live = Live(fleet.sent, spent, tally.handled, probe.lags, depth, probe.deepest)
        live.drained_s = spent.wall_s - (ended - began)
        live.found = _found(app.test_client(), fleet.sent)
        live.chunks = sum(one.count for (_, kind), one in tally.handled.items() if kind == "chunk.stored")
        live.memory_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return live


class _Tally:
    """Counts what handlers cost, by the message in hand."""

    def __init__(self) -> None:
        self.handled: dict[tuple[str, str], Handled] = {}
        self._runs: set[str] = set()
        self._hand = threading.local()

    def of(self, service: str, handle: Callable[[Delivery], None]) -> Callable[[Delivery], None]:
        """Return ``handle`` with what it costs counted."""

        def counted(delivery: Delivery) -> None:
            one = self.handled.setdefault((service, self._kind(delivery.message)), Handled())
            self._hand.one, began = one, time.thread_time()
            try:
                handle(delivery)
            finally:
                self._hand.one = None
                one.count += 1
                one.cpu_s += time.thread_time() - began

        return counted

    def _kind(self, message: Message) -> str:
        """Return the type of a message; more is done with a run's first GOP than with all that follow."""
        if not isinstance(message, GopWritten) or message.run in self._runs:
            return message.TYPE
        self._runs.add(message.run)
        return FIRST_GOP

    @contextmanager
    def statements(self) -> Iterator[None]:
        """Count the statements that are sent with a message in hand."""

        def executed(_conn: object, _cursor: object, text: str, *_rest: object) -> None:
            one = getattr(self._hand, "one", None)
            if one is not None and not text.startswith(("PRAGMA", "BEGIN")):
                one.statements += 1

        event.listen(Engine, "after_cursor_execute", executed)
        try:
            yield
        finally:
            event.remove(Engine, "after_cursor_execute", executed)


class _Probe:
    """Asks the api for what was just recorded until it has it, again and again; and how much waits."""

    def __init__(self, core: Core, client: object, sent: Sent) -> None:
        self._core, self._client, self._sent = core, client, sent
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="probe", daemon=True)
        self.lags = Lags()
        self.deepest = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def depth(self) -> int:
        """Return how many messages wait."""
        return sum(self._core.bus.depth(queue) for queue in ("indexer", "segmenter"))

    def _run(self) -> None:
        looked, sent = 0.0, self._sent
        while not self._stop.wait(_PROBE_S):
            if not sent.connected:
                continue
            sent.new_part.clear()
            if sent.new_part.wait(_NEWS_S) and sent.part is not None:
                self._follow(sent.part, self._has_part, self.lags.parts_after if sent.turned else self.lags.parts)
            sent.new_gop.clear()
            if sent.new_gop.wait(_NEWS_S) and sent.gop is not None:
                self._follow(sent.gop, self._has_gop, self.lags.gops_after if sent.turned else self.lags.gops)
            if time.monotonic() - looked > _DEPTH_S:
                looked = time.monotonic()
                try:
                    self.deepest = max(self.deepest, self.depth())
                except GatehouseError:  # the broker is asked again
                    continue

    def _follow(self, one: Emitted, there: Callable[[Emitted], bool], lags: list[float]) -> None:
        while not there(one):
            if time.monotonic() - one.at_s > GIVEN_UP_S:
                break
            time.sleep(0.005)
        lags.append(time.monotonic() - one.at_s)

    def _has_part(self, one: Emitted) -> bool:
        query = f"camera={one.camera}&from={one.start_us / SECOND:.6f}&to={one.end_us / SECOND:.6f}"
        answer = self._client.get(f"/api/v1/footage?{query}")  # type: ignore[attr-defined]
        found = int(answer.status_code) == 200
        answer.close()
        return found

    def _has_gop(self, one: Emitted) -> bool:
        spans = timelines(self._client, [one.camera], one.start_us, one.end_us)[one.camera]
        return spans >= (one.end_us - one.start_us) / SECOND - 0.01


def timelines(client: object, cameras: Sequence[str], start_us: int, end_us: int) -> dict[str, float]:
    """Return how many seconds of a range the timeline tells as recorded, of each camera."""
    query = f"cameras={','.join(cameras)}&from={start_us / SECOND:.6f}&to={end_us / SECOND:.6f}"
    answer = client.get(f"/api/v1/timeline?{query}")  # type: ignore[attr-defined]
    found = {}
    for item in answer.get_json()["items"]:
        spans = [[datetime.fromisoformat(at).timestamp() for at in span] for span in item["recorded"]]
        found[item["camera"]] = sum(end - start for start, end in spans)
    return found


def _not_published() -> int:
    """Return how many messages of cameras the bus has not taken yet."""
    return int(sum(sample.value for metric in NOTICES_PENDING.collect() for sample in metric.samples))


def _found(client: object, sent: Sent) -> int:
    """Return of how many cameras the api knows exactly what was sent."""
    cameras, right = sorted(sent.footage), 0
    for at in range(0, len(cameras), _TOGETHER):
        some = cameras[at : at + _TOGETHER]
        begin, end = min(sent.footage[c][0] for c in some), max(sent.footage[c][1] for c in some)
        for camera, seconds in timelines(client, some, begin, end).items():
            start_us, end_us = sent.footage[camera]
            right += abs(seconds - (end_us - start_us) / SECOND) < 0.001
    return right


def _half_before_a_boundary(core: Core, scale: Scale) -> int:
    """Return where what is sent begins: it ends before now, and all cameras begin another chunk after half of one."""
    chunk_us = scale.chunk_s * SECOND
    latest = core.clock.now_us() - (scale.live_s + 2) * SECOND
    return latest - (latest - chunk_us // 2) % chunk_us


@contextmanager
def _outboxes(core: Core, count: int) -> Iterator[list[Outbox]]:
    """Yield what takes the messages of cameras: this process's, or with a broker that of each recorder."""
    with ExitStack() as held:
        buses: list[Bus] = [core.bus]
        if is_shared(core.settings):
            buses = [held.enter_context(_bus_of_recorder(core, k)) for k in range(-(-count // SHARED))]
        made = [Outbox(bus) for bus in buses]
        for outbox in made:
            held.callback(outbox.close)
        yield made


@contextmanager
def _bus_of_recorder(core: Core, number: int) -> Iterator[Bus]:
    from gatehouse_common.bus.rabbitmq import RabbitBus  # noqa: PLC0415 - as in runtime.buses

    url, partitions = core.settings.values.broker_url, partitions_of(core.settings)
    path = core.data_dir / f"outbox-{number}.db"
    bus = RabbitBus(url, path, SystemClock(), f"recorder-{number}", queues=queues(), partitions=partitions)
    try:
        yield bus
    finally:
        bus.close()
