"""Signed exports over HTTP: what `gatehouse export` writes, without a terminal."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gatehouse_api.app import close_app, create_app
from gatehouse_common.integrity.files import verify_files
from gatehouse_common.integrity.signing import signing_key
from gatehouse_common.runtime import Core
from gatehouse_common.testing.film import frame_numbers
from gatehouse_common.timefmt import rfc3339
from pipeline_kit import START_US, add_camera, core_at, record, work_off

SECOND = 1_000_000


@dataclass
class Site:
    core: Core
    client: FlaskClient

    def get(self, start_us: int, end_us: int, camera: str = "cam") -> TestResponse:
        span = f"from={rfc3339(start_us)}&to={rfc3339(end_us)}"
        return self.client.get(f"/api/v1/cameras/{camera}/export?{span}")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("exports")
    with core_at(home / "data") as core:
        add_camera(core)
        taken = record(core.data_dir, home, frames=300, chunk_us=4 * SECOND)
        for closed in taken.closed:
            core.bus.publish(closed)
        work_off(core)
        app = create_app(core)
        yield Site(core, app.test_client())
        close_app(app)


def test_an_export_over_http_is_verified_as_one_by_command(site: Site, tmp_path: Path) -> None:
    answer = site.get(START_US + 1_500_000, START_US + 9 * SECOND)
    assert answer.status_code == 200
    assert answer.content_type == "application/zip"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="cam_20240517T102301')
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    path, key, clip = tmp_path / "got.zip", tmp_path / "key.pem", tmp_path / "clip.mp4"
    path.write_bytes(answer.data)
    key.write_bytes(signing_key(site.core.settings).public.pem)
    report = verify_files([path], key, lambda _bytes: None)
    assert (report.damages, report.exports) == ([], 1)
    with zipfile.ZipFile(BytesIO(answer.data)) as z:
        clip.write_bytes(z.read("clip.mp4"))
        assert json.loads(z.read("manifest.json"))["clip"]["frames"] == 225
    assert [n for n, _ in frame_numbers(clip)] == list(range(45, 270))


def test_it_is_made_anew_each_time_so_no_part_of_it_can_be_asked_for(site: Site) -> None:
    span = f"from={rfc3339(START_US)}&to={rfc3339(START_US + 2 * SECOND)}"
    answer = site.client.get(f"/api/v1/cameras/cam/export?{span}", headers={"Range": "bytes=0-99"})
    assert (answer.status_code, answer.headers["Accept-Ranges"]) == (200, "none")
    assert "no-store" in answer.headers["Cache-Control"]
    assert "ETag" not in answer.headers
    head = site.client.head(f"/api/v1/cameras/cam/export?{span}")
    assert (head.status_code, head.data) == (200, b"")


def test_what_cannot_be_exported_says_why(site: Site) -> None:
    assert site.get(START_US, START_US + SECOND, "nobody").status_code == 404
    gone = site.get(START_US - 60 * SECOND, START_US - 50 * SECOND)
    assert gone.status_code == 404
    assert gone.get_json()["type"].endswith("range-not-recorded")
    long = site.get(START_US, START_US + 3_601 * SECOND)
    assert long.status_code == 413
    assert "gatehouse export" in long.get_json()["detail"]
