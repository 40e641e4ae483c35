"""The live page in a real Chromium: many cameras at once, and the server still answers; checked on the pictures."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simplejpeg
from playwright.sync_api import Browser, Page

from browser_kit import faultless
from running import Running, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

CAMERAS = 16
# The numbers that synthetic cameras burn in, read from what is on the tiles.
NUMBERS = """() => Object.fromEntries([...document.querySelectorAll('.tile[data-drawn]')].map((tile) => {
  const c = tile.querySelector('canvas'), x = c.getContext('2d');
  const side = c.width / 20;
  let n = 0;
  for (let k = 0; k < 20; k++) {
    const p = x.getImageData(Math.round(side * k + side / 4), Math.round(side / 4), side / 2, side / 2).data;
    let sum = 0;
    for (let i = 0; i < p.length; i += 4) sum += p[i];
    if (sum / (p.length / 4) > 125) n += 2 ** k;
  }
  return [tile.dataset.camera, n];
}))"""
SHOWN = "() => [...document.querySelectorAll('.tile')].map((t) => [t.dataset.camera, Number(t.dataset.drawn || 0)])"


@pytest.fixture(scope="module")
def gatehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("grid")
    arguments = [
        word for k in range(CAMERAS) for word in ("--camera", f"cam{k:02d}=synthetic:?size=320x180&fps={5 + k % 2 * 5}")
    ]
    with Running(home / "data", *arguments, "--camera", "dead=rtsp://127.0.0.1:9/x", log=home / "log") as running:
        running.ready().recording(*(f"cam{k:02d}" for k in range(CAMERAS)), timeout=60)
        yield running
        assert running.stop(20) == 0


@pytest.fixture
def page(browser: Browser, gatehouse: Running) -> Iterator[Page]:
    with faultless(browser) as opened:
        opened.goto(f"{gatehouse.url}/")
        yield opened


def numbers(page: Page) -> dict[str, int]:
    found: dict[str, int] = page.evaluate(NUMBERS)
    return found


def drawn(page: Page) -> dict[str, int]:
    """How many pictures each tile has shown."""
    return dict(page.evaluate(SHOWN))


def fetched(page: Page, path: str) -> list[Any]:
    """An answer as a script of the page gets it: its status, and how many milliseconds it took."""
    found: list[Any] = page.evaluate(
        """async (path) => { const began = performance.now();
        const answer = await fetch(path, {cache: 'no-store'}); await answer.text();
        return [answer.status, performance.now() - began]; }""",
        path,
    )
    return found


def test_sixteen_cameras_are_live_and_the_server_answers_still(page: Page) -> None:
    """S3-3, S3-16, S1-20: every tile moves on, and a further request of the same page does not wait for one of them."""
    wait_for("all pictures", lambda: len(numbers(page)) == CAMERAS)
    first = numbers(page)
    for _ in range(8):
        status, took = fetched(page, "/api/v1/cameras")
        assert status == 200
        assert took < 5000
    wait_for("all of them to move on", lambda: all(n > first[c] for c, n in numbers(page).items()))
    streams = page.evaluate(
        "performance.getEntriesByType('resource').filter((e) => /live|stream|snapshot/.test(new URL(e.name).pathname)"
        " && !e.name.includes('/static/')).length"
    )
    assert streams == 0  # none of the endless answers has ended, so that none was left for another


def test_the_tile_of_a_camera_that_is_away_says_why(page: Page) -> None:
    """S0-38: offline, for how long, and the reason, where its picture would be."""
    why = page.locator(".tile[data-camera=dead] .why")
    wait_for("reason", why.is_visible)
    assert "offline" in why.inner_text()
    assert "refused" in why.inner_text()
    assert page.locator(".tile[data-camera=dead] .words").inner_text() == "Not recorded"
    wait_for("fps", lambda: page.locator(".tile[data-camera=cam00] .words").inner_text() == "REC, 5 fps")
    assert "stale" in str(page.locator(".tile[data-camera=dead]").get_attribute("class"))
    wait_for("picture", lambda: "stale" not in str(page.locator(".tile[data-camera=cam00]").get_attribute("class")))


def test_a_camera_that_goes_away_keeps_its_last_picture(page: Page, gatehouse: Running) -> None:
    """S3-15: watching is one thing and recording another; what was there last is shown, and not as if it were live."""
    camera = f"{gatehouse.url}/api/v1/cameras/cam15"
    wait_for("picture", lambda: "cam15" in numbers(page))
    assert page.request.patch(camera, data={"enabled": False}).ok
    try:
        tile = page.locator(".tile[data-camera=cam15]")
        wait_for("word of it", lambda: tile.locator(".why").inner_text() == "switched off")
        assert "stale" in str(tile.get_attribute("class"))
        last = numbers(page)["cam15"]
        page.wait_for_timeout(1500)
        assert numbers(page)["cam15"] == last
    finally:
        assert page.request.patch(camera, data={"enabled": True}).ok
    wait_for("its picture", lambda: tile.locator(".why").is_hidden())


def test_what_nobody_sees_is_not_sent(page: Page) -> None:
    """Tiles further down, and all of a page in the background, take nothing from the line."""
    page.set_viewport_size({"width": 1280, "height": 420})
    page.goto(page.url.partition("?")[0] + "?grid=4")
    wait_for("pictures", lambda: drawn(page)["cam00"] > 3)
    far = drawn(page)["cam14"]
    page.wait_for_timeout(1500)
    assert drawn(page)["cam14"] == far
    page.locator(".tile[data-camera=cam14]").scroll_into_view_if_needed()
    wait_for("its pictures", lambda: drawn(page)["cam14"] > far + 3)
    page.evaluate(
        "Object.defineProperty(document, 'hidden', {value: true, configurable: true});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    page.wait_for_timeout(1000)
    still = drawn(page)
    page.wait_for_timeout(2000)
    assert drawn(page) == still
    page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    wait_for("pictures again", lambda: drawn(page)["cam14"] > still["cam14"] + 3)


def test_keys_and_clicks_open_a_camera_and_the_address_says_how_many(page: Page, gatehouse: Running) -> None:
    """C-1, S1-20: the state is in the address; old addresses lead to where one camera is by now."""
    wait_for("pictures", lambda: numbers(page))
    page.click("a[data-grid='9']")
    assert page.url == f"{gatehouse.url}/?grid=9"
    assert page.evaluate("getComputedStyle(document.getElementById('grid')).gridTemplateColumns.split(' ').length") == 3
    page.go_back()
    wait_for("all", lambda: page.locator("a[data-grid=auto]").get_attribute("aria-current") == "true")
    page.keyboard.press("3")
    page.wait_for_url(f"{gatehouse.url}/timeline?camera=cam02")
    page.go_back()
    page.locator(".tile[data-camera=cam05] .view").click()
    page.wait_for_url(f"{gatehouse.url}/timeline?camera=cam05")
    page.goto(f"{gatehouse.url}/?camera=cam01&t=2020-05-17T10:23:00Z")
    assert page.url.startswith(f"{gatehouse.url}/timeline?camera=cam01&t=2020-05-17T10:23:00")
    assert gatehouse.get("/live/nobody").status == 404


def test_each_picture_is_that_of_its_camera_at_its_time(gatehouse: Running) -> None:
    """S3-16, S1-7: frame n of a camera is due n / fps after its beginning, and so say number and time of each part."""
    path = "/api/v1/live/grid?cameras=cam00,cam01&width=320&fps=10"
    found: dict[str, list[tuple[float, int]]] = {"cam00": [], "cam01": []}
    with urllib.request.urlopen(gatehouse.url + path, timeout=20) as stream:
        while min(map(len, found.values())) < 12:
            camera, at, jpeg = read_part(stream)
            if camera:
                found[camera].append((at, number(jpeg)))
    for camera, fps in (("cam00", 5), ("cam01", 10)):
        (began, first), *rest = found[camera][1:]  # the first of all is the last keyframe that was recorded
        assert rest[-1][1] > first
        for at, n in rest:
            assert abs((at - began) * fps - (n - first)) < 0.6, (camera, at - began, n - first)


def read_part(stream: Any) -> tuple[str, float, bytes]:
    fields = {}
    while line := stream.readline().strip():
        name, _, value = line.decode().partition(": ")
        fields[name] = value
    jpeg = stream.read(int(fields["Content-Length"]))
    stream.readline()
    camera = fields.get("X-Camera", "")
    return camera, datetime.fromisoformat(fields["X-Picture-Time"]).timestamp() if camera else 0.0, jpeg


def number(jpeg: bytes) -> int:
    y = simplejpeg.decode_jpeg(jpeg, "GRAY")[:, :, 0].astype(np.float64)
    side = y.shape[1] // 20 // 2 * 2
    inner = slice(side // 4, side - side // 4)
    return sum(1 << k for k in range(20) if y[inner, k * side + side // 4 : (k + 1) * side - side // 4].mean() > 125)


def test_an_answer_is_taken_apart_wherever_it_is_cut(page: Page) -> None:
    """A network cuts where it likes: in a head, in a picture, between the two bytes of an end of line."""
    found = page.evaluate(
        """async () => {
          const { Parts } = await import('/static/app/grid_stream.js');
          const text = new TextEncoder();
          const end = '\\r\\n';
          const part = (camera, body) => text.encode(['--frame', 'Content-Type: image/jpeg',
            `Content-Length: ${body.length}`, ...(camera ? [`X-Camera: ${camera}`,
            'X-Picture-Time: 2026-05-17T10:23:00Z'] : []), '', body, ''].join(end));
          const whole = [part('a', 'one\\r\\n\\r\\n--frame'), part('', ''), part('b', 'two')];
          const all = new Uint8Array(whole.flatMap((one) => [...one]));
          const seen = new Set();
          for (let step = 1; step <= all.length; step++) {
            const parts = new Parts(), got = [];
            for (let k = 0; k < all.length; k += step) got.push(...parts.push(all.slice(k, k + step)));
            seen.add(JSON.stringify(got.map((one) => [one.camera, one.at, new TextDecoder().decode(one.jpeg)])));
          }
          return [...seen];
        }"""
    )
    at = 1_779_013_380_000
    assert [json.loads(one) for one in found] == [[["a", at, "one\r\n\r\n--frame"], [None, None, ""], ["b", at, "two"]]]


def test_a_camera_that_is_added_comes_by_itself(page: Page, gatehouse: Running) -> None:
    """The page shows what there is, without being loaded again."""
    wait_for("pictures", lambda: numbers(page))
    added = {"id": "new", "url": "synthetic:?size=320x180&fps=5", "name": "The <b>new</b> one"}
    assert page.request.post(f"{gatehouse.url}/api/v1/cameras", data=added).status == 201
    wait_for("its pictures", lambda: drawn(page).get("new", 0) > 2)
    assert page.locator(".tile[data-camera=new] .name").inner_text() == "The <b>new</b> one"
    assert page.request.delete(f"{gatehouse.url}/api/v1/cameras/new").status == 204
    wait_for("its end", lambda: "new" not in drawn(page))
    assert json.dumps(drawn(page)).count("cam") == CAMERAS


def test_the_page_goes_on_after_the_server_was_away(tmp_path: Path, browser: Browser) -> None:
    """A stream that breaks off is asked for again, and meanwhile nothing old is shown as live."""
    with Running(tmp_path / "data", "--camera", "one=synthetic:?size=320x180&fps=5", log=tmp_path / "log") as first:
        first.ready().recording("one")
        opened = browser.new_page()
        opened.goto(first.url)
        wait_for("pictures", lambda: drawn(opened).get("one", 0) > 3)
        first.kill()
        banner = opened.locator("#banner")
        wait_for("word of it", lambda: banner.is_visible() and "does not answer" in banner.inner_text())
        port = first.url.rpartition(":")[2]
        before = drawn(opened)["one"]
        time.sleep(1)
        with Running(tmp_path / "data", "--port", port, log=tmp_path / "log") as second:
            second.ready()
            wait_for("pictures again", lambda: drawn(opened)["one"] > before + 5, 40)
            opened.close()
            assert second.stop(20) == 0
