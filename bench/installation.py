"""S1, S2: what each process of an installation takes, and what it costs to end a recorder and start it again.

Broker, database and store are real; all of it, and the cameras' player, is on one machine.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from bench import process
from bench.films import make_film
from bench.result import Result
from bench.rtsp import serve

if TYPE_CHECKING:
    from cluster_kit import Cluster

CAMERAS = int(os.environ.get("GATEHOUSE_BENCH_INSTALLATION", "16"))
SECONDS = float(os.environ.get("GATEHOUSE_BENCH_INSTALLATION_SECONDS", "60"))
SERVICES = ("indexer", "segmenter", "detector", "janitor", "transcoder", "api")
SETTLED_S, QUIET_S, LATE_S = 20.0, 10.0, 6.0


def run(folder: Path) -> list[Result]:
    """Record, and look at every process; then end both recorders one after the other, as an update does."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    from cluster_kit import cluster  # noqa: PLC0415 - the tests' servers, which need what tests need

    film = make_film(folder / "film.mp4")
    settings = {"GATEHOUSE_DETECTION__FRAMES": "activity", "GATEHOUSE_RECORDING__CHUNK_SECONDS": "60"}
    with ExitStack() as held:
        url = held.enter_context(serve(film))
        site = held.enter_context(cluster(folder, **settings))
        for service in SERVICES:
            site.add(service)
        for k in range(CAMERAS):
            site.command("camera", "add", f"cam{k}", url)
        site.add("capture", 2)
        wait_until_shared(site)
        time.sleep(SETTLED_S)
        return [*taken(site), *handed_over(site)]


def wait_until_shared(site: Cluster) -> None:
    """Wait until both recorders have their share, and every camera is recorded."""
    for _ in range(600):
        owners = set(site.owners().values())
        if len(owners) == 2 and None not in owners and list(site.states().values()) == ["recording"] * CAMERAS:
            return
        time.sleep(0.2)
    raise RuntimeError("the cameras are not recorded")


def taken(site: Cluster) -> list[Result]:
    """Return processor time and memory of each process over a minute."""
    running = {name: one.running.pid for name, one in site.processes.items() if one.running is not None}
    before, began = {name: process.usage([pid]) for name, pid in running.items()}, time.monotonic()
    time.sleep(SECONDS)
    after, took = {name: process.usage([pid]) for name, pid in running.items()}, time.monotonic() - began
    on = f"{CAMERAS} cameras, H.264 1080p30 4 Mbit/s, two recorders, chunks of 60 s, {SECONDS:g} s"
    return [
        Result(
            "S1",
            f"processor of {name}",
            100 * (after[name].cpu_s - before[name].cpu_s) / took,
            "% of a core",
            "told",
            True,
            on=on,
            more={"pss_mib": after[name].pss_mib},
        )
        for name in running
    ]


def handed_over(site: Cluster) -> list[Result]:
    """Return what the ledger says was lost of the cameras while each recorder was ended and started again."""
    began, ends, late = now_us(), [], 0
    for name in ("capture-1", "capture-0"):
        told = time.monotonic()
        late += site.processes[name].stop(45) != 0
        ends.append(time.monotonic() - told)
        time.sleep(QUIET_S)
        site.processes[name].start()
        site.processes[name].wait_until_up()
        wait_until_shared(site)
        time.sleep(QUIET_S)
    ended = now_us()
    time.sleep(LATE_S)
    gaps = [(gap[1] - gap[0]) / 1e6 for k in range(CAMERAS) for gap in site.ledger(f"cam{k}", began, ended)[1]]
    on = f"{CAMERAS} cameras, RTSP on the same machine; two recorders, each ended and started again"
    more: dict[str, float | str] = {
        "gaps": len(gaps),
        "median_s": sorted(gaps)[len(gaps) // 2] if gaps else 0.0,
        "seconds_of_all_cameras": sum(gaps),
        "seconds_to_end": max(ends),
        "not_ended_in_time": late,
        "load": os.getloadavg()[0],
    }
    worst = max(gaps, default=0.0)
    return [
        Result("S2", "longest gap of a camera that changes its recorder", worst, "s", "told", True, on=on, more=more)
    ]


def now_us() -> int:
    """Return the time, microseconds since 1970."""
    return time.time_ns() // 1000
