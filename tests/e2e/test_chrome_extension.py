"""The extension of the examples, in a real Chromium: it records another tab, and Gatehouse has what was on it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest
from playwright.sync_api import BrowserContext, sync_playwright

from browser_kit import FLAGS, chromium
from burned_in import luma_number
from running import Running, wait_for

pytestmark = pytest.mark.timeout(180)

EXTENSION = Path(__file__).parents[2] / "examples" / "chrome-extension"
ORIGIN = "chrome-extension://oeghepaecfihabopanmclajkjknhcepm"
SIZE = {"width": 640, "height": 360}
# A number in each picture, as the synthetic camera burns it in, above noise that makes the film some megabytes large.
FILM = """<!doctype html><title>Film</title><style>*{margin:0}canvas{display:block}</style>
<canvas width="640" height="360"></canvas><script>
const x = document.querySelector("canvas").getContext("2d");
const noise = x.createImageData(640, 296);
let n = 0;
function draw() {
  n++;
  for (let k = 0; k < 20; k++) { x.fillStyle = n >> k & 1 ? "#fff" : "#000"; x.fillRect(32 * k, 0, 32, 64); }
  for (let i = 0; i < noise.data.length; i += 4) {
    noise.data[i] = noise.data[i + 1] = noise.data[i + 2] = Math.random() * 256; noise.data[i + 3] = 255;
  }
  x.putImageData(noise, 0, 64);
  requestAnimationFrame(draw);
}
draw();
</script>"""


@pytest.fixture
def gatehouse(tmp_path: Path) -> Iterator[Running]:
    allowed = {"GATEHOUSE_UPLOADS__ALLOWED_ORIGINS": ORIGIN}
    with Running(tmp_path / "data", log=tmp_path / "log", **allowed) as running:
        yield running.ready()


@pytest.fixture
def chrome(tmp_path: Path) -> Iterator[BrowserContext]:
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path / "profile",
            executable_path=chromium(),
            headless=False,  # the old headless mode, which playwright would choose, has no extensions
            viewport=SIZE,  # type: ignore[arg-type]
            args=[
                *FLAGS,
                "--headless=new",
                f"--disable-extensions-except={EXTENSION}",
                f"--load-extension={EXTENSION}",
                "--disable-features=DisableLoadExtensionCommandLineSwitch",
                "--auto-select-tab-capture-source-by-title=Film",
            ],
        )
        yield context
        context.close()


def videos(gatehouse: Running) -> list[dict[str, Any]]:
    told = json.loads(gatehouse.get("/videos/cofucan").body)
    return told if isinstance(told, list) else told["videos"]


def test_a_tab_is_recorded_and_found_with_every_picture_in_order(
    gatehouse: Running, chrome: BrowserContext, tmp_path: Path
) -> None:
    """S4-1, S4-14, S4-22: in blobs, by an origin that is on the list; the film ends, and can be sought in."""
    page = tmp_path / "film.html"
    page.write_text(FILM)
    chrome.new_page().goto(page.as_uri())
    recorder = chrome.new_page()
    recorder.goto(f"{ORIGIN}/recorder.html")
    recorder.fill("[name=server]", gatehouse.url)
    recorder.fill("[name=username]", "cofucan")
    recorder.fill("[name=filename]", "projectdemo")
    recorder.click("#start")
    recorder.wait_for_function("() => /[1-9][.0-9]* MB sent/.test(document.getElementById('state').textContent)")
    recorder.click("#stop")
    recorder.wait_for_function("() => document.getElementById('state').textContent.includes('being processed')")

    ready = wait_for(
        "processed video", lambda: next((v for v in videos(gatehouse) if v["status"] == "ready"), None), 60
    )
    film = gatehouse.get(f"/video/stream/{ready['id']}")
    assert film.status == 200
    with av.open(io.BytesIO(film.body)) as container:
        assert container.duration is not None
        assert container.duration > 2_000_000
        numbers = [luma_number(frame) for frame in container.decode(video=0) if isinstance(frame, av.VideoFrame)]
    assert len(numbers) > 20
    assert numbers == sorted(numbers)
    assert len(set(numbers)) > len(numbers) * 0.8, "a tab gives a picture twice now and then, not the same one for ever"
    assert film.body[:4] == b"\x1aE\xdf\xa3" or film.body[4:8] == b"ftyp"


def test_an_origin_that_is_not_on_the_list_is_told_nothing(chrome: BrowserContext, tmp_path: Path) -> None:
    """S4-22: none is by default."""
    with Running(tmp_path / "data", log=tmp_path / "log") as gatehouse:
        gatehouse.ready()
        page = chrome.new_page()
        page.goto(f"{ORIGIN}/recorder.html")
        said = page.evaluate(
            """async (url) => {
              try { await fetch(url, {method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{}'}); }
              catch (error) { return error.name; }
              return 'answered';
            }""",
            f"{gatehouse.url}/upload_blob/",
        )
    assert said == "TypeError"
