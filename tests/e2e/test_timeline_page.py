"""The timeline in a real Chromium: zoomed, dragged, sent to typed times, watched over a gap, and saved to the frame."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page

from browser_kit import READ_NUMBER, faultless, number_of, pause, shown
from running import Running, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PAGE = "/timeline"
ZONE = ZoneInfo("Europe/Berlin")
FPS = 30
# The number that is burned into a thumbnail.
THUMBNAIL_NUMBER = READ_NUMBER.replace("getElementById('video')", "querySelector('#thumbnail img')").replace(
    "videoWidth", "naturalWidth"
)


@dataclass(frozen=True)
class Recorded:
    """A running Gatehouse whose camera was off for some seconds; instants in microseconds."""

    running: Running
    start: int
    gap: tuple[int, int]

    def number_at(self, us: float) -> float:
        """The number of the frame on screen at an instant: the camera counts from its start, and anew after the gap."""
        began = self.start if us < self.gap[1] else self.gap[1]
        return (us - began) / 1e6 * FPS


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    home = tmp_path_factory.mktemp("timeline")
    camera = f"street=synthetic:?size=640x360&fps={FPS}"
    with Running(home / "data", "--camera", camera, log=home / "log", GATEHOUSE_TIMEZONE=str(ZONE)) as running:
        running.ready().recording("street")
        wait_for("footage", lambda: sum(b - a for a, b in running.ledger("street")[0]) > 9_000_000)
        switch(running, enabled=False)
        wait_for("it to be off", lambda: running.camera("street")["state"] == "disabled")
        wait_for("six seconds without it", lambda: open_for(running) > 6)
        switch(running, enabled=True)
        wait_for("footage after the gap", lambda: footage_after_gap(running) > 9_000_000, 60)
        spans, _ = running.ledger("street")
        yield Recorded(running, spans[0][0], long_gap(running)[:2])
        assert running.stop() == 0


def switch(running: Running, *, enabled: bool) -> None:
    request = urllib.request.Request(
        f"{running.url}/api/v1/cameras/street",
        json.dumps({"enabled": enabled}).encode(),
        {"Content-Type": "application/json"},
        method="PATCH",
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 200


def ledger(running: Running) -> dict[str, Any]:
    now = datetime.now(UTC).timestamp()
    items = running.json("/api/v1/timeline", cameras="street", **{"from": now - 3600, "to": now + 60})["items"]
    return dict(items[0])


def open_for(running: Running) -> float:
    return max((gap["missing_seconds"] for gap in ledger(running)["gaps"] if gap["open"]), default=0.0)


def long_gap(running: Running) -> tuple[int, int, str]:
    return next(gap for gap in running.ledger("street")[1] if gap[1] - gap[0] > 5_000_000)


def footage_after_gap(running: Running) -> int:
    gaps = [gap for gap in running.ledger("street")[1] if gap[1] - gap[0] > 5_000_000]
    return sum(b - a for a, b in running.ledger("street")[0] if gaps and a >= gaps[0][1] - 100_000)


@pytest.fixture
def page(browser: Browser, site: Recorded) -> Iterator[Page]:
    with faultless(browser, viewport={"width": 1280, "height": 1000}, accept_downloads=True) as opened:
        open_at(opened, site, site.start + 4_000_000)
        yield opened


def open_at(page: Page, site: Recorded, us: float, span_s: float = 40) -> None:
    """Open the page, paused at an instant, with a window around it."""
    query = f"camera=street&t={rfc3339(us)}&from={rfc3339(us - span_s * 5e5)}&to={rfc3339(us + span_s * 5e5)}"
    page.goto(f"{site.running.url}{PAGE}?{query}")
    wait_for("a picture", lambda: page.locator("#mode").inner_text() == "PAST" and number_of(page) is not None)
    wait_for("the ledger", lambda: "recorded" in (page.locator("#timeline").get_attribute("aria-valuetext") or ""))


def rfc3339(us: float) -> str:
    return datetime.fromtimestamp(us / 1e6, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def window(page: Page) -> tuple[float, float]:
    """What the timeline shows, seconds."""
    told = page.locator("#timeline")
    return float(told.get_attribute("aria-valuemin") or 0), float(told.get_attribute("aria-valuemax") or 0)


def x_of(page: Page, us: float) -> float:
    """The place of an instant on the screen."""
    x = page.evaluate(
        "(us) => { const c = document.getElementById('timeline'), q = new URLSearchParams(location.search);"
        "const a = Date.parse(q.get('from')), b = Date.parse(q.get('to'));"
        "return c.getBoundingClientRect().left + (us / 1000 - a) / (b - a) * c.clientWidth; }",
        us,
    )
    return float(x)


def lane(page: Page) -> float:
    box = page.locator("#timeline").bounding_box()
    assert box
    return box["y"] + 56


def is_near(page: Page, number: float, most: float) -> bool:
    found = number_of(page)
    return found is not None and abs(found - number) <= most


@pytest.mark.parametrize("form", ["clock", "dated", "compact", "rfc3339", "epoch"])
def test_a_typed_time_shows_its_frame(page: Page, site: Recorded, form: str) -> None:
    """PRODUCT 3.3.4: in the site's zone, or with one of its own."""
    second = -(-site.start // 1_000_000) + 2
    local = datetime.fromtimestamp(second, ZONE)
    text = {
        "clock": f"{local:%H:%M:%S}",
        "dated": f"{local:%Y-%m-%d %H:%M:%S}.500",
        "compact": f"{local:%Y%m%d_%H%M%S}",
        "rfc3339": datetime.fromtimestamp(second, ZoneInfo("Asia/Tokyo")).isoformat(),
        "epoch": f"{second}.25",
    }[form]
    wanted = second * 1e6 + {"dated": 5e5, "epoch": 2.5e5}.get(form, 0)
    pause(page)
    page.keyboard.press("g")
    page.keyboard.type(text)
    page.keyboard.press("Enter")
    wait_for("its picture", lambda: is_near(page, site.number_at(wanted), 1.1))
    wait_for("its address", lambda: abs(seen_at(page) - wanted / 1e6) <= 1.1 / FPS)
    assert page.locator("#when-told").is_hidden()


def test_what_is_no_time_says_what_is_wrong_beside_the_box(page: Page) -> None:
    pause(page)
    before = shown(page)
    for text, why in (
        ("yesterday 25:00", "an hour is 0 to 23"),
        ("2026-02-30", "no day 30"),
        ("soon", "is not a time"),
    ):
        page.locator("#when").fill(text)
        page.locator("#when").press("Enter")
        assert why in page.locator("#when-told").inner_text()
        assert page.locator("#when").get_attribute("aria-invalid") == "true"
    assert shown(page) == before


def test_the_wheel_zooms_around_the_pointer_and_a_drag_pans_without_seeking(page: Page, site: Recorded) -> None:
    pause(page)
    before = shown(page)
    anchor = site.start + 6_000_000
    at = x_of(page, anchor)
    page.mouse.move(at, lane(page))
    for _ in range(4):
        page.mouse.wheel(0, 100)
    wait_for("a wider window", lambda: window(page)[1] - window(page)[0] > 85)
    page.wait_for_timeout(500)  # the address follows when the wheel rests
    assert x_of(page, anchor) == pytest.approx(at, abs=2)
    start, end = window(page)
    x = x_of(page, anchor)
    page.mouse.down()
    page.mouse.move(x + 60, lane(page), steps=3)
    page.mouse.move(x + 120, lane(page), steps=3)
    page.mouse.up()
    width = page.evaluate("document.getElementById('timeline').clientWidth")
    moved = start - window(page)[0]
    assert moved == pytest.approx(120 / width * (end - start), abs=1.2)
    assert window(page)[1] - window(page)[0] == pytest.approx(end - start, abs=1.1)
    page.wait_for_timeout(500)
    assert shown(page) == before
    page.reload()
    wait_for("the same window", lambda: abs(window(page)[0] - (start - moved)) <= 1)


def test_a_drag_of_the_playhead_scrubs_and_seeks_where_it_is_let_go(page: Page, site: Recorded) -> None:
    pause(page)
    at = float(page.locator("#timeline").get_attribute("aria-valuenow") or 0)
    assert at
    head = page.evaluate("document.querySelector('#timeline').getBoundingClientRect().left") + page.evaluate(
        "(() => { const q = new URLSearchParams(location.search), a = Date.parse(q.get('from'));"
        "const t = Date.parse(q.get('t')) + 1000 * document.getElementById('video').currentTime;"
        "return (t - a) / (Date.parse(q.get('to')) - a) * document.getElementById('timeline').clientWidth; })()"
    )
    target = site.start + 1_500_000
    page.mouse.move(head, lane(page))
    page.mouse.down()
    page.mouse.move(x_of(page, target), lane(page), steps=8)
    wait_for("a picture of where it is", page.locator("#thumbnail").is_visible)
    page.mouse.up()
    wait_for("its picture", lambda: is_near(page, site.number_at(target), 2))


def test_a_picture_of_the_instant_stands_above_the_pointer_and_none_where_there_is_none(
    page: Page, site: Recorded
) -> None:
    pause(page)
    target = site.start + 5_500_000
    page.mouse.move(x_of(page, target), lane(page))
    wait_for("a thumbnail", page.locator("#thumbnail").is_visible)
    number = page.evaluate(THUMBNAIL_NUMBER)
    assert abs(number - site.number_at(target)) <= 4, "of a tenth of a second and a pixel"
    assert "recorded" in page.locator("#hint").inner_text()
    page.mouse.move(x_of(page, sum(site.gap) / 2), lane(page))
    wait_for("no thumbnail", page.locator("#thumbnail").is_hidden)
    assert "gap of" in page.locator("#hint").inner_text()
    assert "disabled" in page.locator("#hint").inner_text()


def test_pictures_are_asked_for_one_at_a_time(page: Page, site: Recorded) -> None:
    """Whoever sweeps over the timeline asks no more of the server than one who looks."""
    page.add_init_script(
        """const real = window.fetch; let going = 0; Object.assign(window, { most: 0, asked: 0 });
        window.fetch = async (url, more) => {
          if (!String(url).includes('thumbnail.jpg')) return real(url, more);
          window.asked++; window.most = Math.max(window.most, ++going);
          try { return await real(url, more); } finally { going--; }
        };"""
    )
    open_at(page, site, site.start + 4_000_000)
    pause(page)
    for k in range(60):
        page.mouse.move(x_of(page, site.start + 500_000 + k * 120_000), lane(page))
    wait_for("a thumbnail", page.locator("#thumbnail").is_visible)
    page.wait_for_timeout(500)
    assert page.evaluate("asked") >= 2
    assert page.evaluate("most") == 1


def test_keys_lead_from_event_to_event(page: Page, site: Recorded) -> None:
    pause(page)
    page.keyboard.press("]")
    wait_for("the end of the gap", lambda: abs(seen_at(page) - site.gap[1] / 1e6) < 0.2)
    page.keyboard.press("[")
    wait_for("where it began", lambda: abs(seen_at(page) - site.start / 1e6) < 0.2)


def seen_at(page: Page) -> float:
    """The instant in the address, seconds; asked of the page, for Playwright hears of a new address only in passing."""
    return float(page.evaluate("Date.parse(new URLSearchParams(location.search).get('t')) / 1000"))


def note(page: Page) -> str:
    return page.locator("#message").inner_text()


def test_an_empty_place_says_where_the_nearest_footage_is(page: Page, site: Recorded) -> None:
    page.goto(f"{site.running.url}{PAGE}?camera=street&t={rfc3339(site.start - 720_000_000)}")
    wait_for("word of it", lambda: "Nearest footage: 12 min later" in note(page))
    assert "Nothing is recorded here" in note(page)
    empty = datetime.fromtimestamp(site.start / 1e6 - 720, ZONE)
    assert page.locator("#wall").inner_text() == f"{empty:%Y-%m-%d %H:%M:%S}"
    page.locator("#message").get_by_role("button", name="Go there").click()
    wait_for("its first picture", lambda: (number_of(page) or 999) < 60)
    page.go_back()
    wait_for("the empty place again", lambda: "Nearest footage: 12 min later" in note(page))


def test_the_calendar_tells_how_much_is_recorded_and_opens_a_day(page: Page, site: Recorded) -> None:
    today = datetime.fromtimestamp(site.start / 1e6, ZONE)
    day = page.locator(f"#days button[data-date='{today:%Y-%m-%d}']")
    wait_for("how much", lambda: re.search(r"\d+ s of 24 h recorded", day.get_attribute("aria-label") or ""))
    assert day.get_attribute("data-recorded") is not None
    day.focus()
    page.keyboard.press("PageUp")
    wait_for("the month before", lambda: page.locator("#days button[data-recorded]").count() == 0)
    page.keyboard.press("PageDown")
    wait_for("this month", lambda: page.locator("#days button[data-recorded]").count() >= 1)
    page.keyboard.press("Enter")
    wait_for("its first picture", lambda: (number_of(page) or 999) < 60)
    start, end = window(page)
    assert end - start == pytest.approx(86400, abs=3601)
    assert "from=" not in page.evaluate("location.search")


def test_a_range_is_held(page: Page, site: Recorded) -> None:
    """PRODUCT 3.3.4: what is marked can be kept from being deleted, with a reason."""
    page.locator("#from").fill(local_text(site.start + 1_000_000))
    page.locator("#to").fill(local_text(site.start + 3_000_000))
    page.locator("#length").click()
    page.keyboard.press("h")
    page.keyboard.type("asked for")
    page.keyboard.press("Enter")
    wait_for("word of it", page.locator("#held").is_visible)
    (held,) = site.running.json("/api/v1/holds")["items"]
    assert held["reason"] == "asked for"
    assert held["camera"] == "street"
    assert datetime.fromisoformat(held["from"]).timestamp() == pytest.approx(site.start / 1e6 + 1, abs=0.001)


def local_text(us: float) -> str:
    return datetime.fromtimestamp(us / 1e6, ZONE).isoformat(sep=" ", timespec="milliseconds")[:23]


def test_the_list_says_what_the_canvas_shows(page: Page, site: Recorded) -> None:
    page.locator(".twin summary").click()
    told = page.locator("#list").inner_text()
    assert "gap: disabled" in told
    assert "recorded" in told
    page.locator("#list li", has_text="gap: disabled").get_by_role("button").click()
    wait_for("the gap", lambda: abs(seen_at(page) - site.gap[0] / 1e6) < 8)


def test_clocks_that_are_changed_are_understood(page: Page) -> None:
    """Times that come twice or not at all are what the server reads in them."""
    found = page.evaluate(
        """async () => {
          const { Zone } = await import('/static/app/times.js');
          const { typedTime } = await import('/static/app/typed_time.js');
          const zone = new Zone('Europe/Berlin'), now = Date.parse('2026-10-25T12:00:00Z');
          const read = (text, more) => {
            const { ms, note } = typedTime(text, zone, now, more);
            return [new Date(ms).toISOString(), note];
          };
          return {
            twice: read('2026-10-25 02:30'), second: read('2026-10-25 02:30', { later: true }),
            skipped: read('2026-03-29 02:30:00'), before: read('yesterday 14:30'), later: read('23:30'),
            offset: read('2026-10-25T02:30:00+01:00'), midnight: read('2026-10-25'),
            day: (zone.midnight(now, 1) - zone.midnight(now)) / 3600e3,
          };
        }"""
    )
    assert found["twice"][0] == "2026-10-25T00:30:00.000Z"
    assert "twice" in found["twice"][1]
    assert found["second"][0] == "2026-10-25T01:30:00.000Z"
    assert found["skipped"][0] == "2026-03-29T01:30:00.000Z"
    assert "skipped" in found["skipped"][1]
    assert found["before"] == ["2026-10-24T12:30:00.000Z", ""]
    assert found["later"] == ["2026-10-24T21:30:00.000Z", ""]
    assert found["offset"] == ["2026-10-25T01:30:00.000Z", ""]
    assert found["midnight"] == ["2026-10-24T22:00:00.000Z", ""]
    assert found["day"] == 25


def test_two_fingers_zoom_and_one_pans(browser: Browser, site: Recorded) -> None:
    """What is under each finger stays there; nothing is sought by it."""
    context = browser.new_context(viewport={"width": 400, "height": 900}, has_touch=True, is_mobile=True)
    page = context.new_page()
    open_at(page, site, site.start + 4_000_000)
    page.locator("#timeline").scroll_into_view_if_needed()
    page.keyboard.press("k")
    at, y = seen_at(page), lane(page)
    left = page.evaluate("document.getElementById('timeline').getBoundingClientRect().left")
    fingers = context.new_cdp_session(page)

    def touch(kind: str, *xs: float) -> None:
        points = [{"x": left + x, "y": y, "id": n} for n, x in enumerate(xs)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    start, end = window(page)
    touch("touchStart", 250)
    touch("touchStart", 250, 300)
    for apart in (45, 40, 35, 30, 25):
        touch("touchMove", 300 - apart, 300)
    touch("touchEnd")
    wait_for("twice the window", lambda: window(page)[1] - window(page)[0] == pytest.approx(2 * (end - start), abs=3))
    wide_start, wide_end = window(page)
    touch("touchStart", 340)  # away from the playhead, which would be dragged
    for x in (320, 290, 240):
        touch("touchMove", x)
    touch("touchEnd")
    wait_for("a later window", lambda: window(page)[0] > wide_start + 10)
    assert window(page)[1] - window(page)[0] == pytest.approx(wide_end - wide_start, abs=1.1)
    assert seen_at(page) == at
    context.close()


@pytest.mark.parametrize("width", [1280, 360])
def test_everything_has_a_name_and_room_for_a_finger(browser: Browser, site: Recorded, width: int) -> None:
    """S0-12, PRODUCT 3.4: at 360 px and on a desktop, with all that folds away unfolded."""
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    open_at(page, site, site.start + 4_000_000)
    page.locator("#from").fill(local_text(site.start + 1_000_000))
    page.locator("#to").fill(local_text(site.start + 2_000_000))
    page.locator("#hold").click()
    for summary in page.locator("main summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    wrong = page.evaluate(
        """[...document.querySelectorAll('main button, main select, main input, main a.button, main summary, canvas')]
        .filter((e) => e.checkVisibility()).filter((e) => {
          const box = e.getBoundingClientRect();
          const named = e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length || e.title;
          return !named || box.height < 24 || box.width < 24;
        }).map((e) => e.id || e.outerHTML.slice(0, 90))"""
    )
    assert wrong == []
    assert page.locator("#timeline").bounding_box()["height"] >= 100  # type: ignore[index]
    context.close()


def test_a_mark_in_the_hour_that_comes_twice_is_the_instant_that_was_marked(page: Page) -> None:
    """C-13: whichever of the two it was, and whichever end of the range it is; elsewhere nothing is added."""
    found = page.evaluate(
        """async () => {
          const { Zone } = await import('/static/app/times.js');
          const { typedTime } = await import('/static/app/typed_time.js');
          const off = [], half = 1800e3;
          const times = [];  // each half hour around the changes of all these zones, and any hour of the days between
          for (const day of ['03-08', '03-29', '04-04', '10-03', '10-25', '11-01'])
            for (let k = -72; k < 72; k++) times.push(Date.parse(`2026-${day}T12:00:07.123Z`) + k * half);
          for (let ms = Date.parse('2026-03-01T00:00:07.123Z'); ms < Date.parse('2026-11-30T00:00Z'); ms += 49 * half)
            times.push(ms);
          for (const name of ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata', 'UTC']) {
            const zone = new Zone(name);
            for (const ms of times)
              for (const later of [false, true])
                if (typedTime(zone.exact(ms, 3), zone, ms, { later }).ms !== ms)
                  off.push([name, new Date(ms).toISOString()]);
          }
          return [off.slice(0, 5), new Zone('Europe/Berlin').exact(Date.parse('2026-05-17T10:23:00Z'), 3)];
        }"""
    )
    assert found == [[], "2026-05-17 12:23:00.000"]
