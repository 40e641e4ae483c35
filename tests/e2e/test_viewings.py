"""Viewings and recordings by name in Chromium, beside what the whole story (``test_story``) tells of them."""

from __future__ import annotations

import re
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from browser_kit import faultless, number_of
from running import Running, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

FPS = 30


@pytest.fixture(scope="module")
def gatehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("viewings")
    camera = f"street=synthetic:?size=640x360&fps={FPS}"
    with Running(home / "data", "--camera", camera, log=home / "log") as running:
        running.ready().recording("street")
        yield running
        assert running.stop(timeout=40) == 0


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with faultless(browser, accept_downloads=True) as opened:
        yield opened


def in_the_log(page: Page, gatehouse: Running, state: str) -> str:
    """Look at the log until its newest row says so; return what it says."""

    def row() -> str | None:
        page.goto(f"{gatehouse.url}/logs")
        said = page.locator("table.files tbody").first.inner_text()
        return said if state in said and "watches now" not in said else None

    return wait_for(f"{state!r} in the log", row, 40)


def test_the_live_picture_of_the_timeline_is_recorded_until_its_viewer_looks_back(
    page: Page, gatehouse: Running
) -> None:
    """S3-7, S3-8: the button is on the page that people watch on; who plays the past does not watch live any more."""
    page.goto(f"{gatehouse.url}/timeline?camera=street")
    button = page.get_by_role("button", name="Record this session")
    expect(button).to_be_enabled(timeout=15_000)
    button.click()
    expect(page.locator("#record-slot .rec")).to_contain_text(re.compile(r"Recording 0:0[4-9]"), timeout=15_000)
    page.get_by_role("button", name="−30 s").click()
    expect(page.locator("#record-slot button")).to_have_count(0)
    assert "street" in in_the_log(page, gatehouse, "Recorded")


def test_all_of_it_works_without_scripts(browser: Browser, gatehouse: Running) -> None:
    """S3-3, S3-7, S3-12: the picture is an image, the buttons are forms."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{gatehouse.url}/view/street", wait_until="commit")
    button = page.get_by_role("button", name="Record this session")
    button.wait_for(timeout=10_000)
    time.sleep(1.5)  # its stream has begun
    button.click(no_wait_after=True)
    page.get_by_role("button", name="Stop recording").wait_for(timeout=10_000)
    time.sleep(3)
    page.get_by_role("button", name="Stop recording").click(no_wait_after=True)
    page.get_by_role("button", name="Record this session").wait_for(timeout=10_000)
    said = in_the_log(page, gatehouse, "Recorded")
    assert "Download" in said
    context.close()


def test_a_recording_by_name_is_followed_on_its_page(page: Page, gatehouse: Running) -> None:
    """S0-9, S0-10, S0-11: started, shown while it goes on, stopped, its files played where it was."""
    page.goto(f"{gatehouse.url}/record?camera=street", wait_until="commit")
    page.get_by_label("Name").fill("John Doe")
    page.get_by_label("Total, minutes").fill("1")
    page.get_by_label("Each file, minutes").fill("0,5")
    began = time.monotonic()
    page.get_by_role("button", name="Start").click(no_wait_after=True)
    expect(page.locator("#position")).to_have_text("chunk 1 of 2", timeout=15_000)
    expect(page.locator(".chunks li").nth(1)).to_have_attribute("data-state", "waiting")
    expect(page.locator("#position")).to_have_text("chunk 2 of 2", timeout=40_000)
    assert 28 < time.monotonic() - began < 45
    expect(page.locator(".chunks li").first).to_have_attribute("data-state", "stored", timeout=30_000)
    page.get_by_role("button", name="Stop").click(no_wait_after=True)
    expect(page.locator("#files-title")).to_have_text("The last recording of John Doe", timeout=15_000)
    expect(page.locator("#files [data-state=stored].file-state")).to_have_count(2, timeout=30_000)
    page.goto(f"{gatehouse.url}/dashboard?user=John+Doe")
    expect(page.locator("table.files tbody")).to_have_count(2)
    page.locator("summary").first.click()
    film = page.locator("video").first
    film.evaluate("v => { v.id = 'video'; return v.play(); }")
    wait_for("a picture", lambda: number_of(page), 15)


@pytest.mark.parametrize("path", ["/dashboard", "/record", "/logs", "/view/street", "/settings"])
def test_pages_fit_a_phone(browser: Browser, gatehouse: Running, path: str) -> None:
    """S0-12: at 360 px nothing has to be scrolled sideways, and what is pressed is large enough."""
    context = browser.new_context(viewport={"width": 360, "height": 740})
    page = context.new_page()
    page.goto(gatehouse.url + path, wait_until="commit")
    page.locator("main").wait_for()
    page.wait_for_function("[...document.querySelectorAll('link[rel=stylesheet]')].every(link => link.sheet)")
    assert int(page.evaluate("document.documentElement.scrollWidth")) <= 360
    small = page.evaluate(
        """() => [...document.querySelectorAll('main button, main a.button, main select, main summary')]
            .filter(e => e.getBoundingClientRect().height > 0 && e.getBoundingClientRect().height < 24)
            .map(e => e.outerHTML)"""
    )
    assert small == []
    context.close()


def test_the_files_are_where_the_log_says(gatehouse: Running) -> None:
    """S3-9: ``sessions/<day>/<number of the log>.mp4`` below the store."""
    files: list[Path] = sorted((gatehouse.data / "sessions").rglob("*.mp4"))
    assert [one for one in files if re.fullmatch(r"\d+", one.stem)]


def pictures_within(gatehouse: Running, seconds: float) -> int:
    """How many pictures the MJPEG live view gives within so long, after its first second."""
    found, began = 0, time.monotonic()
    with urllib.request.urlopen(f"{gatehouse.url}/live/street.mjpg?viewing={uuid4()}", timeout=20) as stream:
        while (at := time.monotonic() - began) < 1 + seconds:
            line = stream.readline()
            found += line.startswith(b"--frame") and at > 1
    return found


def test_settings_are_saved_and_in_force_at_once(page: Page, gatehouse: Running) -> None:
    """S3-5, S3-6: pictures a second, recording of all sessions; refused beside the field; back to the defaults."""
    assert pictures_within(gatehouse, 3) > 4, "15 a second, less on a machine that is busy"
    page.goto(f"{gatehouse.url}/settings")
    fps = page.get_by_label("Pictures, a second")
    fps.fill("0")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").filter(has_text="greater")).to_be_visible()
    expect(fps).to_be_focused()
    fps.fill("1")
    page.get_by_label("Record all sessions").check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("p.done")).to_have_text("The settings have been saved, and are in force.")
    assert page.url.endswith("/settings/saved")
    assert 1 <= pictures_within(gatehouse, 3) <= 4, "one a second"
    assert in_the_log(page, gatehouse, "Recorded"), "without anybody asking for it"
    page.goto(f"{gatehouse.url}/settings")
    page.get_by_role("button", name="Back to the defaults").click()
    expect(page.get_by_label("Pictures, a second")).to_have_value("15")
    expect(page.get_by_label("Record all sessions")).not_to_be_checked()
