"""P2: how many cameras the whole product records without a gap, as one process with everything built in.

The cameras are played by processes on the same machine, which take far more of it than recording does.
"""

from __future__ import annotations

import json
import os
import time
import urllib.request
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from bench import process
from bench.films import make_film
from bench.product import running
from bench.result import Result
from bench.rtsp import serve

CAMERAS = int(os.environ.get("GATEHOUSE_BENCH_CAPACITY", "64"))
SECONDS = float(os.environ.get("GATEHOUSE_BENCH_CAPACITY_SECONDS", "300"))
PLAYERS = 2
SETTLED_S = 20.0
LATE_S = 8.0


def run(folder: Path) -> list[Result]:
    """Record all of them for five minutes, then ask the ledger for every second of it."""
    film = make_film(folder / "film.mp4")
    with ExitStack() as held:
        urls = [held.enter_context(serve(film)) for _ in range(PLAYERS)]
        cameras = [word for k in range(CAMERAS) for word in ("--camera", f"cam{k}={urls[k % PLAYERS]}")]
        gatehouse, address = held.enter_context(running(folder / "data", *cameras))
        wait_until_recording(address)
        time.sleep(SETTLED_S)
        began, before = time.time(), process.usage([gatehouse.pid])
        time.sleep(SECONDS)
        ended, after = time.time(), process.usage([gatehouse.pid])
        time.sleep(LATE_S)  # the index learns of footage when its GOP is complete
        gaps = gap_seconds(address, began, ended)
    whole = sum(seconds == 0 for seconds in gaps.values())
    cores = (after.cpu_s - before.cpu_s) / (ended - began)
    more: dict[str, float | str] = {
        "gap_seconds": sum(gaps.values()),
        "cores": cores,
        "pss_mib": after.pss_mib,
    }
    on = f"H.264 1080p30 4 Mbit/s GOP 2 s, RTSP over TCP, {SECONDS:g} s, {os.cpu_count()} cores, players included"
    what = f"cameras recorded without a gap, of {CAMERAS}"
    target = ">= 64, 0 s of gaps"
    return [Result("P2", what, whole, "cameras", target, whole >= 64, None, on, more, more_is_better=True)]


def wait_until_recording(address: str) -> None:
    """Wait until every camera records."""
    for _ in range(240):
        states = [camera["state"] for camera in ask(address, "/api/v1/cameras")["items"]]
        if states.count("recording") == CAMERAS:
            return
        time.sleep(0.5)
    raise RuntimeError(f"only {states.count('recording')} of {CAMERAS} cameras are recorded")


def gap_seconds(address: str, began: float, ended: float) -> dict[str, float]:
    """Return for each camera the seconds of the range that its ledger does not tell as recorded."""
    found = {}
    for k in range(CAMERAS):
        query = f"/api/v1/timeline?cameras=cam{k}&from={began:.6f}&to={ended:.6f}"
        item = ask(address, query)["items"][0]
        spans = [[datetime.fromisoformat(at).timestamp() for at in span] for span in item["recorded"]]
        recorded = sum(end - start for start, end in spans)
        found[f"cam{k}"] = round(max(0.0, ended - began - recorded), 3)
    return found


def ask(address: str, path: str) -> Any:
    """Return a JSON answer."""
    with urllib.request.urlopen(address + path, timeout=30) as answer:
        return json.load(answer)
