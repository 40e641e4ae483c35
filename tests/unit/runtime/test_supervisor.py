"""Services are kept running, told apart when they fail, and ended in reverse order."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from gatehouse_common.clock import SystemClock
from gatehouse_common.errors import Unavailable
from gatehouse_common.observability.metrics import SERVICE_RESTARTS
from gatehouse_common.runtime import Check, Supervisor
from gatehouse_common.runtime import supervisor as supervising
from gatehouse_common.testing.clock import FakeClock


class PacedClock(FakeClock):
    """Remembers every pause; a pause ends when the test lets it, or when told to stop."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []
        self.pausing, self.go_on = threading.Semaphore(0), threading.Semaphore(0)

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        self.pauses.append(seconds)
        self.pausing.release()
        while not stop.is_set() and not self.go_on.acquire(timeout=0.02):
            pass
        return super().wait(stop, seconds)


class Part:
    """A service whose run is given."""

    def __init__(self, name: str, run: Callable[[threading.Event], None], detail: str = "") -> None:
        self.name, self._run, self.detail = name, run, detail
        self.running = threading.Semaphore(0)

    def run(self, stop: threading.Event) -> None:
        self.running.release()
        self._run(stop)

    def health(self) -> list[Check]:
        if self.detail == "broken":
            raise RuntimeError("no health today")
        return [Check(f"{self.name} disk", not self.detail, self.detail)]


def waits(stop: threading.Event) -> None:
    assert stop.wait(10)


def fails_at_first(times: int, error: BaseException) -> Callable[[threading.Event], None]:
    left = iter([error] * times)

    def run(stop: threading.Event) -> None:
        for reason in left:
            raise reason
        waits(stop)

    return run


def until_running(part: Part, times: int = 1) -> None:
    for _ in range(times):
        assert part.running.acquire(timeout=10)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Unavailable("rtsp://u:canary@h does not answer"), "rtsp://u:***@h does not answer"),
        (ValueError("rtsp://u:canary@h"), "ValueError"),
        (SystemExit(1), "SystemExit"),
    ],
)
def test_a_service_that_fails_is_told_counted_and_started_again(error: BaseException, told: str) -> None:
    clock = PacedClock()
    part = Part("failing", fails_at_first(2, error))
    before = SERVICE_RESTARTS.labels("failing")._value.get()
    supervisor = Supervisor([part], clock)
    supervisor.start()
    for _ in range(2):
        assert clock.pausing.acquire(timeout=10)
        assert Check("failing", ok=False, detail=told) in supervisor.health()
        clock.go_on.release()
    until_running(part, 3)
    assert SERVICE_RESTARTS.labels("failing")._value.get() == before + 2
    assert Check("failing", ok=False, detail=told) in supervisor.health(), "it may fail again at once"
    clock.advance(6_000_000)
    assert supervisor.health() == [Check("failing disk", ok=True)]
    assert supervisor.stop()


def test_pauses_grow_with_jitter_up_to_a_bound_and_begin_anew_after_a_good_run() -> None:
    clock = PacedClock()
    long_runs = {9}
    runs = iter(range(100))

    def run(stop: threading.Event) -> None:
        if next(runs) in long_runs:
            clock.advance(120_000_000)
        raise Unavailable("no")

    supervisor = Supervisor([Part("failing", run)], clock)
    supervisor.start()
    for _ in range(10):
        assert clock.pausing.acquire(timeout=10)
        clock.go_on.release()
    assert clock.pausing.acquire(timeout=10)
    assert supervisor.stop()
    expected = [0.5, 1, 2, 4, 8, 15, 15, 15, 15, 0.5, 1]
    assert all(0.8 * e <= p <= 1.2 * e for p, e in zip(clock.pauses, expected, strict=False))


def test_a_service_that_ends_by_itself_is_a_failed_check() -> None:
    clock = PacedClock()
    supervisor = Supervisor([Part("brief", lambda stop: None)], clock)
    supervisor.start()
    assert clock.pausing.acquire(timeout=10)
    assert supervisor.health()[0] == Check("brief", ok=False, detail="it ended by itself")
    assert supervisor.stop()


def test_services_stop_in_reverse_and_only_when_the_ones_after_have_ended() -> None:
    ended: list[str] = []
    parts = []
    for name in ("indexer", "segmenter", "capture"):

        def run(stop: threading.Event, name: str = name) -> None:
            waits(stop)
            ended.append(name)

        parts.append(Part(name, run))
    supervisor = Supervisor(parts, SystemClock())
    supervisor.start()
    for part in parts:
        until_running(part)
    assert supervisor.stop()
    assert ended == ["capture", "segmenter", "indexer"]
    assert supervisor.stop(), "twice is once"


def test_one_that_hangs_does_not_keep_the_others_from_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervising, "_LEAST_TO_END_S", 0.2)
    release = threading.Event()
    ended = threading.Event()

    def hangs(_stop: threading.Event) -> None:
        assert release.wait(10)

    def ends(stop: threading.Event) -> None:
        waits(stop)
        ended.set()

    parts = [Part("first", ends), Part("hanging", hangs)]
    supervisor = Supervisor(parts, SystemClock())
    supervisor.start()
    for part in parts:
        until_running(part)
    assert not supervisor.stop(0.1)
    assert ended.is_set()
    release.set()
    assert supervisor.stop()


def test_what_was_never_started_can_be_stopped() -> None:
    assert Supervisor([Part("idle", waits)], SystemClock()).stop()


def test_a_service_that_cannot_say_how_it_is_does_not_hide_the_others() -> None:
    parts = [Part("odd", waits, "broken"), Part("other", waits, "mysql://u:canary@db refused")]
    checks = Supervisor(parts, SystemClock()).health()
    assert checks == [
        Check("odd", ok=False, detail="it could not say how it is: RuntimeError"),
        Check("other disk", ok=False, detail="mysql://u:***@db refused"),
    ]


def test_a_service_that_waits_for_an_answer_itself_does_not_hide_the_others() -> None:
    """S0-37: the disk that its index is on may be what does not answer."""
    answers = threading.Event()

    class Waiting(Part):
        def health(self) -> list[Check]:
            answers.wait()
            return [Check("waiting", ok=True)]

    other = Check("other disk", ok=False, detail="it is full")
    supervisor = Supervisor([Waiting("waiting", waits), Part("other", waits, other.detail)], SystemClock())
    try:
        for _ in range(3):
            silent, said = supervisor.health()
            assert (silent.name, silent.ok) == ("waiting", False)
            assert said == other
        assert sum(t.name == "health-waiting" for t in threading.enumerate()) == 1, "it is asked once"
    finally:
        answers.set()
    for thread in [t for t in threading.enumerate() if t.name == "health-waiting"]:
        thread.join(5)
    assert supervisor.health() == [Check("waiting", ok=True), other]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_is_gone_is_a_failed_check() -> None:
    class Broken(FakeClock):
        def wait(self, stop: threading.Event, seconds: float) -> bool:
            raise RuntimeError("the supervisor itself failed")

    supervisor = Supervisor([Part("gone", lambda stop: None)], Broken())
    supervisor.start()
    for thread in [t for t in threading.enumerate() if t.name == "gone"]:
        thread.join(10)
    assert supervisor.health()[0] == Check("gone", ok=False, detail="its thread has ended")
    assert supervisor.stop()
