"""The page of plates in a real Chromium: searched as one types, told as it happens, by keyboard, at any width."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from gatehouse_api.service import ApiService, build
from plates_kit import PlateSite, indexing, tell, visit
from running import wait_for
from server_kit import serving

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(240),
    pytest.mark.parametrize("plate_site", ["embedded"], indirect=True, scope="module"),
]

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--autoplay-policy=no-user-gesture-required"]
PATIENCE_MS = 90_000
# The frame number that is burned into the film, read from what is on the screen.
READ_NUMBER = """() => {
  const v = document.querySelector('video.film');
  if (!v || !v.videoWidth || v.readyState < 2) return null;
  const c = document.createElement('canvas');
  c.width = v.videoWidth; c.height = v.videoHeight;
  const x = c.getContext('2d', {willReadFrequently: true});
  x.drawImage(v, 0, 0);
  const side = Math.floor(v.videoWidth / 20);
  let n = 0;
  for (let k = 0; k < 20; k++) {
    const p = x.getImageData(side * k + Math.floor(side / 2), Math.floor(side / 2), 1, 1).data;
    if (p[0] > 125) n += 2 ** k;
  }
  return n;
}"""


@pytest.fixture(scope="module")
def service(plate_site: PlateSite) -> Iterator[ApiService]:
    made = build(plate_site.core)
    with serving(made), indexing(plate_site.core):
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
    )
    assert program, "no Chromium: `make tools` installs it"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser, service: ApiService) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    opened = context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("console", lambda m: problems.append(m.text) if "Content Security Policy" in m.text else None)
    opened.goto(f"http://127.0.0.1:{service.port}/plates")
    wait_for("cards", lambda: opened.locator("li.card[data-id]").count() >= 4)
    yield opened
    context.close()
    assert problems == []


def texts(page: Page) -> list[str]:
    return [t.replace("\n", "") for t in page.locator("li.card .plate-text").all_inner_texts()]


def test_it_is_searched_as_one_types(page: Page, plate_site: PlateSite) -> None:
    page.keyboard.press("/")
    page.keyboard.type("bab 1234")
    wait_for("the exact ones first", lambda: texts(page) == ["BAB1234", "BAB1234", "BAB1239"])
    assert "q=bab+1234" in page.url
    assert page.locator("li.card .badge.similar").count() == 1
    page.locator("#match").select_option("exact")
    wait_for("exact ones", lambda: texts(page) == ["BAB1234", "BAB1234"])
    page.reload()
    wait_for("the same after a reload", lambda: texts(page) == ["BAB1234", "BAB1234"])
    page.locator("#clear").click()
    wait_for("all", lambda: len(texts(page)) >= 4)
    assert page.url.endswith("/plates")


def test_chips_filter_and_stand_in_the_address(page: Page) -> None:
    page.locator("#cameras .chip", has_text="yard").click()
    wait_for("the yard's", lambda: texts(page) == ["BAB1239"])
    assert "cameras=yard" in page.url
    assert page.locator("#cameras .chip", has_text="yard").get_attribute("aria-pressed") == "true"


def test_nothing_says_why(page: Page, service: ApiService) -> None:
    """S2-40: below the threshold, and nothing at all, are not the same; how sure reads were is one click away."""
    page.goto(f"http://127.0.0.1:{service.port}/plates?from=2024-05-17T12:23:29&to=2024-05-17T12:23:31")
    empty = page.locator("#empty")
    wait_for("why", empty.is_visible)
    assert "2 reads in this range were not surer than the threshold of 0.5" in empty.inner_text()
    empty.get_by_role("button", name="Show").click()
    wait_for("the histogram", lambda: page.locator("#sureness .bar-of").count() == 20)
    assert "2 of 2 reads were not above" in page.locator("#sureness").inner_text()
    page.goto(f"http://127.0.0.1:{service.port}/plates?q=NOSUCH")
    wait_for("why", empty.is_visible)
    assert "No plates match" in empty.inner_text()


def test_a_camera_gets_a_threshold_of_its_own(page: Page, plate_site: PlateSite) -> None:
    """S2-40: the threshold stands beside the histogram, camera by camera, and is changed there."""
    page.locator("#ask-sureness").click()
    value = page.get_by_label("Threshold of yard")
    wait_for("the form", value.is_visible)
    value.fill("0.65")
    page.locator("#sureness form", has=value).get_by_role("button", name="Set").click()
    wait_for("word of it", lambda: "surer than 0.65" in page.locator("#toast").inner_text())
    body = plate_site.client.get("/api/v1/plates/confidences").get_json()
    assert body["thresholds"] == {"gate": 0.5, "yard": 0.65}


def test_by_keyboard(page: Page, plate_site: PlateSite) -> None:
    """PRODUCT 3.4: / to search, J and K from card to card, Enter opens, Esc closes and leads back."""
    page.locator("#results").focus()
    page.keyboard.press("j")
    page.keyboard.press("j")
    second = page.evaluate("document.activeElement.closest('.card').dataset.id")
    assert second == page.locator("li.card").nth(1).get_attribute("data-id")
    page.keyboard.press("k")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    wait_for("the detail", lambda: page.locator("#detail .facts").is_visible())
    assert f"plate={second}" in page.url
    page.keyboard.press("Escape")
    wait_for("the list", lambda: page.locator("#detail").is_hidden())
    assert page.evaluate("document.activeElement.closest('.card').dataset.id") == second
    assert "plate=" not in page.url
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.type("j")
    assert page.locator("#q").input_value() == "j"


def test_a_plate_with_its_clip_from_five_seconds_before(page: Page, plate_site: PlateSite) -> None:
    """S2-2, S2-23: the clip plays from the frame 5 s before the first read; reads, votes and other visits are there."""
    page.locator(f"li.card[data-id='{plate_site.other.event}'] a.open").click()
    wait_for("the clip", lambda: page.evaluate(READ_NUMBER) is not None)
    page.evaluate("document.querySelector('video.film').pause()")
    shown = page.evaluate(READ_NUMBER)
    seconds = page.evaluate("document.querySelector('video.film').currentTime")
    # It is the second car in the clip: the clip's own beginning would be 60 frames earlier.
    assert (12 - 5) * 30 - 1 <= shown <= (12 - 5 + seconds) * 30 + 2
    assert page.evaluate("document.querySelector('video.film').src").endswith("/media#t=2.000")
    page.go_back()
    wait_for("the list", lambda: page.locator("#detail").is_hidden())
    page.locator(f"li.card[data-id='{plate_site.first.event}'] a.open").click()
    wait_for("votes", lambda: page.locator("#detail .reads").is_visible())
    page.locator("#detail .reads summary").click()
    told = page.locator("#detail .reads").inner_text()
    assert "BAB1234 2 reads, at best 90 %" in told
    assert "8AB1234 1 read, at best 60 %" in told
    assert page.locator("#detail .history li").count() == 1
    box = page.locator("#detail .framed .box").bounding_box()
    frame = page.locator("#detail .framed").bounding_box()
    assert box
    assert frame
    assert (box["x"] - frame["x"]) / frame["width"] == pytest.approx(200 / 640, abs=0.02)


def test_a_correction_on_the_page(page: Page, plate_site: PlateSite) -> None:
    page.locator(f"li.card[data-id='{plate_site.yard.event}'] a.open").click()
    wait_for("the detail", lambda: page.locator("#detail .correct input").is_visible())
    page.locator("#detail .correct input").fill("bab-1238")
    page.locator("#detail .correct button[type=submit]").click()
    card = page.locator(f"li.card[data-id='{plate_site.yard.event}']")
    wait_for("the card", lambda: "was BAB1239" in card.inner_text())
    assert "As read" in page.locator("#detail .facts").inner_text()
    page.get_by_role("button", name="Back to BAB1239").click()
    wait_for("the voted text", lambda: "was" not in card.inner_text())
    page.locator("#detail .correct input").fill("!!")
    page.locator("#detail .correct button[type=submit]").click()
    wait_for("the refusal", lambda: "is no plate" in page.locator("#detail .problem").inner_text())
    # What is told of the plate meanwhile takes neither what is typed nor what is wrong with it.
    page.locator("#detail .facts").evaluate("(facts) => facts.remove()")
    tell(plate_site.core, plate_site.yard)
    wait_for("what was told", lambda: page.locator("#detail .facts").count() == 1)
    assert page.locator("#detail .correct input").input_value() == "!!"
    assert "is no plate" in page.locator("#detail .problem").inner_text()
    page.get_by_role("button", name="Not a plate").click()
    wait_for("the list without it", lambda: all("no plate" in text for text in card.all_inner_texts()))
    page.get_by_role("button", name="It is a plate").click()
    wait_for("a plate again", lambda: page.get_by_role("button", name="Not a plate").is_visible())


def test_new_plates_come_by_themselves(page: Page, plate_site: PlateSite) -> None:
    wait_for("the stream", lambda: page.locator("#told").inner_text().strip() == "Live")
    one = visit("gate", "NEW4YOU", plate_site.core.clock.now_us())
    tell(plate_site.core, one, close=False)
    card = page.locator(f"li.card[data-id='{one.event}']")
    wait_for("the card", card.is_visible)
    assert texts(page)[0] == "NEW4YOU"
    assert "here now" in card.inner_text()
    tell(plate_site.core, one)
    wait_for("its end", lambda: "here now" not in card.inner_text())
    assert page.locator(f"li.card[data-id='{one.event}']").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("path", ["/plates", "/plates?plate={}", "/video-browser", "/detection-test"])
def test_pages_fit_their_window(
    browser: Browser, service: ApiService, plate_site: PlateSite, width: int, scheme: str, path: str
) -> None:
    """S0-12: usable at 360 px and on a desktop, in both colour schemes; nothing sticks out or is too small."""
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{service.port}{path.format(plate_site.first.event)}")
    if "plate=" in path:
        wait_for("the detail", lambda: page.locator("#detail .facts").is_visible())
    elif path == "/plates":
        wait_for("cards", lambda: page.locator("li.card[data-id]").count() >= 4)
        page.locator("#spans .more summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ground, ink = (page.evaluate(f"getComputedStyle(document.body).{p}") for p in ("backgroundColor", "color"))
    dark = sum(int(c) for c in re.findall(r"\d+", ground)[:3]) < sum(int(c) for c in re.findall(r"\d+", ink)[:3])
    assert dark == (scheme == "dark")
    unnamed = page.evaluate(
        """[...document.querySelectorAll('button, select, input, a[href], video')].filter((e) => e.checkVisibility())
        .filter((e) => !(e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length || e.title
          || e.querySelector('img[alt]:not([alt=""])')))
        .map((e) => e.outerHTML.slice(0, 120))"""
    )
    assert unnamed == []
    small = page.evaluate(
        """[...document.querySelectorAll('button, select, input, a.button')].filter((e) => e.checkVisibility())
        .filter((e) => e.getBoundingClientRect().height < 24).map((e) => e.id || e.textContent)"""
    )
    assert small == []
    context.close()


def test_live_and_plates_lead_to_each_other(page: Page, service: ApiService) -> None:
    page.get_by_role("navigation").get_by_role("link", name="Live").click()
    page.wait_for_url(re.compile(r"/$|/\?"))
    page.get_by_role("navigation").get_by_role("link", name="Plates").click()
    page.wait_for_url(re.compile("/plates"))
    assert page.get_by_role("navigation").get_by_role("link", name="Plates").get_attribute("aria-current") == "page"


def test_the_planner_on_the_page(page: Page, service: ApiService) -> None:
    """S2-25: the figure stands there, and follows what is typed."""
    page.goto(f"http://127.0.0.1:{service.port}/video-browser")
    assert "750 MB a day, 22.5 GB in 30 days" in page.locator("#plan").inner_text()
    page.locator("input[name=days]").fill("60")
    wait_for("twice as much", lambda: "45 GB in 60 days" in page.locator("#plan").inner_text())
