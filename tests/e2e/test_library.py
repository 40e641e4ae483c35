"""The library in a real Chromium: a file is dropped, sent in pieces, paused, gone on with, and played."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from browser_kit import faultless
from running import Running, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SLOW = {"offline": False, "latency": 20, "downloadThroughput": -1, "uploadThroughput": 400_000}
"""Bytes per second: so slow that somebody can press Pause."""
DROP = """([data, name]) => {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const all = new DataTransfer();
  all.items.add(new File([bytes], name, { type: 'video/webm' }));
  for (const kind of ['dragover', 'drop'])
    document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: all, bubbles: true, cancelable: true }));
}"""


@pytest.fixture(scope="module")
def gatehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("library")
    with Running(home / "data", log=home / "log") as running:
        running.ready()
        yield running
        assert running.stop(20) == 0


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds with sound, about a megabyte, as a browser would record them."""
    made = tmp_path_factory.mktemp("film") / "Hof früh.webm"
    sources = ("-f", "lavfi", "-i", "testsrc2=size=320x240:rate=15", "-f", "lavfi", "-i", "sine=440")
    coded = (
        "-t",
        "6",
        "-c:v",
        "libvpx",
        "-deadline",
        "realtime",
        "-cpu-used",
        "8",
        "-b:v",
        "1500k",
        "-minrate",
        "1500k",
        "-c:a",
        "libopus",
    )
    subprocess.run(["ffmpeg", "-v", "error", *sources, *coded, str(made)], check=True)
    return made


@pytest.fixture
def page(browser: Browser, gatehouse: Running) -> Iterator[Page]:
    with faultless(browser) as opened:
        opened.goto(f"{gatehouse.url}/library")
        yield opened


def told(page: Page) -> str:
    rows = page.locator("#sending .so-far")
    return rows.first.inner_text() if rows.count() else ""


def test_first_files_come_into_an_empty_library_while_others_are_sent(
    browser: Browser, tmp_path: Path, film: Path
) -> None:
    """S4-10, S4-14: the first row breaks off nothing that is under way, and what was refused stays told."""
    with Running(tmp_path / "data", log=tmp_path / "log") as running, faultless(browser) as page:
        running.ready()
        page.goto(f"{running.url}/library")
        assert "Nothing has been uploaded yet." in page.locator("#media").inner_text()
        page.evaluate("window.isFirst = true")
        page.evaluate(DROP, [base64.b64encode(b"Milk, bread, and eggs. " * 400).decode(), "notes.txt"])
        refused = page.locator("#sending li", has_text="notes.txt")
        wait_for("the refusal", lambda: refused.get_attribute("data-state") == "failed", 20)
        why = refused.locator(".so-far").inner_text()
        network = page.context.new_cdp_session(page)
        network.send("Network.enable")
        network.send("Network.emulateNetworkConditions", SLOW)
        long = film.read_bytes() + bytes(2_000_000)
        page.evaluate(DROP, [base64.b64encode(long).decode(), "long.webm"])
        page.get_by_role("button", name="Pause the upload of long.webm").click()
        page.evaluate(DROP, [base64.b64encode(film.read_bytes()).decode(), film.name])
        rows = page.locator("#media-rows tbody")
        wait_for("the first row", lambda: rows.count() == 1, 30)
        assert page.evaluate("window.isFirst"), "the page is the same one"
        assert refused.locator(".so-far").inner_text() == why != ""
        assert page.locator("#media .empty").count() == 0
        network.send("Network.emulateNetworkConditions", {**SLOW, "uploadThroughput": -1})
        page.get_by_role("button", name="Resume the upload of long.webm").click()
        wait_for("both rows", lambda: rows.count() == 2, 30)
        refused.get_by_role("button", name="Dismiss notes.txt").click()
        assert page.locator("#sending").is_hidden()
        assert running.stop(20) == 0


def test_a_dropped_file_is_paused_gone_on_with_after_a_reload_and_played(page: Page, film: Path) -> None:
    """S4-10, S4-14, S0-15: with progress; and when it is ready it has its picture and length, and seeks."""
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    network.send("Network.emulateNetworkConditions", SLOW)
    sent: list[int] = []
    page.on("request", lambda r: sent.append(len(r.post_data_buffer or b"")) if r.method == "PATCH" else None)
    data = film.read_bytes()
    page.evaluate(DROP, [base64.b64encode(data).decode(), film.name])
    page.get_by_role("button", name=f"Pause the upload of {film.name}").click()
    assert told(page) == "paused"
    before = len(sent)
    page.wait_for_timeout(800)
    assert len(sent) == before, "nothing is sent while it is paused"
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    network.send("Network.emulateNetworkConditions", {**SLOW, "uploadThroughput": -1})
    wait_for("the upload that was begun", lambda: "choose the file again" in told(page))
    page.set_input_files("#chosen", str(film))
    page.click("#drop button")
    row = page.locator("#media-rows tbody")
    wait_for("the row", lambda: row.count() == 1, 20)
    wait_for("the film", lambda: row.get_attribute("data-state") == "ready", 60)
    assert "0:06" in row.inner_text()
    assert page.locator("#sending li").count() == 0
    row.locator("summary", has_text="Play").click()
    row.locator("video").evaluate("(v) => new Promise((done) => { v.oncanplay = done; v.preload = 'auto'; v.load(); })")
    assert abs(row.locator("video").evaluate("(v) => v.duration") - 6) < 0.3
    assert row.locator("video").evaluate("(v) => v.seekable.end(0)") > 5
    assert row.locator(".thumb img").evaluate("(i) => i.decode().then(() => i.naturalWidth)") == 320


def test_a_film_is_named_made_into_sound_deleted_and_taken_back(page: Page) -> None:
    """S4-20: what is made appears by itself; deleting is asked about first and can be undone."""
    row = page.locator("#media-rows tbody")
    row.locator("summary", has_text="More").click()
    row.locator("[name=name]").fill("Hof am Morgen.webm")
    row.get_by_role("button", name="Rename").click()
    page.wait_for_url("**/library?done=renamed*")
    assert "Hof am Morgen.webm" in row.inner_text()
    row.locator("summary", has_text="More").click()
    row.locator("[name=what]").select_option("mp3")
    row.get_by_role("button", name="Make it").click()
    page.wait_for_url("**/library?done=asked*")
    sound = row.locator("a", has_text="mp3-q2.mp3")
    wait_for("the sound", lambda: sound.count() == 1, 40)
    row.get_by_role("link", name="Delete Hof am Morgen.webm").click()
    page.get_by_role("button", name="Delete Hof am Morgen.webm").click()
    wait_for("the trash", lambda: page.locator("#media-rows").count() == 0)
    page.get_by_role("button", name="Undo").click()
    page.wait_for_url("**/library?done=media_restored")
    assert row.get_attribute("data-state") == "ready"
