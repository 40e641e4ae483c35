"""P14: how late the live picture is on the screen of a real Chromium, and what a further viewer costs."""

from __future__ import annotations

import statistics
import threading
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import sync_playwright

from bench import process
from bench.product import running
from bench.result import Result

VIEWERS = 20
WATCHED_S = 10.0
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
]

# The synthetic camera burns its frame number in, and frame n was due at start + n / 30.
LATENESS = """async (start) => {
  const v = document.getElementById('video'), c = document.createElement('canvas');
  c.width = 640; c.height = 32;
  const x = c.getContext('2d', {willReadFrequently: true}), found = [];
  const until = performance.now() + 8000;
  await new Promise((done) => { const look = () => {
    x.drawImage(v, 0, 0, 640, 32, 0, 0, 640, 32);
    const p = x.getImageData(0, 16, 640, 1).data; let n = 0;
    for (let k = 0; k < 20; k++) if (p[(32 * k + 16) * 4] > 125) n += 2 ** k;
    found.push(Date.now() / 1000 - start - n / 30);
    if (performance.now() < until) v.requestVideoFrameCallback(look); else done();
  }; v.requestVideoFrameCallback(look); });
  return found;
}"""


def run(folder: Path) -> list[Result]:
    """Watch the demo camera."""
    with running(folder / "data", "--demo") as (gatehouse, url):
        time.sleep(6)
        late = lateness(url)
        alone = cost(gatehouse.pid)
        watched = cost_with_viewers(gatehouse.pid, url)
    each = (watched - alone) / VIEWERS * 100
    on = "synthetic 1280x720 at 30 fps, headless Chromium on the same machine"
    return [
        Result("P14", "capture to screen, median", late, "ms", "<= 400 ms", late <= 400, None, on),
        Result("P14", f"CPU of a further viewer, of {VIEWERS}", each, "% of a core", "<= 0.1 %", each <= 0.1, None, on),
    ]


def lateness(url: str) -> float:
    """Return the median milliseconds between a frame being due and being on the screen."""
    with urllib.request.urlopen(
        f"{url}/api/v1/timeline?cameras=demo&from=0000000000&to=9999999999", timeout=10
    ) as answer:
        import json  # noqa: PLC0415

        start_text = json.load(answer)["items"][0]["recorded"][0][0]
    from datetime import datetime  # noqa: PLC0415

    start = datetime.fromisoformat(start_text).timestamp()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{url}/timeline")
        page.wait_for_timeout(4000)
        found = page.evaluate(LATENESS, start)
        browser.close()
    return statistics.median(found) * 1000


def cost(pid: int) -> float:
    """Return the cores that a process uses."""
    before, began = process.usage([pid]).cpu_s, time.monotonic()
    time.sleep(WATCHED_S)
    return (process.usage([pid]).cpu_s - before) / (time.monotonic() - began)


def cost_with_viewers(pid: int, url: str) -> float:
    """Return the cores that it uses while the live view is read by many."""
    stop = threading.Event()

    def watch() -> None:
        with urllib.request.urlopen(f"{url}/api/v1/live/demo.mp4", timeout=30) as stream:
            while not stop.is_set():
                stream.read1(1 << 16)

    threads = [threading.Thread(target=watch, daemon=True) for _ in range(VIEWERS)]
    for thread in threads:
        thread.start()
    time.sleep(2)
    used = cost(pid)
    stop.set()
    for thread in threads:
        thread.join(5)
    return used
