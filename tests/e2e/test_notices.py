"""The bell in a real Chromium: what was missed is told too, and browsers that share no connection are told as well."""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from browser_kit import faultless
from running import Running, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

LISTS = "/api/v1/watchlists"
STREAM = "/api/v1/events/stream"
HIDE = (
    "Object.defineProperty(document, 'hidden', {value: true, configurable: true});"
    "document.dispatchEvent(new Event('visibilitychange'))"
)
SHOW = "delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))"


@pytest.fixture(scope="module")
def gatehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("notices")
    camera = "gate=synthetic:?size=640x360&fps=10&plate=GATE123&pause=2"
    seeing = {"GATEHOUSE_DETECTION__FRAMES": "activity"}
    with Running(home / "data", "--camera", camera, log=home / "log", **seeing) as running:
        running.ready().recording("gate")
        yield running
        assert running.stop(20) == 0


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with faultless(browser) as opened:
        yield opened


@pytest.fixture
def alone(page: Page) -> Page:
    """A page of a browser that shares no connection among its pages."""
    page.add_init_script("delete window.SharedWorker")
    return page


def send(running: Running, path: str, body: dict[str, object]) -> Any:
    answer = running.ask("POST", path, json.dumps(body).encode(), Content_Type="application/json")
    assert answer.status in {200, 201}, answer.body
    return json.loads(answer.body)


def told_since(running: Running, event_id: str) -> list[dict[str, Any]]:
    """Return what who comes back with an id is told of plates on lists."""
    found: list[dict[str, Any]] = []
    name, query = "", f"topics=plates&last_event_id={event_id}"
    until = time.monotonic() + 2  # what was missed comes first of all
    with suppress(TimeoutError), urllib.request.urlopen(f"{running.url}{STREAM}?{query}", timeout=2) as stream:
        for line in stream:
            field, _, value = line.decode().rstrip("\n").partition(": ")
            name = value if field == "event" else name
            if field == "data" and name == "plate.listed":
                found.append(json.loads(value))
            if time.monotonic() > until:
                break
    return found


@contextmanager
def hearing(running: Running) -> Iterator[list[str]]:
    """Yield the names of events of recordings that another viewer is told meanwhile."""
    names: list[str] = []
    stream = urllib.request.urlopen(f"{running.url}{STREAM}?topics=recordings", timeout=60)

    def hear() -> None:
        for line in stream:
            names.append(line.decode().rstrip("\n").removeprefix("event: "))

    threading.Thread(target=hear, daemon=True).start()
    wait_for("a stream", lambda: names)
    yield names


def noticed(page: Page) -> str:
    return str(page.locator("#notice-list").text_content())


def test_all_that_was_missed_is_told_and_of_when_it_was(gatehouse: Running, page: Page) -> None:
    """One car on two lists, while no page was open: neither is left out, least of all that it may not pass."""
    for name, kind, plate, distance in (("Neighbours", "allow", "GATE123", 0), ("Not welcome", "deny", "GATE128", 1)):
        made = send(gatehouse, LISTS, {"name": name, "kind": kind})
        send(gatehouse, f"{LISTS}/{made['id']}/entries", {"plate": plate, "distance": distance})
    page.goto(f"{gatehouse.url}/settings")
    wait_for("bell", page.locator("#bell").is_visible)
    page.click("#bell")
    page.check("#notice-kinds [name=plates]")
    # What was told last, half an hour ago, nobody remembers any more: what came since is in the index alone.
    ms = time.time_ns() // 1_000_000 - 1_800_000
    before = f"{ms >> 16:08x}-{ms & 0xFFFF:04x}-7000-8000-000000000000"
    key = f"notices.last:{page.get_attribute('#bell', 'data-user') or ''}"
    page.goto(f"{gatehouse.url}/static/app/app.css")  # no page of ours is open
    page.evaluate("([key, last]) => localStorage.setItem(key, JSON.stringify(last))", [key, before])
    missed = wait_for("both lists", lambda: (found := told_since(gatehouse, before))[1:] and found, 150)
    page.goto(f"{gatehouse.url}/settings")
    for one in missed:
        text = f"Plate {one['text']} at gate is on {one['name']} ("
        at = datetime.fromisoformat(one["at"]).astimezone(UTC)
        wait_for("word of it", lambda text=text: text in noticed(page))
        times = page.locator("#notice-list li", has_text=text).locator("time")
        shown = [datetime.fromisoformat(str(other.get_attribute("datetime"))) for other in times.all()]
        assert min(abs(other - at).total_seconds() for other in shown) < 0.002, (shown, at)
    assert page.locator("#notice-list li.grave").count() >= 1
    page.reload()
    page.wait_for_timeout(2000)
    rows = page.locator("#notice-list li").evaluate_all("all => all.map((li) => li.innerHTML)")
    assert len(rows) == len(set(rows)), "nothing is told twice"


def test_a_browser_that_shares_no_connection_misses_nothing_while_hidden(gatehouse: Running, alone: Page) -> None:
    body: dict[str, object] = {"user_name": "Ann", "camera": "gate"}
    alone.goto(f"{gatehouse.url}/plates")
    wait_for("live", lambda: alone.locator("#told").inner_text() == "Live")
    send(gatehouse, "/api/start-recording", body)
    wait_for("word of it", lambda: "Ann records gate." in noticed(alone))
    alone.evaluate(HIDE)
    with hearing(gatehouse) as names:
        send(gatehouse, "/api/stop-recording", body)
        wait_for("the end", lambda: "recording.stopped" in names)
    assert "has ended" not in noticed(alone)
    alone.evaluate(SHOW)
    wait_for("word of it", lambda: "has ended" in noticed(alone))


def test_a_browser_that_shares_no_connection_asks_again_after_an_answer_that_is_none(
    gatehouse: Running, alone: Page
) -> None:
    asked: list[str] = []

    def fail(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=502, body="nobody is there")

    alone.route(re.compile(STREAM), fail)
    alone.goto(f"{gatehouse.url}/plates")
    wait_for("word of it", lambda: alone.locator("#told").get_attribute("data-state") == "reconnecting")
    alone.unroute(re.compile(STREAM))
    wait_for("live", lambda: alone.locator("#told").inner_text() == "Live", 20)
    assert asked
