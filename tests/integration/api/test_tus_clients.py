"""Public clients of tus upload here, pause and resume: tuspy, and tus-js-client in Chromium (S4-17, S4-18)."""

from __future__ import annotations

import io
import json
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import sync_playwright
from tusclient.client import TusClient as Tuspy

from browser_kit import FLAGS, chromium
from gatehouse_api.service import build
from gatehouse_common.runtime import Core
from pipeline_kit import core_at
from running import COMMAND
from server_kit import serving
from upload_kit import bytes_of, film

TUS_JS = Path(__file__).parents[2] / "vendor" / "tus-js-client" / "tus.min.js"
MIB = 1 << 20
# It pauses once, and resumes as a page would that is opened anew.
UPLOAD = """async ([data, chunk]) => {
  const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
  const file = new File([bytes], 'screen.webm', {type: 'video/webm'});
  const told = {resumed: 0, progress: []};
  const options = {endpoint: '/api/v1/uploads', chunkSize: chunk, metadata: {filename: file.name, filetype: file.type},
                   retryDelays: [100, 1000]};
  await new Promise((resolve, reject) => {
    const first = new tus.Upload(file, {...options, onError: reject, onChunkComplete: (size, sent) => {
      if (sent >= 2 * chunk) first.abort().then(resolve);
    }});
    first.start();
  });
  await new Promise((resolve, reject) => {
    const again = new tus.Upload(file, {...options, onError: reject, onSuccess: resolve,
                                        onChunkComplete: (size, sent) => told.progress.push(sent)});
    again.findPreviousUploads().then(found => {
      told.resumed = found.length;
      again.resumeFromPreviousUpload(found[0]);
      again.start();
      told.url = () => again.url;
    });
  }).catch(error => { told.error = String(error); });
  told.url = told.url();
  return told;
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Core]]:
    with ExitStack() as held:
        home = tmp_path_factory.mktemp("tus")
        core = held.enter_context(core_at(home / "data", **{"api.port": 0, "uploads.least_free_gib": 0}))
        service = build(core)
        held.enter_context(serving(service))
        yield f"http://127.0.0.1:{service.port}", core


@pytest.mark.parametrize("checked", [False, True])
def test_tuspy_uploads_pauses_and_resumes(site: tuple[str, Core], checked: bool) -> None:
    """S4-18: a client of PyPI, with and without checksums; the second one knows nothing but the address."""
    url, core = site
    data = film(5 * MIB + 17, 5)
    client = Tuspy(f"{url}/api/v1/uploads")
    told: dict[str, Any] = {"chunk_size": MIB, "metadata": {"filename": "é.webm"}, "upload_checksum": checked}
    first = client.uploader(file_stream=io.BytesIO(data), **told)
    first.upload(stop_at=2 * MIB)
    again = client.uploader(file_stream=io.BytesIO(data), url=first.url, **told)
    assert again.offset == 2 * MIB
    again.upload()
    found = requests.get(again.url, timeout=10).json()
    assert (found["state"], found["name"]) == ("complete", "é.webm")
    assert bytes_of(core, found["media"]) == data


def test_tus_js_client_uploads_pauses_and_resumes(site: tuple[str, Core]) -> None:
    """S4-18: the client of npm in a browser: paused after two pieces, resumed by what it remembers, not from 0."""
    url, core = site
    data = film(MIB + 99, 6)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_context(bypass_csp=True).new_page()
        page.goto(f"{url}/record")
        page.add_script_tag(content=TUS_JS.read_text())
        told = page.evaluate(UPLOAD, [b64encode(data).decode(), 256 << 10])
        browser.close()
    assert "error" not in told
    assert told["resumed"] == 1
    assert told["progress"][0] > 512 << 10
    assert told["progress"][-1] == len(data)
    found = requests.get(url + told["url"], timeout=10).json()
    assert (found["state"], found["name"]) == ("complete", "screen.webm")
    assert bytes_of(core, found["media"]) == data


@pytest.mark.parametrize("door", ["tus", "blob"])
def test_the_command_uploads_and_goes_on(site: tuple[str, Core], tmp_path: Path, door: str) -> None:
    """S4-15: `gatehouse upload FILE --api tus|blob --blob-size`; one that was broken off is gone on with."""
    url, core = site
    data, file = film(3 * MIB + 5, 8), tmp_path / f"{door}.webm"
    file.write_bytes(data)
    command = [COMMAND, "upload", str(file), "--url", url, "--api", door, "--blob-size", "512KiB", "--json"]
    if door == "tus":
        options: dict[str, Any] = {
            "file_stream": io.BytesIO(data),
            "chunk_size": MIB,
            "metadata": {"filename": file.name},
        }
        begun = Tuspy(f"{url}/api/v1/uploads").uploader(**options)
        begun.upload(stop_at=MIB)
    done = subprocess.run([*command, "--user", "Ann"], capture_output=True, timeout=60, check=True)
    told = json.loads(done.stdout)
    if door == "tus":
        assert url + told["url"] == begun.url
    assert bytes_of(core, told["media"] if door == "tus" else told["id"]) == data
    wrong = [*command[:3], "--url", url, "--api", "blob"]
    assert subprocess.run(wrong, capture_output=True, timeout=60, check=False).returncode == 2
