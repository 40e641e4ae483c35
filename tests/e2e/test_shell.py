"""What is around every page, in a real Chromium: where one can go, how the site is, its time, colours and keys."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from browser_kit import faultless
from running import Running, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

PASSWORD = "winter copper lantern 9"
PLACES = (
    *("/", "/timeline", "/plates", "/dashboard", "/record", "/video-browser", "/lists", "/logs", "/stats", "/users"),
    *("/settings", "/webhooks", "/audit"),
)
PAGES = (*PLACES, "/detection-test", "/account")


@pytest.fixture(scope="module")
def gatehouse(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("shell")
    local = {"GATEHOUSE_AUTH__MODE": "local", "GATEHOUSE_TIMEZONE": "Asia/Kathmandu"}
    with Running(home / "data", "--camera", "gate=synthetic:?size=320x180&fps=5", log=home / "log", **local) as running:
        running.ready()
        page = browser.new_page()
        page.goto(f"{running.url}/setup")
        for field, text in (("name", "Ann"), ("password", PASSWORD), ("again", PASSWORD)):
            page.fill(f"[name={field}]", text)
        page.click("button.primary")
        page.wait_for_url(f"{running.url}/")
        page.context.close()
        yield running
        assert running.stop(20) == 0


@pytest.fixture
def page(browser: Browser, gatehouse: Running) -> Iterator[Page]:
    with faultless(browser, viewport={"width": 1280, "height": 800}, color_scheme="light") as opened:
        log_in(opened, gatehouse)
        yield opened


def log_in(page: Page, gatehouse: Running) -> None:
    page.goto(f"{gatehouse.url}/login")
    page.fill("[name=name]", "Ann")
    page.fill("[name=password]", PASSWORD)
    page.click("button.primary")
    page.wait_for_url(f"{gatehouse.url}/")


def is_dark(page: Page) -> bool:
    return bool(
        page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).every((c) => c < 80)")
    )


def test_every_page_leads_to_every_other_and_says_where_one_is(page: Page, gatehouse: Running) -> None:
    for path in PAGES:
        page.goto(gatehouse.url + path)
        links = {one.get_attribute("href") for one in page.locator("nav.rail a").all()}
        assert links == set(PLACES), path
        here = page.locator("nav.rail a[aria-current=page]")
        assert here.count() == (0 if path == "/account" else 1), path
        assert all(one.bounding_box()["height"] >= 44 for one in page.locator("nav.rail a").all()), path  # type: ignore[index]


def test_on_a_phone_the_pages_are_at_the_bottom_and_the_rest_behind_a_button(page: Page, gatehouse: Running) -> None:
    """S0-12: what is used most is under the thumb."""
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(f"{gatehouse.url}/plates")
    box = page.locator("nav.rail").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] == 800
    shown = [one.inner_text() for one in page.locator("nav.rail > a").all()]
    assert shown == ["Live", "Timeline", "Plates", "Library", "Record"]
    users = page.locator("nav.rail a[href='/users']")
    assert not users.is_visible()
    page.click(".further")
    users.click()
    page.wait_for_url(f"{gatehouse.url}/users")


def test_the_site_says_how_it_is_on_every_page(page: Page, gatehouse: Running) -> None:
    """S0-38: in a colour, in words, and by a list of what is wrong; a camera that is away is a banner besides."""
    health = page.locator("#health")
    wait_for("health", lambda: health.get_attribute("data-state") == "well")
    assert health.inner_text() == "All is well"
    health.click()
    assert "1 of 1 camera recorded." in page.locator("#health-told").inner_text()
    camera = {"id": "gone", "url": "rtsp://127.0.0.1:9/x", "name": "Back <i>door</i>"}
    assert page.request.post(f"{gatehouse.url}/api/v1/cameras", data=camera).status == 201
    try:
        for path in PAGES:
            page.goto(gatehouse.url + path)
            wait_for("trouble", lambda: health.get_attribute("data-state") == "bad", 20)
            assert health.inner_text() == "1 problem"
            assert "Back <i>door</i> is not recorded" in page.locator("#banner").inner_text()
            health.click()
            assert "Back <i>door</i> is not recorded" in page.locator("#health-told").inner_text()
    finally:
        assert page.request.delete(f"{gatehouse.url}/api/v1/cameras/gone").status == 204
    wait_for("that all is well", lambda: health.get_attribute("data-state") == "well", 20)
    assert page.locator("#banner").is_hidden()


def test_what_happens_is_told_on_every_page_over_one_connection(page: Page, gatehouse: Running) -> None:
    """S0-18: at once, in a list that stays, as one wants it; another page of the browser needs no connection more."""
    wait_for("bell", page.locator("#bell").is_visible)
    other = page.context.new_page()
    other.goto(f"{gatehouse.url}/plates")
    wait_for("live", lambda: other.locator("#told").inner_text() == "Live")
    viewers = "gatehouse_event_viewers 1.0"
    # That a connection has gone the server sees at the second thing it sends: after two heartbeats of 15 s at most.
    wait_for("one viewer", lambda: viewers in page.request.get(f"{gatehouse.url}/metrics").text(), 45)
    page.bring_to_front()
    body = {"user_name": "Ann", "camera": "gate"}
    assert page.request.post(f"{gatehouse.url}/api/start-recording", data=body).status == 200
    wait_for("word of it", lambda: "Ann records gate." in page.locator("#notes").inner_text())
    assert page.locator("#notes").get_attribute("aria-live") == "polite"
    camera = {"id": "gone", "url": "rtsp://127.0.0.1:9/x", "name": "Back <i>door</i>"}
    assert page.request.post(f"{gatehouse.url}/api/v1/cameras", data=camera).status == 201
    try:
        wait_for("word of it", lambda: "Back <i>door</i> is not recorded" in page.locator("#notes").inner_text(), 20)
    finally:
        assert page.request.delete(f"{gatehouse.url}/api/v1/cameras/gone").status == 204
    assert page.request.post(f"{gatehouse.url}/api/stop-recording", data=body).status == 200
    page.goto(f"{gatehouse.url}/audit")
    wait_for("the end", lambda: "has ended" in str(page.locator("#notice-list").text_content()))
    page.click("#bell")
    told = page.locator("#notice-list li").all_inner_texts()
    assert [sum(text in one for one in told) for text in ("Ann records gate.", "is not recorded", "has ended")] == [
        1,
        1,
        1,
    ]
    assert not page.locator("#notice-kinds [name=plates]").is_checked()
    page.uncheck("#notice-kinds [name=recordings]")
    assert "Ann" not in page.locator("#notice-list").inner_text()
    page.reload()
    page.click("#bell")
    assert not page.locator("#notice-kinds [name=recordings]").is_checked()


@pytest.mark.parametrize("ahead", [-10_000, 5_000])
def test_a_wrong_clock_is_told_and_the_time_is_that_of_the_site(page: Page, gatehouse: Running, ahead: int) -> None:
    """Who compares a picture with a watch has to know which of them is wrong."""
    wait_for("time", lambda: page.locator("#now").inner_text())
    assert page.locator("#skew").is_hidden()
    page.add_init_script(f"{{ const real = Date.now; Date.now = () => real() + ({ahead}); }}")
    page.goto(f"{gatehouse.url}/audit")
    wait_for("word of it", page.locator("#skew").is_visible)
    assert f"{abs(ahead) // 1000} s {'ahead of' if ahead > 0 else 'behind'} the server" in str(
        page.locator("#skew").get_attribute("title")
    )
    assert page.locator("#health").get_attribute("data-state") == "warned"
    assert "Asia/Kathmandu" in page.locator(".clock").inner_text()
    shown, now = page.evaluate(
        """() => [document.getElementById('now').textContent, new Date().getTime()]"""  # `new Date` is as it was
    )
    seconds = (now // 1000 + 5 * 3600 + 45 * 60) % 86400
    hours, minutes, rest = map(int, shown.split(":"))
    assert abs(hours * 3600 + minutes * 60 + rest - seconds) <= 2


def test_colours_are_as_chosen_on_every_page_and_at_once(page: Page, gatehouse: Running) -> None:
    assert not is_dark(page)
    page.click(".me")
    page.check("#themes input[value=dark]")
    assert is_dark(page)
    for path in (*PAGES, "/nowhere"):
        page.goto(gatehouse.url + path, wait_until="commit")
        page.wait_for_selector("header.bar", state="attached")
        assert is_dark(page), path
    page.goto(gatehouse.url)
    page.click(".me")
    page.check("#themes input[value='']")
    assert not is_dark(page)
    page.emulate_media(color_scheme="dark")
    assert is_dark(page)


def test_the_keys_are_listed_unless_somebody_types(page: Page, gatehouse: Running) -> None:
    keys = page.locator("#keys")
    page.keyboard.press("?")
    wait_for("keys", keys.is_visible)
    assert "open a camera" in keys.inner_text()
    page.keyboard.press("Escape")
    assert keys.is_hidden()
    page.goto(f"{gatehouse.url}/plates")
    page.locator("#q").press("?")
    assert keys.is_hidden()
    assert page.locator("#q").input_value() == "?"
    page.click(".me")
    page.click("#ask-keys")
    wait_for("keys", keys.is_visible)


def test_a_page_that_is_not_there_asks_only_strangers_to_log_in(
    page: Page, browser: Browser, gatehouse: Running
) -> None:
    for path in ("/nowhere", "/live/nobody"):
        answer = page.goto(gatehouse.url + path)
        assert answer is not None
        assert answer.status == 404
        assert page.locator("main a").all_inner_texts() == ["To the cameras"]
        assert page.locator("nav.rail a").count() == len(PLACES)
    stranger = browser.new_page()
    stranger.goto(f"{gatehouse.url}/nowhere")
    assert "Log in" in stranger.locator("main a").all_inner_texts()
    assert stranger.locator("nav.rail a").count() == 0
    stranger.context.close()


def test_one_logs_out_from_every_page(page: Page, gatehouse: Running) -> None:
    """S3-2: two clicks, wherever one is."""
    page.goto(f"{gatehouse.url}/plates")
    page.click(".me")
    page.click("#menu button:has-text('Log out')")
    page.wait_for_url(f"{gatehouse.url}/login")
    page.goto(f"{gatehouse.url}/plates")
    assert "/login" in page.url
