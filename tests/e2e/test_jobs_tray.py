"""The tray of jobs in a real Chromium: on any page, live, by keys, with what came of each."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from browser_kit import faultless
from running import Running

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def gatehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("tray")
    with Running(home / "data", log=home / "log") as running:
        running.ready()
        yield running
        assert running.stop(20) == 0


@pytest.fixture
def page(browser: Browser, gatehouse: Running) -> Iterator[Page]:
    with faultless(browser) as opened:
        opened.goto(f"{gatehouse.url}/stats")
        yield opened


def send(page: Page, gatehouse: Running, film: Path) -> None:
    """Bring a film that no browser plays, so that something has to be made of it."""
    file = {"name": film.name, "mimeType": "video/mp4", "buffer": film.read_bytes()}
    assert page.request.post(f"{gatehouse.url}/api/v1/media", multipart={"file": file}).status in {201, 202}


def made(folder: Path, name: str, seconds: int, size: str) -> Path:
    film = folder / name
    source = ("-f", "lavfi", "-i", f"testsrc2=size={size}:rate=25:duration={seconds}")
    subprocess.run(["ffmpeg", "-v", "error", *source, "-c:v", "mpeg4", "-q:v", "31", str(film)], check=True)
    return film


def test_what_goes_on_is_counted_on_every_page_and_called_off_there(
    page: Page, gatehouse: Running, tmp_path: Path
) -> None:
    """S4-9: told by the one stream of the page, without a reload; all of it by keys."""
    tray, told = page.locator("#tray"), page.locator("#tray-told-of")
    expect(tray).to_have_attribute("aria-label", "Jobs")
    tray.focus()
    page.keyboard.press("Enter")
    expect(told).to_contain_text("Nothing.")
    page.keyboard.press("Escape")
    expect(told).to_be_hidden()
    send(page, gatehouse, made(tmp_path, "long.mp4", 240, "640x360"))
    expect(tray).to_have_attribute("aria-label", "Jobs, 1 going on", timeout=60_000)
    expect(page.locator("#tray-count")).to_have_text("1")
    tray.focus()
    page.keyboard.press("Enter")
    item = told.locator("li")
    expect(item).to_contain_text("Making playable, long.mp4")
    bar = item.locator("progress")
    expect(bar).to_be_visible()
    expect(item).to_have_attribute("data-state", "running", timeout=60_000)
    button = told.get_by_role("button", name="Cancel Making playable, long.mp4")
    button.focus()
    page.keyboard.press("Enter")
    expect(item).to_contain_text("called off", timeout=30_000)
    expect(bar).to_be_hidden()
    expect(item.locator(".title")).to_be_focused()
    expect(tray).to_have_attribute("aria-label", "Jobs")
    expect(page.locator("#no-jobs")).to_be_hidden()


def test_what_is_done_leads_to_what_came_of_it(page: Page, gatehouse: Running, tmp_path: Path) -> None:
    """S4-9, S4-11."""
    send(page, gatehouse, made(tmp_path, "short.mp4", 1, "160x120"))
    page.locator("#tray").click()
    item = page.locator("#tray-list li", has_text="short.mp4")
    expect(item).to_have_attribute("data-state", "done", timeout=120_000)
    expect(item.locator(".how")).to_have_text("done")
    item.locator(".title").click()
    page.wait_for_url("**/dashboard#media-*")
    number = page.url.rpartition("#")[2]
    expect(page.locator(f"#{number} .named")).to_have_text("short.mp4")
