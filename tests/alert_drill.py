"""A drill: a real fault in a running Gatehouse, the shipped alert that a real Prometheus then fires, and its end.

Times in rules are shortened (``short_rules``), all of them by ``FACTOR`` but for those alerts that ``FACTORS`` names.
With GATEHOUSE_FAULTS=full rules are as they are shipped, but for those of ``HOURS``, which take longer than a test may.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import psutil

from fault_rig import FULL, Finding, tell
from prometheus_server import Prometheus
from running import wait_for
from short_rules import Short, short_rules, write_short_rules

FACTOR = 60
FACTORS: Mapping[str, int] = {
    # What is missing is counted every ten seconds: a rate over less shows it at times only.
    "GatehouseFramesDropped": 15,
    # Guesses take their time, as each is hashed.
    "GatehouseAuthBruteForce": 15,
    # What fails in the drill does so at each of its looks, 15 s and a pause apart.
    "GatehouseServiceRestarts": 10,
    # An hour each before it is told; the janitor looks at ages every half a minute.
    "GatehouseJanitorStale": 120,
    "GatehouseRetentionShortfall": 120,
    "GatehouseDiskFullIn24h": 120,
}
HOURS = frozenset(
    {
        "GatehouseRetentionShortfall",
        "GatehouseDiskFullIn24h",
        "GatehouseJanitorStale",
        "GatehouseJobsWait",
        "GatehouseWebhooksWait",
    }
)
"""Alerts that by design are told after twenty minutes or more: of these the times are shortened always."""
ALWAYS = frozenset({"Watchdog"})
"""What fires while all is well, and must: a drill begins with it."""
FIRES_WITHIN_S = 90.0
"""After the fault, beside the times of the rule: what the product and a busy machine take."""
_DILUTED_S = 600.0
"""At most: no rule asks more of a rate over a longer time than that it is there."""
LONGEST_END_S = 600.0 if FULL else 60.0
"""An alert that looks back over more than this is not waited for until it is over."""
EVERY = ("5s", "1s") if FULL else ("1s", "200ms")
"""How often Prometheus looks, and how often it judges."""
QUIET_S = 1200.0 if FULL else 90.0
"""So long is waited before a fault until what it makes fire neither fires nor is about to."""
SiteT = TypeVar("SiteT")


def factor_of(alert: str) -> int:
    """Return by what the times of an alert are divided."""
    return 1 if FULL and alert not in HOURS else FACTORS.get(alert, FACTOR)


def write_drill_rules(folder: Path) -> None:
    """Write the rules of a drill in place of those that are shipped."""
    write_short_rules(folder, factor_of)


@dataclass(frozen=True)
class Fault(Generic[SiteT]):
    """A fault, and what has to fire in it.

    Attributes:
        what: happens, in a few words, for the report.
        fires: by alert, the labels that its series has to have.
        fault: does it to a site, and takes it away at the end of the block; the block begins when all is done that
            makes the alert fire sooner or later.
        later: what has to fire when the fault is over, as ``fires``.
    """

    what: str
    fires: Mapping[str, Mapping[str, str]]
    fault: Callable[[SiteT], AbstractContextManager[None]]
    later: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def alerts(self) -> list[tuple[str, Mapping[str, str]]]:
        """All that fires, in it or when it is over."""
        return [*self.fires.items(), *self.later.items()]


@dataclass(frozen=True)
class Seen:
    """How one alert went.

    Attributes:
        name: of the alert; of ``GatehouseServiceAbsent`` with its service.
        what: was done.
        fired_s: seconds from the beginning of the fault until it fired; None: it did not.
        ended_s: seconds from the end of the fault until it fired no more; None: it was not waited for.
        trouble: what was not as it should be; empty: nothing.
    """

    name: str
    what: str
    fired_s: float | None
    ended_s: float | None
    trouble: str = ""


def shown_alert(alert: str, labels: Mapping[str, str]) -> str:
    """Return the name of an alert, with its service where it has one of its own for each."""
    return f"{alert} ({labels['service']})" if alert == "GatehouseServiceAbsent" else alert


class Watch:
    """Looks four times a second which alerts fire, and which are about to."""

    def __init__(self, watching: Prometheus) -> None:
        self._watching, self._stop = watching, threading.Event()
        self._lock = threading.Lock()
        self._now: list[tuple[str, dict[str, str]]] = []
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def fires(self, alert: str, labels: Mapping[str, str]) -> bool:
        """Return whether an alert fires for a series with these labels."""
        return any(state == "firing" for state in self._states(alert, labels))

    def is_quiet(self, alert: str, labels: Mapping[str, str]) -> bool:
        """Return whether an alert neither fires for such a series nor is about to."""
        return not self._states(alert, labels)

    def firing(self) -> set[str]:
        """Return the alerts that fire."""
        with self._lock:
            return {labels["alertname"] for state, labels in self._now if state == "firing"}

    def sees_all(self) -> bool:
        """Return whether every process tells its metrics."""
        return {one for states in self._watching.targets().values() for one in states} == {"up"}

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _states(self, alert: str, labels: Mapping[str, str]) -> list[str]:
        wanted = {"alertname": alert, **labels}.items()
        with self._lock:
            return [state for state, theirs in self._now if wanted <= theirs.items()]

    def _look(self) -> None:
        while not self._stop.wait(0.25):
            try:
                found = self._watching.ask("alerts")["alerts"]
            except (AssertionError, OSError):  # a machine that is busy: it is asked again
                continue
            with self._lock:
                self._now = [(one["state"], one["labels"]) for one in found]


@contextmanager
def watched(watching: Prometheus) -> Iterator[Watch]:
    """Watch the alerts of a Prometheus until the end of the block."""
    made = Watch(watching)
    try:
        yield made
    finally:
        made.close()


class Drill(Generic[SiteT]):
    """Does faults to a site and keeps what was seen.

    Args:
        site: what is done to.
        watch: sees alerts.
    """

    def __init__(self, site: SiteT, watch: Watch) -> None:
        self._site, self._watch = site, watch
        self._rules: dict[str, Short] = {one.name: one for one in short_rules(factor_of)}
        self._over = ThreadPoolExecutor(32, thread_name_prefix="over")
        self._seen: list[Future[list[Seen]]] = []

    def sound(self, timeout_s: float = 90.0) -> None:
        """Wait until all is seen and nothing fires but what always does: faults are only seen in what is sound."""
        wait_for("all processes", self._watch.sees_all, timeout_s)
        try:
            wait_for("a sound site", lambda: self._watch.firing() == ALWAYS, timeout_s)
        except AssertionError as error:
            raise AssertionError(f"{error}: {sorted(self._watch.firing())} fire before any fault") from error

    def together(self, *faults: Fault[SiteT]) -> None:
        """Do faults that do not disturb each other at the same time; each ends as soon as what it makes fire does.

        That alerts are over is waited for beside what follows.
        """
        with ThreadPoolExecutor(len(faults), thread_name_prefix="fault") as pool:
            self._seen += pool.map(self._one, faults)

    def _one(self, fault: Fault[SiteT]) -> Future[list[Seen]]:
        """Do a fault and see what fires; return what comes of that once it is over."""
        began, fired_s, trouble, early = time.monotonic(), dict[str, float](), "", list[str]()
        patience_s = FIRES_WITHIN_S + max(self._lasts_s(alert) for alert, _ in fault.alerts)
        try:
            early = self._unquiet_after(fault)
            began = time.monotonic()
            with fault.fault(self._site):
                self._wait(list(fault.fires.items()), began, fired_s, patience_s, until=True)
        except (
            AssertionError,
            OSError,
            psutil.Error,
        ) as error:  # others go on; it is told with what was seen
            trouble = f"{type(error).__name__}: {error}"
        return self._over.submit(self._follow, fault, began, fired_s, patience_s, trouble, early)

    def _unquiet_after(self, fault: Fault[SiteT]) -> list[str]:
        """Wait until nothing of a fault fires or is about to; return what of it goes on so, of what is to come later.

        Raises:
            AssertionError: what has to fire in the fault does.
        """
        try:
            wait_for("quiet", lambda: all(self._watch.is_quiet(*one) for one in fault.alerts), QUIET_S)
        except AssertionError:
            if not all(self._watch.is_quiet(*one) for one in fault.fires.items()):
                raise
        return [alert for alert, labels in fault.later.items() if not self._watch.is_quiet(alert, labels)]

    def _follow(
        self,
        fault: Fault[SiteT],
        began: float,
        fired_s: dict[str, float],
        patience_s: float,
        trouble: str,
        early: Sequence[str],
    ) -> list[Seen]:
        """See what fires when a fault is over, and when all that does so ends."""
        over, ended_s = time.monotonic(), dict[str, float]()
        in_it, after = list(fault.fires.items()), list(fault.later.items())
        if not trouble:
            missed = not set(fault.fires) <= set(fired_s)
            wanted = (after, began, fired_s, 0.0 if missed else patience_s)
            waiting = threading.Thread(target=self._wait, args=wanted, kwargs={"until": True}, daemon=True)
            waiting.start()
            self._until_over(fault, in_it, over, fired_s, ended_s)
            waiting.join()
            self._until_over(fault, after, over, fired_s, ended_s)
        seen = []
        for alert, labels in fault.alerts:
            why = trouble or self._judged(fault, alert, fired_s, ended_s)
            why = why or ("it fired before its fault" if alert in early else "")
            seen.append(Seen(shown_alert(alert, labels), fault.what, fired_s.get(alert), ended_s.get(alert), why))
            print(f"{time.strftime('%X')} {seen[-1]}", flush=True)  # noqa: T201 - a drill takes minutes
        return seen

    def _until_over(
        self,
        fault: Fault[SiteT],
        alerts: Sequence[tuple[str, Mapping[str, str]]],
        over: float,
        fired_s: Mapping[str, float],
        ended_s: dict[str, float],
    ) -> None:
        """Wait until those alerts are over of which that is soon, if they fired at all."""
        soon = [one for one in alerts if one[0] in fired_s and self._ends_soon(one[0])]
        back_s = max((self._rules[alert].longest_s for alert, _ in soon), default=0.0)
        self._wait(soon, over, ended_s, FIRES_WITHIN_S + back_s, until=False)

    def _judged(
        self, fault: Fault[SiteT], alert: str, fired_s: Mapping[str, float], ended_s: Mapping[str, float]
    ) -> str:
        if alert not in fired_s:
            return "it does not fire"
        waited = self._ends_soon(alert) and alert not in ended_s
        return "it goes on firing when the fault is over" if waited else ""

    def _lasts_s(self, alert: str) -> float:
        """Return how long its rule takes by itself, seconds: a rate is diluted by what was before."""
        return self._rules[alert].for_s + min(self._rules[alert].longest_s, _DILUTED_S)

    def _ends_soon(self, alert: str) -> bool:
        return self._rules[alert].longest_s <= LONGEST_END_S

    def _wait(
        self,
        fires: Sequence[tuple[str, Mapping[str, str]]],
        since: float,
        noted: dict[str, float],
        timeout_s: float,
        *,
        until: bool,
    ) -> None:
        """Note when each alert fires, or does so no more, until all do or the time is up."""
        deadline = time.monotonic() + timeout_s
        while any(alert not in noted for alert, _ in fires) and time.monotonic() < deadline:
            for alert, labels in fires:
                if alert not in noted and self._watch.fires(alert, labels) is until:
                    noted[alert] = time.monotonic() - since
            time.sleep(0.1)

    def report(self, where: str) -> None:
        """Tell what was seen, once all is over, and fail if anything was not as it should be."""
        seen = [one for future in self._seen for one in future.result()]
        self._over.shutdown()
        fired = [one for one in seen if one.fired_s is not None]
        over = [one for one in fired if one.ended_s is not None]
        told = "; ".join(
            f"{one.name} {one.fired_s:.1f} s" + ("" if one.ended_s is None else f", over {one.ended_s:.1f} s after it")
            for one in fired
        )
        short = "times as shipped, but for those of hours" if FULL else f"times divided by {FACTOR} or so"
        wrong = [f"{one.name} ({one.what}): {one.trouble}" for one in seen if one.trouble]
        tell(
            Finding(
                "W3",
                f"a real fault for each of {len(seen)} alerts, {where}; {short}",
                f"{len(fired)} of {len(seen)} fired, and {len(over)} of them were seen to be over; after "
                "the fault began: " + "; ".join([told, *wrong]),
                "each fires in its fault, and is over when that is, where it looks back over minutes only",
                not wrong,
            )
        )
        assert not wrong, "\n".join(wrong)


def asked_for(faults: Sequence[Fault[Any]]) -> set[str]:
    """Return the alerts that some faults make fire."""
    return {shown_alert(*one) for fault in faults for one in fault.alerts}
