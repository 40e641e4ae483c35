"""The page in a real Chromium: live picture, play from the past, download; checked on the pictures themselves."""

from __future__ import annotations

import io
import json
import re
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import av
import pytest
from playwright.sync_api import Browser, Page, Route

from browser_kit import READ_NUMBER, faultless, number_of
from burned_in import luma_number
from running import Running, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def gatehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("browser")
    arguments = ("--camera", "street=synthetic:?size=640x360&fps=30", "--camera", "gone=rtsp://127.0.0.1:9/x")
    with Running(home / "data", *arguments, log=home / "log") as running:
        running.ready().recording("street")
        wait_for("twelve seconds", lambda: sum(b - a for a, b in running.ledger("street")[0]) > 12_000_000)
        yield running
        assert running.stop() == 0


@pytest.fixture
def page(browser: Browser, gatehouse: Running) -> Iterator[Page]:
    with faultless(browser, accept_downloads=True) as opened:
        opened.goto(f"{gatehouse.url}/timeline?camera=street")
        yield opened


def first_frame(film: bytes) -> int:
    with av.open(io.BytesIO(film)) as container:
        return luma_number(next(container.decode(video=0)))


def test_the_live_picture_moves_on(page: Page) -> None:
    """S1-7, S1-20: the page shows what the camera sees now."""
    first = wait_for("live picture", lambda: number_of(page))
    wait_for("further pictures", lambda: (number_of(page) or 0) > first + 30)
    assert page.locator("#mode").inner_text() == "LIVE"
    assert page.locator("#message").is_hidden()
    assert "Recording 640×360" in page.locator("#state").inner_text()


def test_the_picture_goes_into_a_small_window_and_back(page: Page) -> None:
    """S1-7: over all other windows, and it moves on there."""
    small = page.locator("#pip")
    wait_for("live picture", lambda: number_of(page))
    assert small.get_attribute("aria-pressed") == "false"
    small.click()
    wait_for("the window", lambda: page.evaluate("document.pictureInPictureElement?.id") == "video")
    wait_for("the button", lambda: small.get_attribute("aria-pressed") == "true")
    first = number_of(page) or 0
    wait_for("further pictures", lambda: (number_of(page) or 0) > first + 15)
    small.click()
    wait_for("it back", lambda: page.evaluate("document.pictureInPictureElement") is None)
    wait_for("the button", lambda: small.get_attribute("aria-pressed") == "false")


def test_there_is_no_button_for_what_a_browser_cannot_do(browser: Browser, gatehouse: Running) -> None:
    """S1-7: and where the picture is an MJPEG, which no small window takes, it cannot be pressed."""
    with faultless(browser) as page:
        page.add_init_script("Object.defineProperty(document, 'pictureInPictureEnabled', { value: false })")
        page.goto(f"{gatehouse.url}/timeline?camera=street")
        wait_for("live picture", lambda: number_of(page))
        assert page.locator("#pip").is_hidden()
    with faultless(browser) as page:
        page.add_init_script("MediaSource.isTypeSupported = () => false")
        page.goto(f"{gatehouse.url}/timeline?camera=street")
        wait_for("MJPEG", page.locator("#mjpeg").is_visible)
        wait_for("the button", page.locator("#pip").is_disabled)


def test_what_is_not_recorded_is_announced(page: Page) -> None:
    """S0-38, C-20: a camera that should record and does not is a banner, with the reason."""
    banner = page.locator("#banner")
    wait_for("banner", banner.is_visible)
    assert "gone is not recorded" in banner.inner_text()
    assert "refused" in banner.inner_text()


@pytest.mark.parametrize("path", ["/plates", "/video-browser"])
def test_what_is_not_recorded_is_announced_on_every_page(page: Page, gatehouse: Running, path: str) -> None:
    """S0-38, S1-17: who looks for plates or clips must know that a camera is not recorded."""
    page.goto(gatehouse.url + path)
    banner = page.locator("#banner")
    wait_for("banner", banner.is_visible)
    assert "gone is not recorded" in banner.inner_text()
    assert "street" not in banner.inner_text()


def test_how_much_of_each_camera_is_recorded_is_shown(page: Page) -> None:
    """S1-17: the chosen camera first, each with its share and why the rest is missing; a click leads to the other."""
    rows = page.locator("#coverage li")
    wait_for("both cameras", lambda: rows.count() == 2)
    assert rows.nth(0).locator(".name").inner_text() == "street"
    assert float(rows.nth(0).locator(".share").inner_text().removesuffix(" %")) > 80
    assert rows.nth(1).locator(".share").inner_text() == "0.00 %"
    assert "camera offline" in rows.nth(1).locator(".why").inner_text()
    rows.nth(1).locator(".name").click()
    wait_for("the other camera", lambda: rows.nth(0).locator(".name").inner_text() == "gone")
    assert page.locator("#camera").input_value() == "gone"


def test_a_store_that_takes_nothing_is_announced(page: Page) -> None:
    """S2-41: the banner says what the health of the server says, beside the cameras that are away."""
    broken = {"name": "storage", "ok": False, "detail": "storing a file: Read-only file system"}

    def answer(route: Route) -> None:
        route.fulfill(json={**route.fetch().json(), "ok": False, "checks": [broken]})

    page.route("**/api/v1/health", answer)
    page.reload()
    banner = page.locator("#banner")
    wait_for("banner", lambda: "Storage: storing a file: Read-only file system" in banner.inner_text())
    wait_for("cameras", lambda: "gone is not recorded" in banner.inner_text())


def test_a_click_on_the_timeline_plays_from_there(page: Page, gatehouse: Running) -> None:
    wait_for("live picture", lambda: number_of(page))
    (start, end), *_ = gatehouse.ledger("street")[0]
    target = max(start + 1_000_000, end - 10_000_000) // 1000  # within half a minute of now, however long it records
    page.evaluate("document.getElementById('today').click()")
    for _ in range(12):  # down to a window in which a click is a fraction of a second
        page.locator("#in").click()
    x = page.evaluate(
        """(ms) => { const c = document.getElementById('timeline');
        const a = 1000 * c.getAttribute('aria-valuemin'), b = 1000 * c.getAttribute('aria-valuemax');
        return (ms - a) / (b - a) * c.clientWidth; }""",
        target,
    )
    width = page.evaluate("document.getElementById('timeline').clientWidth")
    assert 0 < x < width
    page.locator("#timeline").click(position={"x": x, "y": 40})
    wait_for("the past", lambda: page.locator("#mode").inner_text() == "PAST")
    wait_for("a picture of the past", lambda: page.evaluate("document.getElementById('video').currentTime > 0.3"))
    page.evaluate("document.getElementById('video').pause()")
    page.wait_for_timeout(200)
    seconds = page.evaluate("document.getElementById('video').currentTime")
    wall = page.locator("#wall").inner_text()
    shown = number_of(page)
    assert shown is not None
    address = page.url
    asked = re.search(r"t=([^&]+)", address)
    assert asked
    # Frame n of the synthetic camera is at start + n / fps, so the picture itself tells whether the time is right.
    began = (start / 1e6) if start else 0

    first = datetime.fromisoformat(unquote(asked[1])).timestamp()
    assert abs(shown - (first + seconds - began) * 30) <= 1.5, (shown, seconds, wall)


def test_a_marked_range_downloads_with_exactly_its_first_frame(page: Page, gatehouse: Running, tmp_path: Path) -> None:
    (start, _), *_ = gatehouse.ledger("street")[0]

    def text(us: int) -> str:

        return datetime.fromtimestamp(us / 1e6, UTC).isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")

    page.locator("#from").fill(text(start + 2_000_000))
    page.locator("#to").fill(text(start + 5_000_000))
    with page.expect_download() as download:
        page.locator("#save button[type=submit]").click()
    film = tmp_path / "film.mp4"
    download.value.save_as(film)
    assert download.value.suggested_filename.startswith("street_")
    assert abs(first_frame(film.read_bytes()) - 60) <= 1
    with av.open(str(film)) as container:
        assert abs(sum(1 for _ in container.decode(video=0)) - 90) <= 1


def test_footage_plays_in_chromium_from_its_first_frame(page: Page, gatehouse: Running) -> None:
    """The file itself in a video element: first frame, a seek, its length, all by what is decoded."""
    (start, _), *_ = gatehouse.ledger("street")[0]
    url = f"/api/v1/footage?camera=street&from={start / 1e6 + 1.5:.6f}&to={start / 1e6 + 6.5:.6f}&download=false"
    page.goto(f"{gatehouse.url}/livez")
    found = page.evaluate(
        "async (url) => { const number = "
        + READ_NUMBER
        + """;
          const v = document.createElement('video'); v.id = 'video'; v.muted = true; v.preload = 'auto';
          document.body.append(v);
          const event = (name) => new Promise((done, failed) => {
            v.addEventListener(name, done, {once: true});
            v.addEventListener('error', () => failed(new Error(v.error.message)), {once: true});
          });
          const pause = (ms) => new Promise((r) => setTimeout(r, ms));
          const loaded = event('loadeddata'); v.src = url; await loaded; await pause(300);
          const out = {duration: v.duration, first: number()};
          const seeked = event('seeked'); v.currentTime = 2.0167; await seeked; await pause(300);
          out.sought = number(); return out; }""",
        url,
    )
    data = gatehouse.get(url).body
    assert found["first"] == first_frame(data)
    assert found["sought"] - found["first"] == 60
    assert found["duration"] == pytest.approx(5.0, abs=0.04)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_the_page_fits_its_window(
    browser: Browser, gatehouse: Running, width: int, scheme: str, tmp_path: Path
) -> None:
    """S0-12: usable at 360 px and on a desktop, in both colour schemes; nothing sticks out."""
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{gatehouse.url}/timeline?camera=street")
    wait_for("live picture", lambda: number_of(page))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ground, ink = (page.evaluate(f"getComputedStyle(document.body).{p}") for p in ("backgroundColor", "color"))
    dark = sum(int(c) for c in re.findall(r"\d+", ground)[:3]) < sum(int(c) for c in re.findall(r"\d+", ink)[:3])
    assert dark == (scheme == "dark")
    small = page.evaluate(
        """[...document.querySelectorAll('button, select, input, a.button')].filter((e) => e.offsetParent)
        .filter((e) => e.getBoundingClientRect().height < 24).map((e) => e.id || e.textContent)"""
    )
    assert small == []
    assert page.screenshot(path=tmp_path / f"{width}-{scheme}.png")
    context.close()


def test_every_viewer_of_the_mjpeg_gets_every_picture(gatehouse: Running) -> None:
    """S1-7: upstream's two viewers got half of the pictures each."""
    streams = [urllib.request.urlopen(f"{gatehouse.url}/live/street.mjpg", timeout=20) for _ in range(2)]
    try:
        pictures = [[read_part(stream) for _ in range(12)] for stream in streams]
    finally:
        for stream in streams:
            stream.close()
    assert all(p[:2] == b"\xff\xd8" for seen in pictures for p in seen)
    # Beyond what one had before the other came, both see the same.
    assert len(set(pictures[0]) & set(pictures[1])) >= 8


def read_part(stream) -> bytes:
    while not (line := stream.readline()).lower().startswith(b"content-length"):
        assert line, "the stream ended"
    size = int(line.split(b":")[1])
    stream.readline()
    return stream.read(size)


def test_the_live_stream_is_what_the_description_says(gatehouse: Running) -> None:
    view = json.loads(gatehouse.get("/api/v1/cameras/street/live").body)
    assert view["codec"].startswith("avc1.")
    with urllib.request.urlopen(f"{gatehouse.url}{view['stream']}", timeout=20) as stream:
        data = b""
        while data.count(b"moof") < 25:
            data += stream.read1(65536)
    with av.open(io.BytesIO(data[: data.rfind(b"moof") - 4])) as container:
        numbers = [luma_number(f) for f in container.decode(video=0)]
    assert len(numbers) > 20
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_only_a_picture_of_now_is_called_live(page: Page, gatehouse: Running) -> None:
    """S0-38: a camera that is away is not shown as live, and the reason stands where the picture would be."""
    page.goto(f"{gatehouse.url}/timeline?camera=gone")
    wait_for("offline", lambda: page.locator("#mode").inner_text() == "OFFLINE")
    assert "refused" in page.locator("#message").inner_text()
    assert page.locator("#wall").inner_text() == ""
    page.goto(f"{gatehouse.url}/timeline?camera=nobody")
    wait_for("refusal", lambda: "no camera “nobody”" in page.locator("#message").inner_text())
    assert page.locator("#mode").inner_text() == ""
    page.locator("#camera").select_option("street")
    wait_for("live picture", lambda: number_of(page))
    wait_for("live", lambda: page.locator("#mode").inner_text() == "LIVE")


def test_the_clock_over_a_picture_is_that_of_the_frame(page: Page, gatehouse: Running) -> None:
    (start, _), *_ = gatehouse.ledger("street")[0]
    moment = datetime.fromtimestamp(start / 1e6 + 4, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    page.goto(f"{gatehouse.url}/timeline?camera=street&t={moment}")
    wait_for("the past", lambda: page.evaluate("document.getElementById('video').currentTime > 0.5"))
    page.evaluate("document.getElementById('video').pause()")
    page.wait_for_timeout(300)
    shown, wall = number_of(page), page.locator("#wall").inner_text()
    assert shown is not None
    seen = datetime.fromisoformat(wall).replace(tzinfo=UTC).timestamp()
    assert abs(seen - (start / 1e6 + shown / 30)) < 0.045, (wall, shown)


def test_back_leads_to_what_was_shown_before(page: Page, gatehouse: Running) -> None:
    """The address holds the state: Back, reload and sharing work."""
    wait_for("live picture", lambda: number_of(page))
    page.locator("#back").click()
    wait_for("the past", lambda: page.locator("#mode").inner_text() == "PAST")
    page.wait_for_url(re.compile("[&?]t="))
    page.go_back()
    wait_for("live again", lambda: page.locator("#mode").inner_text() == "LIVE")
    assert "t=" not in page.url


def test_where_nothing_is_recorded_the_page_leads_to_what_is(page: Page, gatehouse: Running) -> None:
    page.goto(f"{gatehouse.url}/timeline?camera=street&t=2020-05-17T10:23:00Z")
    way = page.locator("#message button")
    wait_for("a way", way.is_visible)
    assert "Nothing is recorded here" in page.locator("#message").inner_text()
    way.click()
    wait_for("its picture", lambda: (number_of(page) or 1000) < 300)
    assert page.locator("#message").is_hidden()


def test_a_camera_is_added_on_the_page(page: Page, gatehouse: Running) -> None:
    page.locator("#add summary").click()
    page.locator("#new-id").fill("yard")
    page.locator("#new-url").fill("gopher://host/1")
    page.locator("#add-form button").click()
    wait_for("refusal", page.locator("#add-problem").is_visible)
    page.locator("#new-url").fill("synthetic:?size=320x180&fps=10")
    page.locator("#add-form button").click()
    page.wait_for_url(re.compile("camera=yard"))
    gatehouse.recording("yard")
    wait_for("its picture", lambda: number_of(page))


def test_the_reference_asks_nothing_of_other_hosts(browser: Browser, gatehouse: Running) -> None:
    """The API's description works without a network."""
    context = browser.new_context()
    page = context.new_page()
    foreign: list[str] = []
    page.on(
        "request", lambda r: foreign.append(r.url) if not r.url.startswith((gatehouse.url, "data:", "blob:")) else None
    )
    page.goto(f"{gatehouse.url}/api/docs")
    wait_for("the reference", page.get_by_text("/api/v1/cameras").first.is_visible)
    page.wait_for_timeout(1000)
    assert foreign == []
    context.close()


def test_a_gap_is_shown_with_its_cause_and_skipped_when_watched(page: Page, gatehouse: Running) -> None:
    """S1-5: nothing is passed over in silence, and nobody watches a frozen picture for as long as a gap is."""
    cameras = f"{gatehouse.url}/api/v1/cameras"
    assert page.request.post(cameras, data={"id": "gapped", "url": "synthetic:?size=320x180&fps=20"}).status == 201

    def seconds() -> list[tuple[int, int]]:
        return gatehouse.ledger("gapped")[0]

    wait_for("footage", lambda: sum(b - a for a, b in seconds()) > 4_000_000)
    page.request.patch(f"{cameras}/gapped", data={"enabled": False})
    page.goto(f"{gatehouse.url}/timeline?camera=gapped")
    wait_for("switched off", lambda: page.locator("#mode").inner_text() == "OFF")
    page.wait_for_timeout(4000)
    page.request.patch(f"{cameras}/gapped", data={"enabled": True})

    def gaps() -> list[tuple[int, int, str]]:
        return [g for g in gatehouse.ledger("gapped")[1] if g[1] - g[0] > 2_000_000]

    wait_for("the gap's end", gaps)
    wait_for("footage after it", lambda: sum(b - a for a, b in seconds()) > 9_000_000)
    ((start, end, cause),) = gaps()
    cause = cause.replace("_", " ")
    assert end - start > 4_000_000
    moment = datetime.fromtimestamp(start / 1e6 - 2, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    page.goto(f"{gatehouse.url}/timeline?camera=gapped&t={moment}")
    wait_for("the past", lambda: page.evaluate("document.getElementById('video').currentTime > 0.2"))
    wait_for("word of the gap", lambda: cause in page.locator("#message").inner_text(), 10)
    skipped_to = page.evaluate("document.getElementById('video').currentTime")
    assert skipped_to >= (end - start) / 1e6 + 1.9
    page.locator(".twin summary").click()
    assert f"gap: {cause}" in page.locator("#list").inner_text()


def test_what_keeps_the_janitor_from_its_work_is_announced_on_every_page(page: Page, gatehouse: Running) -> None:
    """S0-37: a store that has lost its sign fills up in the end, for nothing is deleted from it."""
    sign = gatehouse.data / "gatehouse-store.json"
    wait_for("the sign", sign.exists)
    kept = sign.read_bytes()
    sign.unlink()
    try:
        banner = page.locator("#banner")
        wait_for("banner", lambda: "Retention: the store has no sign of this installation" in banner.inner_text(), 60)
        page.goto(f"{gatehouse.url}/plates")
        wait_for("banner elsewhere", lambda: "Retention: the store has no sign" in banner.inner_text(), 60)
    finally:
        sign.write_bytes(kept)
    wait_for("that all is well", lambda: "Retention" not in banner.inner_text(), 60)
