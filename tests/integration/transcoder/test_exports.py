"""Exports as jobs: asked for over HTTP, made by the transcoder, looked at with a decoder that is not ours."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from gatehouse_api.app import close_app, create_app
from gatehouse_common.db import JobRepository
from gatehouse_common.integrity.files import verify_files
from gatehouse_common.integrity.signing import signing_key
from gatehouse_common.runtime import Core
from gatehouse_common.testing.film import frame_numbers
from gatehouse_common.timefmt import rfc3339
from media_jobs_kit import ended, files, media, stored, transcoding
from pipeline_kit import START_US, add_camera, core_at, record, work_off

SECOND = 1_000_000


@dataclass
class Site:
    core: Core
    client: FlaskClient

    def export(self, cameras: list[str], start_us: int, end_us: int, **more: Any) -> tuple[int, dict[str, Any]]:
        asked = {"cameras": cameras, "from": rfc3339(start_us), "to": rfc3339(end_us), **more}
        answer = self.client.post("/api/v1/exports", json=asked)
        return answer.status_code, answer.get_json()

    def made(self, told: dict[str, Any], folder: Path) -> Path:
        """Wait for what was asked for, and return its file."""
        (job,) = ended(self.core, JobRepository(self.core.db).get(told["id"]))
        assert (job.state, job.detail) == ("done", "")
        assert media(self.core, told["media"]).state == "ready"
        return stored(self.core, files(self.core, told["media"])["original", ""], folder)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two cameras with ten seconds of footage, and one that never recorded anything."""
    home = tmp_path_factory.mktemp("exports")
    with core_at(home / "data") as core:
        for camera in ("cam", "yard", "shed"):
            add_camera(core, camera)
        for camera in ("cam", "yard"):
            taken = record(core.data_dir, home, frames=300, camera=camera, chunk_us=4 * SECOND)
            for closed in taken.closed:
                core.bus.publish(closed)
        work_off(core)
        app = create_app(core)
        with transcoding(core):
            yield Site(core, app.test_client())
        close_app(app)


def test_one_camera_is_a_film_of_exactly_the_range(site: Site, tmp_path: Path) -> None:
    """The library has it like anything else: with what it is, and a picture."""
    status, told = site.export(["cam"], START_US + 1_500_000, START_US + 9 * SECOND)
    assert (status, told["state"], told["kind"]) == (202, "queued", "media-export")
    film = site.made(told, tmp_path)
    assert [number for number, _ in frame_numbers(film)] == list(range(45, 270))
    one = media(site.core, told["media"])
    assert (one.kind, one.type, one.video_codec, one.bytes) == ("export", "video/mp4", "h264", film.stat().st_size)
    assert one.lasted_us is not None
    assert abs(one.lasted_us - 7_500_000) < 50_000
    assert ("thumbnail", "") in files(site.core, told["media"])


def test_several_cameras_are_one_file_that_says_what_is_missing(site: Site, tmp_path: Path) -> None:
    _, told = site.export(["cam", "yard", "shed"], START_US + 2 * SECOND, START_US + 4 * SECOND)
    with zipfile.ZipFile(site.made(told, tmp_path)) as archive:
        assert archive.testzip() is None
        films = json.loads(archive.read("contents.json"))["films"]
        assert films[0] == {"camera": "shed", "file": None, "missing": "nothing is recorded in that range"}
        assert [film["camera"] for film in films[1:]] == ["cam", "yard"]
        for film in films[1:]:
            archive.extract(film["file"], tmp_path)
            assert [number for number, _ in frame_numbers(tmp_path / film["file"])] == list(range(60, 120))


def test_what_is_longer_than_one_file_may_be_is_several(site: Site, tmp_path: Path) -> None:
    """The films follow on each other: no frame is in two, and none in none."""
    values = site.core.settings.values
    most = values.api.max_range_seconds
    object.__setattr__(values.api, "max_range_seconds", 3.0)
    try:
        _, told = site.export(["cam"], START_US, START_US + 10 * SECOND)
    finally:
        object.__setattr__(values.api, "max_range_seconds", most)
    seen = []
    with zipfile.ZipFile(site.made(told, tmp_path)) as archive:
        for film in json.loads(archive.read("contents.json"))["films"]:
            archive.extract(film["file"], tmp_path)
            seen += [number for number, _ in frame_numbers(tmp_path / film["file"])]
    assert seen == list(range(300))


def test_a_signed_one_is_verified_as_one_by_command(site: Site, tmp_path: Path) -> None:
    _, told = site.export(["cam"], START_US + SECOND, START_US + 3 * SECOND, signed=True)
    made, key = site.made(told, tmp_path), tmp_path / "key.pem"
    key.write_bytes(signing_key(site.core.settings).public.pem)
    report = verify_files([made], key, lambda _bytes: None)
    assert (report.damages, report.exports) == ([], 1)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"cameras": ["nobody"]}, 404),
        ({"cameras": ["shed"]}, 404),
        ({"cameras": []}, 422),
        ({"cameras": ["../cam"]}, 422),
        ({"to": rfc3339(START_US - SECOND)}, 400),
        ({"to": rfc3339(START_US + 25 * 3600 * SECOND)}, 413),
        ({"gaps": "split"}, 422),
    ],
)
def test_what_cannot_be_exported_says_why(site: Site, asked: dict[str, Any], status: int) -> None:
    known = {"cameras": ["cam"], "from": rfc3339(START_US), "to": rfc3339(START_US + SECOND)}
    answer = site.client.post("/api/v1/exports", json={**known, **asked})
    assert answer.status_code == status, answer.get_json()
    assert answer.get_json()["detail"]
