"""The whole story in Chromium: first run, a camera, live, recorded, found, watched, deleted; a range to a file.

In one process, and in parts: each service a process of its own over RabbitMQ, MariaDB and S3. The camera speaks RTSP,
asks for a password, and is gone for some seconds.
"""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import av
import pytest
from playwright.sync_api import Browser, Page, expect

from browser_kit import faultless, number_of, pause, shown
from burned_in import luma_number
from films_on_disk import make_numbered
from parts_kit import parts
from rtsp_kit import CameraProcess, rtsp_camera
from running import Running, us, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

ANN, PASSWORD, OF_THE_CAMERA = "Ann", "winter copper lantern 9", "viewer:hunter22"
ZONE = ZoneInfo("Europe/Berlin")
FPS = 15
FRAMES_OFF = 3
"""How far the camera's reports of its time may be off, as they are taken by a busy machine."""
SETTINGS = {"GATEHOUSE_AUTH__MODE": "local", "GATEHOUSE_TIMEZONE": str(ZONE)}
# When the page first showed a picture, milliseconds since it was asked for.
FIRST_PICTURE = """() => {
  const look = () => {
    const there = document.querySelector('.tile[data-drawn]') || document.getElementById('live')?.naturalWidth;
    if (there) window.firstPicture = performance.now(); else requestAnimationFrame(look);
  };
  look();
}"""


@dataclass
class Site:
    """A Gatehouse that nobody has used yet, and a street with a camera.

    Attributes:
        url: of the web app.
        camera: the camera's server as it runs now.
        again: starts another in its place, and returns it.
    """

    url: str
    camera: CameraProcess
    again: Callable[[], CameraProcess]


@pytest.fixture(params=["one process", "parts"])
def site(request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    film = make_numbered(tmp_path / "film.mp4", seconds=180, fps=FPS)
    films, auth = {"door": film}, {"door": OF_THE_CAMERA}
    with ExitStack() as stack:
        camera = stack.enter_context(rtsp_camera(films, auth=auth))

        def again() -> CameraProcess:
            return stack.enter_context(rtsp_camera(films, camera.port, auth))

        if request.param == "parts":
            url = stack.enter_context(parts(lambda: tmp_path_factory.mktemp("part"), **SETTINGS))
            yield Site(url, camera, again)
            return
        running = stack.enter_context(Running(tmp_path / "data", log=tmp_path / "log", **SETTINGS))
        yield Site(running.ready().url, camera, again)
        assert running.stop(40) == 0


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with faultless(browser, viewport={"width": 1280, "height": 1000}, accept_downloads=True) as opened:
        opened.add_init_script(f"addEventListener('DOMContentLoaded', {FIRST_PICTURE})")
        yield opened


def test_a_visitor_is_seen_recorded_found_and_deleted_and_a_range_is_saved_to_the_frame(
    site: Site, page: Page, record_property: Callable[[str, object], None]
) -> None:
    """S3-2, S3-3, S3-4, S3-7, S3-8, S3-10, S3-12, S3-13, S3-17, S3-18, S1-5, S1-10, S0-21."""
    set_up(page, site)
    live = {path: seconds_to_picture(page, site.url + path) for path in ("/", "/view/door")}
    record_property("live_picture_s", live)
    assert max(live.values()) < 2, live
    first = site.camera
    pressed, left = record(page)
    first.kill()
    killed = time.time()
    number = in_the_log(page, site)
    time.sleep(max(0.0, killed + 5 - time.time()))
    second = site.again()
    watch(page, number, left - pressed)
    describe_and_delete(page, site, number)
    gap = gap_of(page, site, second)
    zoom_and_jump(page, site, first, gap[0] - 4_000_000)
    play_over_the_gap(page)
    save_what_is_marked(page, second)


def set_up(page: Page, site: Site) -> None:
    """The first user, and the first camera on the same page."""
    page.goto(site.url)
    assert page.url.startswith(f"{site.url}/setup")
    page.fill("[name=name]", ANN)
    page.fill("[name=password]", PASSWORD)
    page.fill("[name=again]", PASSWORD)
    page.fill("[name=camera]", "door")
    page.fill("[name=camera_url]", site.camera.url("door", user=OF_THE_CAMERA))
    page.get_by_role("button", name="Begin").click()
    page.wait_for_url(f"{site.url}/timeline?camera=door")
    expect(page.locator("#state")).to_contain_text("Recording", timeout=30_000)


def seconds_to_picture(page: Page, url: str) -> float:
    page.goto(url, wait_until="commit")
    return float(wait_for("live picture", lambda: page.evaluate("window.firstPicture"), 20)) / 1000


def record(page: Page) -> tuple[float, float]:
    """Record what is watched, and leave; return when the button was pressed and when the page was left."""
    button = page.get_by_role("button", name="Record this session")
    expect(button).to_be_enabled(timeout=10_000)
    pressed = time.time()
    button.click()
    expect(page.get_by_role("button", name="Stop recording")).to_be_visible()
    expect(page.locator(".rec")).to_contain_text(re.compile(r"Recording 0:0[5-9]"), timeout=15_000)
    page.goto("about:blank")
    return pressed, time.time()


def in_the_log(page: Page, site: Site) -> int:
    """Look at the log until it says that a viewing is over and was recorded; return its number."""

    def row() -> str | None:
        page.goto(f"{site.url}/logs")
        found = page.locator("tbody tr", has=page.locator("[data-state=stored]")).filter(has_not_text="watches now")
        if found.count() == 0:
            return None
        assert ANN in found.inner_text()
        assert "door" in found.inner_text()
        return found.get_attribute("id")

    return int(wait_for("the recording in the log", row, 40).removeprefix("log-"))


def watch(page: Page, number: int, length: float) -> None:
    """Play it where the log is; each place that is sought shows its frame."""
    page.locator(f"#log-{number}").get_by_role("link", name=re.compile("^Watch")).click()
    film = page.locator("#video")
    wait_for("first picture", lambda: page.evaluate("document.getElementById('video')?.readyState >= 2"), 20)
    found = float(film.evaluate("v => v.duration"))
    assert found == pytest.approx(length, abs=3.5), "from the click until the viewer left"
    first = wait_for("number", lambda: number_of(page))
    for second in (3, 1):
        film.evaluate("(v, s) => new Promise(done => { v.onseeked = done; v.currentTime = s; })", second)
        assert (number_of(page) or 0) - first == pytest.approx(second * FPS, abs=2), "it seeks to the frame"
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("^Download")).first.click()
    assert download.value.suggested_filename == f"{number}.mp4"


def describe_and_delete(page: Page, site: Site, number: int) -> None:
    page.get_by_label("Title").fill("the postman <b>")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("p.done")).to_have_text("Your words have been saved.")
    expect(page.locator("main h2").first).to_have_text("the postman <b>")
    page.get_by_role("link", name="Delete…").click()
    cancel = page.get_by_role("link", name="Cancel")
    expect(cancel).to_be_focused()
    cancel.click()
    page.goto(f"{site.url}/logs")
    page.locator(f"#log-{number}").get_by_role("link", name=re.compile("^Delete the entry")).click()
    page.get_by_role("button", name="Delete entry and recording").click()
    expect(page.locator("p.done")).to_have_text("The log entry and its recording have been deleted.")
    expect(page.locator(f"#log-{number}")).to_have_count(0)
    assert page.request.get(f"{site.url}/logs/{number}").status == 404
    assert page.request.get(f"{site.url}/api/videos").json()["total_chunks"] == 0


def gap_of(page: Page, site: Site, camera: CameraProcess) -> tuple[int, int]:
    """Wait until there are some seconds from after the gap; return when it was, microseconds."""
    since = time.time() - 600

    def found() -> tuple[int, int] | None:
        query = f"cameras=door&from={since}&to={time.time() + 60}"
        item = page.request.get(f"{site.url}/api/v1/timeline?{query}").json()["items"][0]
        spans = [(us(a), us(b)) for a, b in item["recorded"]]
        if len(spans) < 2 or spans[-1][1] - spans[-1][0] < 8_000_000:
            return None
        gaps = [(us(g["from"]), us(g["to"])) for g in item["gaps"] if not g["open"]]
        return next(gap for gap in gaps if gap[0] == spans[-2][1])

    gap = wait_for("footage after the gap", found, 60)
    assert gap[1] - gap[0] > 4_000_000
    assert gap[1] / 1e6 == pytest.approx(camera.plays["door"][0], abs=1)
    return gap


def zoom_and_jump(page: Page, site: Site, camera: CameraProcess, at: int) -> None:
    """Zoom with the wheel, and type a time: its frame is shown."""
    page.goto(f"{site.url}/timeline?camera=door")
    assert wait_for("live picture", lambda: number_of(page)) is not None
    box = page.locator("#timeline").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 56)

    def zoomed() -> bool:
        page.mouse.wheel(0, -300)
        return window(page) < 60

    assert window(page) > 3600, "a day"
    wait_for("a minute of it", zoomed)
    page.keyboard.press("g")
    page.keyboard.type(datetime.fromtimestamp(at / 1e6, ZONE).isoformat(sep=" ", timespec="milliseconds")[:23])
    page.keyboard.press("Enter")
    wait_for("the past", lambda: page.locator("#mode").inner_text() == "PAST")
    due = (at / 1e6 - camera.plays["door"][0]) * FPS
    wait_for("its picture", lambda: -FRAMES_OFF <= (number_of(page) or 0) - due <= 3 * FPS)  # it plays on


def window(page: Page) -> float:
    """How many seconds the timeline shows."""
    told = page.locator("#timeline")
    return float(told.get_attribute("aria-valuemax") or 0) - float(told.get_attribute("aria-valuemin") or 0)


def play_over_the_gap(page: Page) -> None:
    """Nobody watches a frozen picture for as long as the gap is, and it is said why."""
    told = page.locator("#message")
    wait_for("word of the gap", lambda: re.search(r"Skipped \d+ s: ", told.inner_text()), 20)
    wait_for("the picture after it", lambda: (number_of(page) or 9999) < 4 * FPS)
    pause(page)


def save_what_is_marked(page: Page, camera: CameraProcess) -> None:
    """The file begins and ends with the frames that were on the screen at the marks; its size is told before."""
    for _ in range(3):
        page.keyboard.press(".")
        page.wait_for_timeout(250)
    first = shown(page)
    page.keyboard.press("i")
    marked = datetime.fromisoformat(page.locator("#from").input_value()).replace(tzinfo=ZONE).timestamp()
    assert first == pytest.approx((marked - camera.plays["door"][0]) * FPS, abs=FRAMES_OFF)
    page.keyboard.press("Shift+ArrowRight")
    wait_for("another frame", lambda: (number_of(page) or 0) > first)
    page.wait_for_timeout(300)
    last = shown(page)
    assert abs(last - first - FPS) <= 1
    page.keyboard.press("o")
    told = page.locator("#length")
    wait_for("the size", lambda: re.fullmatch(r"[\d.]+ s, about [\d.]+ [kM]B", told.inner_text()))
    with page.expect_download() as download:
        page.locator("#save button[type=submit]").click()
    film = Path(download.value.path()).read_bytes()
    with av.open(io.BytesIO(film)) as container:
        assert [luma_number(frame) for frame in container.decode(video=0)] == list(range(first, last + 1))
    amount, unit = told.inner_text().split("about ")[1].split()
    assert float(amount) * {"kB": 1e3, "MB": 1e6}[unit] == pytest.approx(len(film), rel=0.05)
    page.locator("#clear").click()
    assert page.locator("#from").input_value() == ""
    assert told.inner_text() == ""
