"""Make the pictures of the README, docs/images: a Gatehouse of its own with painted cameras, looked at in Chromium.

.venv/bin/python scripts/make_screenshots.py          # or `make screenshots`; takes two minutes
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
COMMAND = Path(sys.executable).with_name("gatehouse")
WATCHED = "front-gate"
"""The camera whose plates are read: the machine is to be at ease, or its pages would say that it is not."""
CAMERAS = {
    WATCHED: "synthetic:?size=1280x720&fps=10&plate=LMN482,GTE4711,BRA2E19&pause=6",
    "back-gate": "synthetic:?size=640x360&fps=5&plate=7KLM248&pause=3",
    "car-park": "synthetic:?size=640x360&fps=5&plate=GATE123&pause=2",
    "loading-bay": "synthetic:?size=640x360&fps=5&plate=HBK305&pause=4",
}
MOST_BYTES = 150_000
"""A page with all of them has to come at once, over a telephone too."""
# Chromium itself encodes WebP: of its own screenshots it only makes PNG and JPEG.
TO_WEBP = """async (png) => {
  const picture = new Image();
  picture.src = "data:image/png;base64," + png;
  await picture.decode();
  const canvas = document.createElement("canvas");
  canvas.width = picture.naturalWidth; canvas.height = picture.naturalHeight;
  canvas.getContext("2d").drawImage(picture, 0, 0);
  return canvas.toDataURL("image/webp", 0.85).split(",")[1];
}"""


def main() -> None:
    """Record for a while, then look at each page."""
    browser_path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser_path is None:
        sys.exit("no Chromium: `make tools` installs it")
    with tempfile.TemporaryDirectory(prefix="gatehouse-screenshots-") as place:
        data, log = Path(place) / "data", Path(place) / "log"
        named = [word for one in CAMERAS.items() for word in ("--camera", "=".join(one))]
        with log.open("w") as out:
            running = subprocess.Popen(
                [COMMAND, "up", "--data", data, "--port", "0", *named],
                stdout=out,
                stderr=subprocess.STDOUT,
                env={"GATEHOUSE_AUTH__MODE": "open", "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": place},
            )
        try:
            found = until(lambda: re.search(r"^Open (http://\S+?)/?$", log.read_text(), re.MULTILINE))
            prepare(found[1])
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
                context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light")
                look(context.new_page(), found[1])
                browser.close()
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(60)


def prepare(url: str) -> None:
    """Wait until there is something to see: visits, two files of a session, and an upload."""

    def done(path: str) -> Any:
        with urllib.request.urlopen(url + path, timeout=20) as answer:
            return json.load(answer)

    until(lambda: all(one["state"] == "recording" for one in done("/api/v1/cameras")["items"]))
    for camera in CAMERAS:
        if camera != WATCHED:
            send(f"{url}/api/v1/cameras/{camera}", b'{"settings": {"plates": {"enabled": false}}}', method="PATCH")
    wanted = {"user_name": "ann", "camera": WATCHED, "total_duration_seconds": 60, "chunk_duration_seconds": 30}
    send(url + "/api/start-recording", json.dumps(wanted).encode())
    time.sleep(20)
    now = time.time()
    film = until(lambda: footage(url, now - 15, now - 3))
    named = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="delivery.mp4"\r\n'
    head = named + b"Content-Type: video/mp4\r\n\r\n"
    send(url + "/api/v1/media", head + film + b"\r\n--edge--\r\n", "multipart/form-data; boundary=edge")
    until(lambda: done("/api/v1/media?limit=1")["items"][0]["state"] == "ready")
    until(lambda: len(done("/api/videos/ann")["chunks"]) > 1)
    until(lambda: len([one for one in done("/api/v1/plates")["items"] if one["state"] == "closed"]) >= 8)
    until(lambda: all(one["ok"] for one in done("/api/v1/health")["checks"]))


def footage(url: str, start: float, end: float) -> bytes:
    """Return what was recorded; nothing, while it is not there yet."""
    query = urllib.parse.urlencode({"camera": WATCHED, "from": start, "to": end})
    try:
        with urllib.request.urlopen(f"{url}/api/v1/footage?{query}", timeout=60) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        if error.code == HTTPStatus.NOT_FOUND:
            return b""
        raise


def look(page: Page, url: str) -> None:
    """Take the picture of each page."""
    page.goto(url + "/")
    page.wait_for_timeout(5000)
    take(page, "live")
    page.goto(f"{url}/timeline?camera={WATCHED}")
    page.wait_for_timeout(4000)
    page.get_by_role("button", name="Hour").click()
    page.set_viewport_size({"width": 1280, "height": 900})
    page.wait_for_timeout(4000)
    take(page, "timeline")
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(url + "/plates")
    page.wait_for_timeout(4000)
    take(page, "plates")
    page.goto(url + "/dashboard")
    page.wait_for_timeout(3000)
    take(page, "library")


def take(page: Page, name: str) -> None:
    """Write what is seen as WebP."""
    png = base64.b64encode(page.screenshot()).decode()
    other = page.context.new_page()  # of no site, whose policy would forbid it
    picture = base64.b64decode(other.evaluate(TO_WEBP, png))
    other.close()
    if len(picture) > MOST_BYTES:
        sys.exit(f"{name} has {len(picture)} bytes, more than {MOST_BYTES}")
    IMAGES.mkdir(exist_ok=True)
    (IMAGES / f"{name}.webp").write_bytes(picture)
    print(f"docs/images/{name}.webp: {len(picture)} bytes")


def send(url: str, body: bytes, kind: str = "application/json", method: str = "POST") -> None:
    """Send a body, and wait for the answer."""
    request = urllib.request.Request(url, body, {"Content-Type": kind}, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()


def until(found: Callable[[], Any], timeout_s: float = 180.0) -> Any:
    """Return what is found, as soon as there is something."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if value := found():
            return value
        time.sleep(0.5)
    sys.exit("what is to be seen did not come in time")


if __name__ == "__main__":
    main()
