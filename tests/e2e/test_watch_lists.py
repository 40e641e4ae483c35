"""A car that is on a list drives past a camera: whoever listens is told, the pages say so, and no script is needed."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from running import Running, wait_for

LISTS = "/api/v1/watchlists"


@pytest.fixture
def gatehouse(tmp_path: Path) -> Iterator[Running]:
    camera = "gate=synthetic:?size=640x360&fps=10&plate=GATE123&pause=2"
    seeing = {"GATEHOUSE_DETECTION__FRAMES": "activity"}
    with Running(tmp_path / "data", "--camera", camera, log=tmp_path / "log", **seeing) as running:
        yield running.ready()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 800})
    yield context.new_page()
    context.close()


def hear(url: str, told: list[dict[str, Any]], listening: threading.Event) -> None:
    """Collect what is told of plates on lists until the server ends."""
    with urllib.request.urlopen(f"{url}/api/v1/events/stream?topics=plates", timeout=120) as stream:
        name = ""
        for line in stream:
            listening.set()
            field, _, value = line.decode().rstrip("\n").partition(": ")
            name = value if field == "event" else name
            if field == "data" and name == "plate.listed":
                told.append(json.loads(value))


@pytest.mark.timeout(240)
def test_a_car_on_lists_is_told_of_once_for_each_entry(gatehouse: Running, page: Page) -> None:
    """PRODUCT 3.3-6 and 5: lists by a page without scripts, and events to the letter and not."""
    for name, kind, plate, distance in (
        ("Neighbours", "allow", "gate-123", "0"),
        ("Not welcome", "deny", "GATE128", "1"),
    ):
        page.goto(f"{gatehouse.url}/lists")
        page.get_by_label("Name").fill(name)
        page.get_by_label("What it is for").select_option(kind)
        page.get_by_role("button", name="Make").click()
        page.get_by_label("Plate or pattern").fill(plate)
        page.get_by_label("Characters that may differ").select_option(distance)
        page.get_by_role("button", name="Add", exact=True).click()
        assert "The entry has been added." in page.locator("main").inner_text()
    told: list[dict[str, Any]] = []
    listening = threading.Event()
    threading.Thread(target=hear, args=(gatehouse.url, told, listening), daemon=True).start()
    assert listening.wait(20)

    def whole() -> dict[str, Any] | None:
        for one in told:
            if (
                one["text"] == "GATE123"
                and len([other for other in told if other["visit"]["id"] == one["visit"]["id"]]) == 2
            ):
                return one
        return None

    event = wait_for("both entries of one visit", whole, 150)["visit"]["id"]
    on = {one["name"]: (one["kind"], one["match"], one["distance"]) for one in told if one["visit"]["id"] == event}
    assert on == {"Neighbours": ("allow", "exact", 0), "Not welcome": ("deny", "fuzzy", 1)}
    shown = gatehouse.json(f"/api/v1/plates/{event}")["lists"]
    assert [(one["kind"], one["plate"]) for one in shown] == [("deny", "GATE128"), ("allow", "GATE123")]
    page.goto(f"{gatehouse.url}/lists?plate=gate123")
    assert "not to the letter: 1 away, 1 may be" in page.locator("main").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert gatehouse.stop(20) == 0
    pairs = [(one["visit"]["id"], one["entry"]) for one in told]
    assert len(pairs) == len(set(pairs))
