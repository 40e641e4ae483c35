"""Debian's Chromium, and what the pages show in it. Imports nothing of ours."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from running import wait_for

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
]
# The frame number that the synthetic camera burns in, read from what is on the screen of the page.
READ_NUMBER = """() => {
  const v = document.getElementById('video');
  if (!v.videoWidth) return null;
  const side = Math.min(32, Math.floor(v.videoWidth / 20 / 2) * 2), c = document.createElement('canvas');
  c.width = side * 20; c.height = side;
  const x = c.getContext('2d', {willReadFrequently: true});
  x.drawImage(v, 0, 0, c.width, side, 0, 0, c.width, side);
  let n = 0;
  for (let k = 0; k < 20; k++) {
    const p = x.getImageData(side * k + side / 4, side / 4, side / 2, side / 2).data;
    let sum = 0;
    for (let i = 0; i < p.length; i += 4) sum += p[i];
    if (sum / (p.length / 4) > 125) n += 2 ** k;
  }
  return n;
}"""


def chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium"):
        if found := shutil.which(name):
            return found
    pytest.fail("no Chromium: `make tools` installs it")


def number_of(page: Page) -> int | None:
    found = page.evaluate(READ_NUMBER)
    return None if found is None else int(found)


def shown(page: Page) -> int:
    """Return the number that is on the screen; there is one."""
    number = number_of(page)
    assert number is not None
    return number


def pause(page: Page) -> None:
    """Pause what is played by its key, and wait until the picture stands."""
    # Not by what the button says, which follows a moment later.
    if not page.evaluate("document.getElementById('video').paused"):
        page.keyboard.press("k")
    wait_for("a pause", lambda: page.evaluate("document.getElementById('video').paused"))
    page.wait_for_timeout(300)


@contextmanager
def faultless(browser: Browser, **context: Any) -> Iterator[Page]:
    """Yield a page of a context of its own; in the end no script of it has failed, and nothing broke its policy."""
    of_its_own = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **context})
    opened = of_its_own.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("console", lambda m: problems.append(m.text) if "Content Security Policy" in m.text else None)
    yield opened
    of_its_own.close()
    assert problems == []
