"""P14: what 16 live tiles in a real Chromium do to the rest: how long `GET /api/v1/cameras` takes beside them.

A browser has six connections to a server: one for each tile would leave none, and the same page could ask nothing more.
So it is asked by the page itself, beside its tiles, and by another client; each with the tiles and without, in turn.
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, sync_playwright

from bench.live import FLAGS
from bench.product import running
from bench.result import Result

CAMERAS = 16
ROUNDS = 4
REQUESTS = 150
PAUSE_S = 0.02
ASKED = "/api/v1/cameras"
LEAST_FPS = 2.0
TARGET = 2.0

FROM_PAGE = """async ([path, count, pause]) => {
  const found = [];
  for (let k = 0; k < count; k++) {
    const began = performance.now();
    const answer = await fetch(path, {cache: 'no-store'});
    await answer.text();
    found.push(performance.now() - began);
    await new Promise((done) => setTimeout(done, pause));
  }
  return found;
}"""
DRAWN = "() => [...document.querySelectorAll('.tile')].map((one) => Number(one.dataset.drawn || 0))"


def run(folder: Path) -> list[Result]:
    """Ask with and without tiles, in turn, so that what else the machine does falls on both."""
    cameras = [
        word for k in range(CAMERAS) for word in ("--camera", f"cam{k:02d}=synthetic:?size=320x180&fps={5 + k % 2}")
    ]
    with running(folder / "data", *cameras) as (_, url), sync_playwright() as playwright:
        wait_until_recording(url)
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        took: dict[str, list[float]] = {name: [] for name in ("page", "page alone", "client", "client alone")}
        rates = []
        for _ in range(ROUNDS):
            page.goto(f"{url}/account")  # the same frame around it, and no picture
            page.wait_for_timeout(1500)
            took["page alone"] += page.evaluate(FROM_PAGE, [ASKED, REQUESTS, PAUSE_S * 1000])
            took["client alone"] += from_client(url)
            rates.append(show_all(page, url))
            took["page"] += page.evaluate(FROM_PAGE, [ASKED, REQUESTS, PAUSE_S * 1000])
            took["client"] += from_client(url)
        browser.close()
    fps = min(rates)
    if fps < LEAST_FPS:
        raise RuntimeError(f"a tile showed {fps:.1f} pictures a second only: that is no live view to measure beside")
    on = f"{CAMERAS} synthetic 320x180 at 5 to 6 fps, all tiles live, headless Chromium on the same machine"
    return [
        line("GET /api/v1/cameras by the page itself, beside its 16 live tiles", took["page"], took["page alone"], on),
        line(
            "GET /api/v1/cameras by another client, while 16 tiles are live", took["client"], took["client alone"], on
        ),
    ]


def line(what: str, with_tiles: list[float], without: list[float], on: str) -> Result:
    """Return the line of one kind of client."""
    value, reference = p95(with_tiles), p95(without)
    more: dict[str, float | str] = {
        "median_ms": p95(with_tiles, 0.5),
        "median_without_ms": p95(without, 0.5),
        "requests": len(with_tiles),
    }
    met = value <= TARGET * reference
    return Result("P14", f"{what}, p95", value, "ms", "<= 2x without tiles", met, reference, on, more)


def show_all(page: Page, url: str) -> float:
    """Open the live page; return how many pictures a second the slowest tile shows, once all of them do."""
    page.goto(f"{url}/")
    page.wait_for_function(f"() => ({DRAWN})().filter((count) => count > 3).length === {CAMERAS}", timeout=60_000)
    before, began = page.evaluate(DRAWN), time.monotonic()
    page.wait_for_timeout(4000)
    after, lasted = page.evaluate(DRAWN), time.monotonic() - began
    return float(min(b - a for a, b in zip(before, after, strict=True)) / lasted)


def from_client(url: str) -> list[float]:
    """Return the milliseconds of each of some requests over one connection, as a program has it."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    found = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        connection.request("GET", ASKED)
        connection.getresponse().read()
        found.append((time.perf_counter() - began) * 1000)
        time.sleep(PAUSE_S)
    connection.close()
    return found


def p95(values: list[float], part: float = 0.95) -> float:
    """Return the value that so many of all do not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def wait_until_recording(url: str) -> None:
    """Wait until every camera records."""
    for _ in range(240):
        with urllib.request.urlopen(url + ASKED, timeout=30) as answer:
            states = [camera["state"] for camera in json.load(answer)["items"]]
        if states.count("recording") == CAMERAS:
            return
        time.sleep(0.5)
    raise RuntimeError(f"only {states.count('recording')} of {CAMERAS} cameras are recorded")
