"""Every page by axe-core in Chromium, on a desktop and a phone, light and dark: nobody is kept out by how it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from running import Running, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

AXE = (Path(__file__).parents[1] / "vendor" / "axe-core" / "axe.min.js").read_text()
RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
COLOURS = {"type": "rule", "values": ["color-contrast"]}
"""What may be otherwise in the dark than in the light."""
GRAVE = {"serious", "critical"}
PASSWORD = "winter copper lantern 9"
LOCAL = {"GATEHOUSE_AUTH__MODE": "local", "GATEHOUSE_AUTH__SIGN_UP": "true"}
OF_USERS = (
    *("/", "/?grid=9", "/timeline", "/timeline?camera=gone", "/timeline?camera=nobody", "/plates", "/video-browser"),
    *("/detection-test", "/users", "/audit", "/account", "/account?done=password", "/nowhere"),
    *("/dashboard", "/record", "/lists", "/logs", "/stats", "/settings", "/webhooks", "/view/gate"),
)
OF_STRANGERS = ("/login", "/signup", "/signup?done=signed-up", "/s/nothing", "/nowhere")
WIDTHS = (1280, 360)
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")


@pytest.fixture(scope="module")
def gatehouse(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Running]:
    """With a first user, by the page for it, which is looked at in all its forms before it is gone."""
    home = tmp_path_factory.mktemp("accessible")
    cameras = ("--camera", "gate=synthetic:?size=640x360&fps=10", "--camera", "gone=rtsp://127.0.0.1:9/x")
    with Running(home / "data", *cameras, log=home / "log", **LOCAL) as running:
        running.ready()
        found: list[str] = []
        for width in WIDTHS:
            with seen(browser, width) as page:
                found += judged(page, f"{running.url}/setup", width)
        context = browser.new_context()
        page = context.new_page()
        page.goto(running.url)
        for field, text in (("name", "Ann"), ("password", PASSWORD), ("again", PASSWORD)):
            page.fill(f"[name={field}]", text)
        page.click("button.primary")
        page.wait_for_url(f"{running.url}/")
        context.close()
        assert found == []
        yield running
        assert running.stop(20) == 0


class seen:  # noqa: N801 - read as `with seen(...) as page`
    """A page of a width, logged in if there is an address for it."""

    def __init__(self, browser: Browser, width: int, url: str = "") -> None:
        self._url = url
        self._context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": 800}, has_touch=width < 500
        )

    def __enter__(self) -> Page:
        page = self._context.new_page()
        if self._url:
            page.goto(f"{self._url}/login")
            page.fill("[name=name]", "Ann")
            page.fill("[name=password]", PASSWORD)
            page.click("button.primary")
            page.wait_for_url(f"{self._url}/")
        return page

    def __exit__(self, *_: object) -> None:
        self._context.close()


def judged(page: Page, url: str, width: int, act: Callable[[Page], object] | None = None) -> list[str]:
    """What is wrong with a page: by axe, in the light and in the dark, by its width, and by what its scripts say."""
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(f"{url}: {error}"))
    page.emulate_media(color_scheme="light")
    page.goto(url)
    if page.locator("#health").count():
        wait_for("health", lambda: page.locator("#health[data-state]").count())
    page.wait_for_timeout(200)
    if act is not None:
        act(page)
        page.wait_for_timeout(200)
    page.evaluate(AXE)
    for scheme, rules in zip(SCHEMES, (RULES, COLOURS), strict=True):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(200)
        found: dict[str, Any] = page.evaluate("(rules) => axe.run(document, {runOnly: rules})", rules)
        for one in found["violations"]:
            if one["impact"] in GRAVE:
                where = [
                    " ".join(map(str, node["target"])) + " | " + node["failureSummary"] for node in one["nodes"][:4]
                ]
                faults.append(f"{url} {width} {scheme}: {one['impact']} {one['id']}: {where}")
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if over > 0:
        faults.append(f"{url} {width}: sticks out by {over} px")
    return faults


@pytest.mark.parametrize("width", WIDTHS, ids=str)
def test_no_page_keeps_anybody_out(browser: Browser, gatehouse: Running, width: int) -> None:
    """S0-12: WCAG 2.2 AA as far as axe can tell, and nothing sticks out of a phone."""
    found: list[str] = []
    with seen(browser, width, gatehouse.url) as page:
        for path in OF_USERS:
            found += judged(page, gatehouse.url + path, width)
        for act in OPENED:
            found += judged(page, gatehouse.url + "/", width, act)
        found += judged(page, gatehouse.url + "/users", width, open_all)
        found += judged(page, gatehouse.url + "/account", width, open_all)
        found += judged(page, gatehouse.url + "/timeline", width, open_all)
    assert found == []


@pytest.mark.parametrize("width", WIDTHS, ids=str)
def test_no_page_before_the_door_keeps_anybody_out(browser: Browser, gatehouse: Running, width: int) -> None:
    """S0-12: who is not logged in yet has the same right to a page that can be read."""
    found: list[str] = []
    with seen(browser, width) as page:
        for path in OF_STRANGERS:
            found += judged(page, gatehouse.url + path, width)
        found += judged(page, gatehouse.url + "/login", width, wrongly)
    assert found == []


def test_what_is_wrong_is_found(browser: Browser, gatehouse: Running) -> None:
    """So that the tests above mean something: planted faults are seen, in the light and in the dark."""

    def spoil(page: Page) -> None:
        page.evaluate(
            """() => { const p = document.querySelector('main').appendChild(document.createElement('p'));
            p.textContent = 'hardly to be read'; p.style.color = '#888'; p.style.background = '#999';
            p.style.width = '3000px'; p.append(document.createElement('button')); }"""
        )

    with seen(browser, 1280) as page:
        found = judged(page, f"{gatehouse.url}/login", 1280, spoil)
    for said in ("light: critical button-name", "light: serious color-contrast", "dark: serious color-contrast"):
        assert any(said in one for one in found), found
    assert "sticks out" in found[-1]


def open_all(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")


def wrongly(page: Page) -> None:
    page.fill("[name=name]", "nobody")
    page.fill("[name=password]", "this is not it")
    page.click("button.primary")
    page.wait_for_selector(".problem")


def keys(page: Page) -> None:
    page.keyboard.press("?")
    page.wait_for_selector("#keys[open]")


OPENED: list[Callable[[Page], object]] = [
    keys,
    lambda page: page.click(".me"),
    lambda page: page.click("#health"),
    lambda page: page.click("#tray"),
    lambda page: page.click("#arrange"),
    lambda page: page.click(".further") if page.locator(".further").is_visible() else None,
]
