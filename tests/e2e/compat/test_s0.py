"""What the older recorder's own description does with its server, against a running Gatehouse."""

from __future__ import annotations

import io
import json
import sqlite3
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import pymysql
import pytest

from backends import BACKENDS, backend, gatehouse_with
from burned_in import luma_number
from running import Running, wait_for

pytestmark = pytest.mark.timeout(240)


@dataclass(frozen=True)
class Site:
    """A Gatehouse, and where its index is."""

    gatehouse: Running
    database: str


@pytest.fixture(scope="module", params=BACKENDS)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """All in one process, on SQLite and a journal; or on RabbitMQ and MariaDB (S0-31: only a URL to set)."""
    camera = "street=synthetic:?size=640x480&fps=30"
    with (
        backend(request.param, lambda: tmp_path_factory.mktemp("server")) as where,
        gatehouse_with(camera, tmp_path_factory.mktemp("s0"), **where) as running,
    ):
        yield Site(running, where.get("GATEHOUSE_DATABASE_URL", f"sqlite:{running.data / 'gatehouse.db'}"))


def rows_of(site: Site, query: str) -> list[tuple[Any, ...]]:
    """What somebody reads who opens the database, as the older recorder's users do."""
    if site.database.startswith("sqlite:"):
        path = site.database.removeprefix("sqlite:")
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as table:
            return table.execute(query).fetchall()
    url = urllib.parse.urlsplit(site.database)
    name = url.path.strip("/").partition("?")[0]
    login = {"user": url.username or "", "password": url.password or "", "database": name}
    with (
        closing(pymysql.connect(host=url.hostname, port=url.port or 3306, **login)) as server,
        server.cursor() as cursor,
    ):
        cursor.execute(query)
        return list(cursor.fetchall())


def call(gatehouse: Running, method: str, path: str, body: object = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} if body is not None else {}
    asked = urllib.request.Request(gatehouse.url + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def numbers(gatehouse: Running, chunk: int) -> list[int]:
    """The numbers that the camera burned into the pictures of a file."""
    answer = gatehouse.get(f"/api/video/{chunk}/download")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "video/mp4")
    with av.open(io.BytesIO(answer.body)) as container:
        return [luma_number(frame) for frame in container.decode(video=0)]


@pytest.mark.slow
def test_a_named_user_records_a_camera_in_files_that_follow_on_each_other(site: Site) -> None:
    """S0-2..S0-7, S0-22, S0-25..S0-30: at real speed, 64 s in files of 30 s, stopped before its end."""
    gatehouse = site.gatehouse
    asked = {"user_name": "John Doe", "total_duration_seconds": 90, "chunk_duration_seconds": 30}
    status, started = call(gatehouse, "POST", "/api/start-recording", asked)
    assert (status, started["expected_chunks"]) == (200, 3)
    began = time.monotonic()
    status, refused = call(gatehouse, "POST", "/api/start-recording", asked)
    assert (status, refused) == (409, {"error": "Recording already in progress for user John Doe"})
    wait_for("the first file", lambda: call(gatehouse, "GET", "/api/videos")[1]["total_chunks"] == 1, 50)
    assert 29 < time.monotonic() - began < 45
    time.sleep(max(0, began + 64 - time.monotonic()))
    assert call(gatehouse, "GET", "/api/recording-status/John%20Doe")[1]["is_recording"] is True
    assert call(gatehouse, "POST", "/api/stop-recording", {"user_name": "John Doe"})[0] == 200
    wait_for("all files", lambda: call(gatehouse, "GET", "/api/videos/John%20Doe")[1]["total_chunks"] == 3, 40)
    chunks = call(gatehouse, "GET", "/api/videos/John%20Doe")[1]["chunks"]
    assert [c["clip_id"] for c in chunks] == [1, 2, 3]
    assert [c["duration_seconds"] for c in chunks[:2]] == [30, 30]
    assert 2 <= chunks[2]["duration_seconds"] <= 8
    shown = [numbers(gatehouse, c["id"]) for c in chunks]
    whole = [n for one in shown for n in one]
    assert whole == list(range(whole[0], whole[0] + len(whole))), "no frame twice, none missing"
    assert all(abs(len(one) - 900) <= 1 for one in shown[:2])
    rows = rows_of(site, "SELECT id, clip_id, user_name, duration_seconds, file_path FROM video_chunks ORDER BY id")
    assert rows == [(c["id"], c["clip_id"], "John Doe", c["duration_seconds"], c["file_path"]) for c in chunks]
    assert all((Path(gatehouse.data) / c["file_path"]).is_file() for c in chunks)
    first, second, _ = chunks
    assert call(gatehouse, "DELETE", f"/api/delete-video/{second['id']}") == (200, DELETED)
    assert call(gatehouse, "DELETE", f"/api/delete-video/{first['id']}?purge=true") == (200, DELETED)
    for gone in (first, second):
        assert call(gatehouse, "GET", f"/api/video/{gone['id']}") == (404, {"error": "Video chunk not found"})
    assert [row[0] for row in rows_of(site, "SELECT id FROM video_chunks")] == [chunks[2]["id"]]
    wait_for("the file to go", lambda: not (Path(gatehouse.data) / first["file_path"]).exists(), 60)
    assert (Path(gatehouse.data) / second["file_path"]).exists(), "it is in the trash"


DELETED = {"message": "Video chunk deleted successfully"}


def test_what_the_older_recorder_says_of_itself(site: Site) -> None:
    """S0-23, S0-26, S0-27, S0-28, S0-29, S0-29b, S0-29c: the other calls of its description, with nothing recorded."""
    gatehouse = site.gatehouse
    assert call(gatehouse, "GET", "/api/health")[0] == 200
    assert call(gatehouse, "POST", "/api/init-db") == (200, {"message": "Database initialized successfully"})
    idle = {"username": "Jane Roe", "is_recording": False}
    assert call(gatehouse, "GET", "/api/recording-status/Jane%20Roe") == (200, idle)
    slash = {"username": "Jane/Roe", "is_recording": False}
    assert call(gatehouse, "GET", "/api/recording-status/Jane%2FRoe") == (200, slash)
    assert call(gatehouse, "POST", "/api/stop-recording", {"user_name": "Jane Roe"})[0] == 404
    none = {"username": "Jane Roe", "total_chunks": 0, "chunks": []}
    assert call(gatehouse, "GET", "/api/videos/Jane%20Roe") == (200, none)
    for method, path in (
        ("GET", "/api/video/4711"),
        ("GET", "/api/video/4711/download"),
        ("DELETE", "/api/delete-video/4711"),
    ):
        assert call(gatehouse, method, path) == (404, {"error": "Video chunk not found"})
    for wrong in ({"total_duration_seconds": 59}, {"chunk_duration_seconds": 29}, {"user_name": " "}):
        status, told = call(gatehouse, "POST", "/api/start-recording", {"user_name": "Jane Roe", **wrong})
        assert (status, list(told)) == (400, ["error"])
