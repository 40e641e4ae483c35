"""P13: from the command (set-up done) to the first part stored and a picture to look at."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from pathlib import Path

from bench.product import running
from bench.result import Result

RUNS = 3


def run(folder: Path) -> list[Result]:
    """Start the demo a few times."""
    parts, pictures = zip(*(measure(folder / str(k)) for k in range(RUNS)), strict=True)
    on = f"`gatehouse up --demo`, 1280x720 at 30 fps, best and worst of {RUNS}"
    return [
        Result(
            "P13", "first part in the spool", max(parts), "s", "<= 3 s", max(parts) <= 3, None, on, {"best": min(parts)}
        ),
        Result(
            "P13",
            "first picture over HTTP",
            max(pictures),
            "s",
            "<= 3 s",
            max(pictures) <= 3,
            None,
            on,
            {"best": min(pictures)},
        ),
    ]


def measure(data: Path) -> tuple[float, float]:
    """Return seconds to the first part and to the first picture."""
    began = time.perf_counter()
    part = None
    with running(data, "--demo") as (_, url):
        while True:
            if part is None and any(p.stat().st_size > 4096 for p in data.glob("spool/*/*/*.mp4")):
                part = time.perf_counter() - began
            try:
                with urllib.request.urlopen(f"{url}/api/v1/cameras/demo/snapshot.jpg", timeout=5) as answer:
                    if answer.read(2) == b"\xff\xd8":
                        picture = time.perf_counter() - began
                        return picture if part is None else part, picture
            except (urllib.error.HTTPError, urllib.error.URLError):
                time.sleep(0.02)
