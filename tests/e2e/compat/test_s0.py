"""What the older recorder's own description does with its server, against a running Gatehouse."""

from __future__ import annotations

import json
import sqlite3
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from running import Running, wait_for

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def gatehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("s0")
    camera = "street=synthetic:?size=640x480&fps=30"
    with Running(home / "data", "--camera", camera, log=home / "log") as running:
        running.ready().recording("street")
        yield running
        assert running.stop(timeout=20) == 0


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
    import io

    import av
    import numpy as np

    answer = gatehouse.get(f"/api/video/{chunk}/download")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "video/mp4")
    found = []
    with av.open(io.BytesIO(answer.body)) as container:
        for frame in container.decode(video=0):
            plane = frame.planes[0]
            y = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
            side = min(32, frame.width // 20 // 2 * 2)
            rows = slice(side // 4, side - side // 4)
            bits = (y[rows, k * side + side // 4 : (k + 1) * side - side // 4].mean() > 125 for k in range(20))
            found.append(sum(1 << k for k, bit in enumerate(bits) if bit))
    return found


@pytest.mark.slow
def test_a_named_user_records_a_camera_in_files_that_follow_on_each_other(gatehouse: Running) -> None:
    """S0-2..S0-7, S0-22, S0-25..S0-30: at real speed, 64 s in files of 30 s, stopped before its end."""
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
    table = sqlite3.connect(f"file:{gatehouse.data / 'gatehouse.db'}?mode=ro", uri=True)
    rows = table.execute("SELECT id, clip_id, user_name, duration_seconds, file_path FROM video_chunks").fetchall()
    table.close()
    assert rows == [(c["id"], c["clip_id"], "John Doe", c["duration_seconds"], c["file_path"]) for c in chunks]
    assert all((Path(gatehouse.data) / c["file_path"]).is_file() for c in chunks)
    assert call(gatehouse, "DELETE", f"/api/delete-video/{chunks[0]['id']}")[0] == 200
    assert not (Path(gatehouse.data) / chunks[0]["file_path"]).exists()
    assert call(gatehouse, "GET", f"/api/video/{chunks[0]['id']}") == (404, {"error": "Video chunk not found"})
