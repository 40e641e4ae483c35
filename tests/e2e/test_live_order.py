"""The order of the live page in a real Chromium: by mouse, by finger and by keys, the same on another device."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from browser_kit import faultless
from running import Running, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

CAMERAS = ("attic", "gate", "shed", "yard")


@pytest.fixture(scope="module")
def gatehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("order")
    arguments = [word for one in CAMERAS for word in ("--camera", f"{one}=synthetic:?size=320x180&fps=2")]
    with Running(home / "data", *arguments, log=home / "log") as running:
        running.ready().recording(*CAMERAS, timeout=90)
        yield running
        assert running.stop(20) == 0


@pytest.fixture
def page(browser: Browser, gatehouse: Running) -> Iterator[Page]:
    with faultless(browser) as opened:
        opened.request.put(f"{gatehouse.url}/api/v1/live/order", data={"cameras": []})
        arranging(opened, gatehouse)
        yield opened


def arranging(page: Page, gatehouse: Running) -> None:
    page.goto(f"{gatehouse.url}/live")
    page.get_by_role("button", name="Arrange").click()
    expect(page.get_by_role("button", name="Done")).to_have_attribute("aria-pressed", "true")


def shown(page: Page) -> list[str]:
    found: list[str] = page.evaluate("[...document.querySelectorAll('.tile')].map((t) => t.dataset.camera)")
    return found


def kept(page: Page, gatehouse: Running, *order: str) -> None:
    """What the server has is what is shown."""
    assert shown(page) == [*order]
    address = f"{gatehouse.url}/api/v1/live/order"
    wait_for("the order on the server", lambda: page.request.get(address).json()["cameras"] == [*order], 15)


def middle(tile: Locator) -> tuple[float, float]:
    box = tile.locator(".view").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def tile(page: Page, camera: str) -> Locator:
    return page.locator(f'.tile[data-camera="{camera}"]')


def test_a_tile_is_dragged_and_another_device_has_it_so(browser: Browser, page: Page, gatehouse: Running) -> None:
    """S3-16: the order is kept on the server; while tiles are dragged none of them is opened."""
    page.mouse.move(*middle(tile(page, "yard")))
    page.mouse.down()
    page.mouse.move(*middle(tile(page, "gate")), steps=5)
    page.mouse.move(*middle(tile(page, "attic")), steps=5)
    page.mouse.up()
    kept(page, gatehouse, "yard", "attic", "gate", "shed")
    expect(page.locator("#moved")).to_have_text("yard is 1 of 4.")
    page.wait_for_timeout(4000)  # the page has asked for its cameras once more
    assert shown(page) == ["yard", "attic", "gate", "shed"]
    assert page.url.endswith("/live")
    with faultless(browser, viewport={"width": 360, "height": 740}) as phone:
        phone.goto(f"{gatehouse.url}/live")
        assert shown(phone) == ["yard", "attic", "gate", "shed"]
    page.get_by_role("button", name="Back to the first order").click()
    kept_again = list(CAMERAS)
    wait_for("the first order", lambda: shown(page) == kept_again, 15)
    kept(page, gatehouse, *CAMERAS)
    page.get_by_role("button", name="Done").click()
    tile(page, "gate").locator(".view").click()
    page.wait_for_url("**/timeline?camera=gate*")


def test_tiles_are_moved_by_buttons_and_by_keys(page: Page, gatehouse: Running) -> None:
    """S3-16: whoever cannot drag has the same (WCAG 2.2, 2.5.7), and keeps the focus."""
    page.get_by_role("button", name="Move shed forward").click()
    kept(page, gatehouse, "attic", "shed", "gate", "yard")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    kept(page, gatehouse, "shed", "attic", "gate", "yard")
    expect(page.get_by_role("button", name="Move shed forward")).to_be_focused()
    page.keyboard.press("End")
    kept(page, gatehouse, "attic", "gate", "yard", "shed")
    page.keyboard.press("Tab")
    page.keyboard.press("Home")
    expect(page.locator("#moved")).to_have_text("shed is 1 of 4.")
    page.keyboard.press("1")
    assert page.url.endswith("/live"), "while one arranges a number opens nothing"
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Arrange")).to_be_focused()
    expect(page.get_by_role("button", name="Move shed back")).to_be_hidden()
    kept(page, gatehouse, "shed", "attic", "gate", "yard")


def test_a_tile_is_dragged_by_a_finger(browser: Browser, gatehouse: Running) -> None:
    """S3-16, S0-12: on a phone; what is pressed is large enough."""
    with faultless(browser, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True) as page:
        page.request.put(f"{gatehouse.url}/api/v1/live/order", data={"cameras": []})
        arranging(page, gatehouse)
        finger = page.context.new_cdp_session(page)
        (x, y), (to_x, to_y) = middle(tile(page, "attic")), middle(tile(page, "gate"))
        finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        for k in range(1, 9):
            at = {"x": x + (to_x - x) * k / 8, "y": y + (to_y - y) * k / 8}
            finger.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [at]})
        finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        kept(page, gatehouse, "gate", "attic", "shed", "yard")
        small = page.evaluate(
            """() => [...document.querySelectorAll('main button')]
                .filter((e) => e.checkVisibility() && e.getBoundingClientRect().height < 41).map((e) => e.outerHTML)"""
        )
        assert small == []
        assert int(page.evaluate("document.documentElement.scrollWidth")) <= 360


def test_what_is_not_kept_is_said(page: Page) -> None:
    """S3-16: nobody goes away believing that it is."""
    page.route("**/api/v1/live/order", lambda route: route.fulfill(status=503, json={"detail": "The index is away."}))
    page.get_by_role("button", name="Move shed forward").click()
    expect(page.locator("#moved")).to_have_text("The order was not kept: The index is away.")
