"""Recordings of a real Chromium, end to end, while its network is cut and the server is killed."""

from __future__ import annotations

import json
import os
import re
import time
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from browser_kit import FLAGS, chromium
from ports import free_port
from recorder_film import NUMBERED, numbers
from running import Running, wait_for

SECONDS = int(os.environ.get("GATEHOUSE_TEST_RECORDING_S", "38"))
CHUNK_S = max(30, SECONDS // 3 if SECONDS >= 180 else 30)
"""A file has at least 30 s: a recording of 38 s has two."""
FAKE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
# Its microphone is Chromium's; its camera draws numbers.
CAMERA = (
    NUMBERED
    + """
const real = navigator.mediaDevices?.getUserMedia.bind(navigator.mediaDevices);
if (real) navigator.mediaDevices.getUserMedia = async (wanted) => {
  if (window.refusal && wanted.video) throw new DOMException('refused', window.refusal);
  return wanted.video ? new MediaStream([numbered(640, 360)]) : real(wanted);
};"""
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as p:
        opened = p.chromium.launch(executable_path=chromium(), args=[*FLAGS, *FAKE])
        yield opened
        opened.close()


class Server:
    """A `gatehouse up` that can be killed and comes back at the same address, with what it had."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self.running = self._begin()

    def _begin(self) -> Running:
        more = {"GATEHOUSE_UPLOADS__LEAST_FREE_GIB": "0"}
        return Running(self._folder / "data", "--port", str(self._port), log=self._folder / "log", **more).ready()

    @property
    def url(self) -> str:
        return f"http://localhost:{self._port}"

    def kill(self) -> None:
        self.running.__exit__()

    def start(self) -> None:
        self.running = self._begin()

    def chunks(self, user: str) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.url}/api/videos/{user}", timeout=10) as answer:
            return list(json.load(answer)["chunks"])

    def film(self, chunk: dict[str, Any]) -> Path:
        return next((self._folder / "data").rglob(chunk["file_name"]))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    one = Server(tmp_path_factory.mktemp("recorded"))
    yield one
    one.kill()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport={"width": 1280, "height": 900})
    opened.add_init_script(CAMERA)
    yield opened
    opened.close()


def begin(context: BrowserContext, server: Server, name: str) -> Page:
    page = context.new_page()
    page.goto(f"{server.url}/record", wait_until="commit")
    expect(page.locator("#in-browser")).to_be_visible(timeout=15_000)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Total, minutes").fill(str(max(60, SECONDS) / 60))
    page.get_by_label("Each file, minutes").fill(str(CHUNK_S / 60))
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#own-elapsed")).to_have_text(re.compile("00:0[1-9]"), timeout=20_000)
    return page


def seeks(page: Page, chunk: int) -> list[float]:
    """How long a file is to the browser, and where it is when it was asked to go to its middle; seconds."""
    found = page.evaluate(
        """async (src) => {
          const film = document.createElement('video');
          film.muted = true;
          film.src = src;
          await new Promise((done, failed) => { film.onloadedmetadata = done; film.onerror = failed; });
          film.currentTime = film.duration / 2;
          await new Promise((done) => (film.onseeked = done));
          return [film.duration, film.currentTime];
        }""",
        f"/api/video/{chunk}/download",
    )
    return [float(one) for one in found]


@pytest.mark.timeout(300 + 2 * SECONDS)
def test_nothing_is_lost_of_a_recording_whose_network_is_cut_and_whose_server_is_killed(
    context: BrowserContext, server: Server
) -> None:
    """S0-1, S0-2, S0-5, S0-7, S0-10, S4-16: each picture is in exactly one file; longer than others, as files are."""
    page = begin(context, server, "Jane Roe")
    began = time.monotonic()
    expect(page.locator("#own-position")).to_have_text(f"chunk 1 of {-(-max(60, SECONDS) // CHUNK_S)}")
    expect(page.locator("#own-chunks li").first).to_have_attribute("data-state", "recording")
    context.set_offline(True)
    expect(page.locator("#own-problem")).to_contain_text("There is no network", timeout=15_000)
    page.wait_for_timeout(3000)
    context.set_offline(False)
    expect(page.locator("#own-problem")).to_be_hidden(timeout=40_000)
    server.kill()
    expect(page.locator("#own-problem")).to_contain_text("does not answer", timeout=15_000)
    server.start()
    expect(page.locator("#own-problem")).to_be_hidden(timeout=60_000)
    page.wait_for_timeout(max(0.0, SECONDS - (time.monotonic() - began)) * 1000)
    if page.get_by_role("button", name="Stop").is_visible():
        page.get_by_role("button", name="Stop").click()
    expect(page.locator("#own-way")).to_contain_text("all of it is on the server", timeout=60_000)
    page.get_by_role("link", name="Record again").wait_for()
    expect(page.locator("#files li[data-state=stored]").nth(1)).to_be_visible(timeout=60_000)
    chunks = sorted(server.chunks("Jane%20Roe"), key=lambda one: one["clip_id"])
    assert [one["clip_id"] for one in chunks] == list(range(1, len(chunks) + 1))
    assert [one["start_time"] for one in chunks[1:]] == [one["end_time"] for one in chunks[:-1]]
    shown = [numbers(server.film(one)) for one in chunks]
    everything = [n for film in shown for n in film]
    assert everything == sorted(set(everything))
    assert everything[0] < 100
    assert all(after[0] - before[-1] <= 2 for before, after in pairwise(shown))
    # Some may not have been encoded at all; a slice that was lost would be 25 of them.
    assert max(after - before for before, after in pairwise(everything)) <= 10
    assert len(everything) > 10 * SECONDS
    sought = [seeks(page, one["id"]) for one in chunks]
    assert sought[0][0] == pytest.approx(CHUNK_S, abs=1)
    assert all(at == pytest.approx(length / 2, abs=0.1) for length, at in sought)


def test_a_closed_tab_loses_nothing_that_the_browser_has(context: BrowserContext, server: Server) -> None:
    """S0-8: what was not sent yet is offered when the page is opened again."""
    page = begin(context, server, "Ann")
    expect(page.locator("#own-way")).to_contain_text(re.compile("0.[1-9] MB of it are on the server"), timeout=20_000)
    context.set_offline(True)
    page.wait_for_timeout(4000)
    page.close(run_before_unload=False)
    context.set_offline(False)
    again = context.new_page()
    again.goto(f"{server.url}/record?name=Ann", wait_until="commit")
    told = again.locator("#unfinished-list li")
    expect(told).to_contain_text("was interrupted", timeout=15_000)
    again.get_by_role("button", name="Resume upload").click()
    expect(told).to_contain_text("All of it is on the server", timeout=30_000)
    chunk = wait_for("its file", lambda: server.chunks("Ann"), 30)[0]
    shown = numbers(server.film(chunk))
    assert shown == sorted(set(shown))
    assert chunk["duration_seconds"] >= 4


def test_what_follows_a_pause_is_dated_by_when_it_was(context: BrowserContext, server: Server) -> None:
    """S0-3: no picture is of the pause, which the file's times have in them, and of which it tells."""
    page = begin(context, server, "Dot")
    page.wait_for_timeout(3000)
    began = time.monotonic()
    page.get_by_role("button", name="Pause").click()
    page.wait_for_timeout(6000)
    page.get_by_role("button", name="Go on").click()
    paused_s = time.monotonic() - began
    page.wait_for_timeout(4000)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#own-way")).to_contain_text("all of it is on the server", timeout=30_000)
    chunk = wait_for("its file", lambda: server.chunks("Dot"), 30)[0]
    began_at, ended_at = (datetime.fromisoformat(chunk[f"{what}_time"]) for what in ("start", "end"))
    lasted_s = seeks(page, chunk["id"])[0]
    assert (ended_at - began_at).total_seconds() == pytest.approx(lasted_s + paused_s, abs=0.7)
    numbered = numbers(server.film(chunk))
    longest = max(after - before for before, after in pairwise(numbered))
    assert longest == pytest.approx(25 * paused_s, abs=25)
    with urllib.request.urlopen(f"{server.url}/library?user=Dot", timeout=10) as answer:
        assert "paused" in answer.read().decode()


def test_a_recording_that_is_refused_and_one_that_is_stopped_elsewhere_are_told_and_kept(
    context: BrowserContext, server: Server
) -> None:
    """S0-5, S0-8: what the server did not take is sent when it is tried again, or saved, from its beginning."""
    page = begin(context, server, "Cyd")
    told = page.locator("#own-problem")
    expect(page.locator("#own-way")).to_contain_text(re.compile("0.[1-9] MB of it are on the server"), timeout=20_000)
    context.route("**/api/v1/uploads/*", lambda route: route.fulfill(status=403, json={"detail": "Not now."}))
    expect(told).to_contain_text("does not take the recording: Not now. What it has not taken is kept", timeout=10_000)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save file").click()
    assert numbers(saved.value.path())[0] < 100
    context.unroute("**/api/v1/uploads/*")
    page.get_by_role("button", name="Try again").click()
    expect(told).to_be_hidden(timeout=10_000)
    stop = {"user_name": "Cyd"}
    assert context.request.post(f"{server.url}/api/stop-recording", data=stop).status == 200
    expect(told).to_have_text("It was stopped from elsewhere.", timeout=10_000)
    expect(page.locator("#own-way")).to_contain_text("all of it is on the server", timeout=30_000)
    chunk = wait_for("its file", lambda: server.chunks("Cyd"), 30)[0]
    film = numbers(server.film(chunk))
    assert max(after - before for before, after in pairwise(film)) <= 10


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        ("NotAllowedError", "allow it"),
        ("NotFoundError", "There is no camera"),
        ("NotReadableError", "Another program uses the camera"),
        ("OverconstrainedError", "lower resolution"),
    ],
)
def test_a_camera_that_cannot_be_had_is_explained(
    context: BrowserContext, server: Server, refusal: str, said: str
) -> None:
    """S0-35: what is wrong, and how it is mended."""
    context.add_init_script(f"window.refusal = '{refusal}'")
    page = context.new_page()
    page.goto(f"{server.url}/record", wait_until="commit")
    page.get_by_role("button", name="Show the preview").click()
    expect(page.locator("#device-problem")).to_contain_text(said)
