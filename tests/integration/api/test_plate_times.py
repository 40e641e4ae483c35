"""When plates were seen, told to a timeline as finely as it is looked at; there, pins that lead to the car."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from browser_kit import FLAGS, chromium, number_of
from gatehouse_api.service import ApiService, build
from gatehouse_common.clock import SECOND
from gatehouse_common.timefmt import rfc3339
from pipeline_kit import START_US
from plates_kit import PlateSite
from running import wait_for
from server_kit import serving

pytestmark = pytest.mark.timeout(240)

PAGE = "/"
FPS = 30
embedded = pytest.mark.parametrize("plate_site", ["embedded"], indirect=True, scope="module")


def told(site: PlateSite, camera: str = "gate", to_s: int = 60, **more: object) -> list[dict[str, object]]:
    query = {"camera": camera, "from": rfc3339(START_US), "to": rfc3339(START_US + to_s * SECOND), **more}
    answer = site.client.get("/api/v1/plates/times", query_string=query)
    assert answer.status_code == 200, answer.get_json()
    return list(answer.get_json()["items"])


def test_visits_are_told_one_by_one_where_there_is_room(plate_site: PlateSite) -> None:
    site = plate_site
    items = told(site)
    assert [(one["id"], one["text"], one["count"]) for one in items] == [
        (visit.event, visit.text, 1) for visit in (site.first, site.other, site.again)
    ]
    assert [one["from"] for one in items] == [rfc3339(v.start_us) for v in (site.first, site.other, site.again)]
    assert [one["confidence"] for one in items] == [0.9, 0.99, 0.95]
    assert [one["text"] for one in told(site, "yard")] == ["BAB1239"]


def test_visits_that_are_close_are_told_together(plate_site: PlateSite) -> None:
    site = plate_site
    together, alone = told(site, resolution=30)
    assert together["count"] == 2
    assert (together["from"], together["to"]) == (rfc3339(site.first.start_us), rfc3339(site.other.start_us))
    assert together["id"] is None
    assert together["text"] is None
    assert alone["id"] == site.again.event
    # However fine it is asked for: no more than there are places on a screen.
    assert len(told(site, to_s=30 * 86400, resolution=0.001)) == 1


@pytest.mark.parametrize(
    ("more", "status"),
    [({"resolution": "0"}, 422), ({"resolution": "nan"}, 422), ({"camera": "nowhere"}, 404), ({"to": "soon"}, 400)],
)
@embedded
def test_what_cannot_be_asked_is_refused(plate_site: PlateSite, more: dict[str, str], status: int) -> None:
    query = {"camera": "gate", "from": "1715941380", "to": "1715941440", **more}
    assert plate_site.client.get("/api/v1/plates/times", query_string=query).status_code == status


@pytest.fixture(scope="module")
def service(plate_site: PlateSite) -> Iterator[ApiService]:
    made = build(plate_site.core)
    with serving(made):
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser, service: ApiService) -> Iterator[Page]:
    """The page, paused 30 s into the film, with all of it in its window."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    opened = context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    times = {"t": START_US + 30 * SECOND, "from": START_US, "to": START_US + 60 * SECOND}
    query = "&".join(f"{name}={rfc3339(us)}" for name, us in times.items())
    opened.goto(f"http://127.0.0.1:{service.port}{PAGE}?camera=gate&{query}")
    wait_for("a picture", lambda: number_of(opened) is not None)
    opened.keyboard.press("k")
    yield opened
    context.close()
    assert problems == []


def x_of(page: Page, seconds: float) -> tuple[float, float]:
    """Where the pin of an instant of the minute is on the screen."""
    box = page.locator("#timeline").bounding_box()
    assert box
    return box["x"] + seconds / 60 * box["width"], box["y"] + 12


def shows(page: Page, seconds: float) -> bool:
    number = number_of(page)
    return number is not None and abs(number - seconds * FPS) <= 3


@pytest.mark.browser
@embedded
def test_a_pin_says_its_plate_and_leads_to_five_seconds_before_it(page: Page, plate_site: PlateSite) -> None:
    """S2-2: what is looked at begins 5 s before the plate was read."""
    page.mouse.move(*x_of(page, 40))
    wait_for("its words", lambda: "Plate BAB1234" in page.locator("#hint").inner_text())
    assert "95 % sure" in page.locator("#hint").inner_text()
    page.mouse.click(*x_of(page, 40))
    wait_for("what was before it", lambda: shows(page, 35))
    page.locator(".twin summary").click()
    assert "Plate MXY987" in page.locator("#list").inner_text()


@pytest.mark.browser
@embedded
def test_pins_that_would_lie_on_each_other_are_one_with_their_number(page: Page, plate_site: PlateSite) -> None:
    for _ in range(5):
        page.locator("#out").click()
    page.wait_for_timeout(1000)
    start, end = (float(page.locator("#timeline").get_attribute(f"aria-value{edge}") or 0) for edge in ("min", "max"))
    box = page.locator("#timeline").bounding_box()
    assert box
    x = box["x"] + (START_US / 1e6 + 11 - start) / (end - start) * box["width"]
    page.mouse.move(x, box["y"] + 12)
    wait_for("how many", lambda: "plates, 2024-05-17" in page.locator("#hint").inner_text())
    assert page.locator("#hint").inner_text()[0] in "23"


@pytest.mark.browser
@embedded
def test_keys_lead_from_plate_to_plate(page: Page, plate_site: PlateSite) -> None:
    """PRODUCT 3.4: [ and ] lead to the event before and after."""
    page.keyboard.press("]")
    wait_for("the next", lambda: shows(page, 35))
    page.keyboard.press("[")
    wait_for("the one before", lambda: shows(page, 7))
    page.keyboard.press("[")
    wait_for("the one before that", lambda: shows(page, 5))
