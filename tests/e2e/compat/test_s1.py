"""What the smart camera recorder's own description does with its server, against a running Gatehouse."""

from __future__ import annotations

import io
import json
import math
import time
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

import av
import pytest
import simplejpeg

from backends import BACKENDS, backend, gatehouse_with
from burned_in import luma_number, number_in
from running import Answer, Running, wait_for

pytestmark = pytest.mark.timeout(240)

ZONE = ZoneInfo("Europe/Berlin")
FPS = 15
SECONDS = 8


@pytest.fixture(scope="module", params=BACKENDS)
def gatehouse(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """With ``/`` as that recorder had it (C-1), in segments of two seconds; ten seconds of footage are there."""
    settings = {"GATEHOUSE_API__COMPAT_ROOT": "mjpeg", "GATEHOUSE_TIMEZONE": str(ZONE)}
    camera = f"door=synthetic:?size=640x360&fps={FPS}"
    with (
        backend(request.param, lambda: tmp_path_factory.mktemp("server")) as where,
        gatehouse_with(camera, tmp_path_factory.mktemp("s1"), **where, **settings) as running,
    ):
        wait_for("footage", lambda: recorded_s(running) > SECONDS + 1.5)
        yield running


def recorded_s(gatehouse: Running) -> float:
    return sum(end - start for start, end in gatehouse.ledger("door")[0]) / 1e6


def whole_second(gatehouse: Running) -> int:
    """The first whole second that is recorded, since 1970: footage is asked for by the second."""
    return math.ceil(gatehouse.ledger("door")[0][0][0] / 1e6)


def compact(second: float) -> str:
    """A time as that recorder writes it: of the site's zone."""
    return datetime.fromtimestamp(second, ZONE).strftime("%Y%m%d_%H%M%S")


def footage(gatehouse: Running, start: float, end: float, **more: str) -> Answer:
    return gatehouse.get("/footage", **{"from": compact(start), "to": compact(end), **more})


def numbers(film: bytes) -> list[int]:
    with av.open(io.BytesIO(film)) as container:
        return [luma_number(frame) for frame in container.decode(video=0)]


def pictures(stream: IO[bytes], count: int) -> list[int]:
    """Read so many parts of an MJPEG; return the numbers that are burned into them."""
    found = []
    while len(found) < count:
        line = stream.readline().strip()
        assert line in {b"", b"--frame"}, line
        length = 0
        while head := stream.readline().strip():
            name, _, value = head.partition(b": ")
            length = int(value) if name.lower() == b"content-length" else length
        found.append(number_in(simplejpeg.decode_jpeg(stream.read(length), "GRAY")[:, :, 0]))
    return found


def test_the_root_is_a_live_stream_and_each_viewer_gets_all_of_it(gatehouse: Running) -> None:
    """S1-7, C-1: `GET /`; one queue for all viewers gave each of two the half."""
    with (
        urllib.request.urlopen(f"{gatehouse.url}/", timeout=20) as one,
        urllib.request.urlopen(f"{gatehouse.url}/", timeout=20) as other,
    ):
        assert one.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=frame"
        seen = [pictures(stream, 8) for stream in (one, other)]
    for shown in seen:
        assert shown == sorted(set(shown)), "each is newer than the one before"
    assert set(seen[0][1:]) & set(seen[1][1:]), "the same pictures go to both"


def test_the_camera_is_described(gatehouse: Running) -> None:
    """S1-8, S1-4: `GET /camera_info`; `fallback` is an addition, for a camera that stands in for another."""
    info = gatehouse.json("/camera_info")
    assert info.pop("fallback") is None
    assert 0 < info.pop("fps") <= FPS + 1, "as it is measured"
    assert info == {
        "available_cameras": ["door"],
        "current_camera": "door",
        "resolution": {"width": 640, "height": 360},
        "backend": "synthetic",
    }


def test_recordings_are_listed_and_are_files_that_play(gatehouse: Running) -> None:
    """S1-1, S1-9: `GET /recordings`; the newest first, and only what exists."""
    listed = gatehouse.json("/recordings")
    assert len(listed) >= 3
    assert [set(one) for one in listed] == [{"file", "start_time", "end_time", "size", "duration"}] * len(listed)
    starts = [one["start_time"] for one in listed]
    assert starts == sorted(starts, reverse=True)
    for one in listed[1:3]:
        file = gatehouse.data / "recordings" / one["file"]
        assert file.name == f"recording_{one['start_time']}.mp4"
        assert file.stat().st_size == one["size"]
        assert len(numbers(file.read_bytes())) == pytest.approx(one["duration"] * FPS, abs=1)
        assert one["start_time"] < one["end_time"]


def test_the_index_of_recordings_is_a_file(gatehouse: Running) -> None:
    """S1-16: `recordings/recording_index.json`, on the disk and over HTTP."""
    path = Path(gatehouse.data) / "recordings" / "recording_index.json"
    oldest = gatehouse.json("/recordings")[-1]["file"]
    wait_for("the index", lambda: path.exists() and oldest in json.loads(path.read_text()))
    entry = json.loads(path.read_text())[oldest]
    assert set(entry) >= {"file_path", "start_time", "end_time", "file_size", "created_at"}
    assert (gatehouse.data / entry["file_path"]).stat().st_size == entry["file_size"]
    assert gatehouse.json("/recordings/recording_index.json")[oldest] == entry


def test_a_range_of_footage_is_exact(gatehouse: Running) -> None:
    """S1-10, S1-11, S1-14: `GET /footage?from=&to=` over several segments and the one that is being written."""
    start = whole_second(gatehouse)
    answer = footage(gatehouse, start, start + SECONDS)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "video/mp4")
    found = numbers(answer.body)
    began = gatehouse.ledger("door")[0][0][0] / 1e6
    assert found == list(range(found[0], found[0] + len(found))), "no frame twice, none missing"
    assert len(found) == pytest.approx(SECONDS * FPS, abs=1)
    assert found[0] == pytest.approx((start - began) * FPS, abs=1), "it starts at `from`"
    assert answer.headers["X-Footage-Gaps"] == "[]"
    utc = (datetime.fromtimestamp(start, ZoneInfo("UTC")) + timedelta(seconds=k) for k in (0, SECONDS))
    other = gatehouse.get(
        "/footage",
        **dict(zip(("from", "to"), (f"{t:%Y%m%d_%H%M%S}" for t in utc), strict=True)),
        tz="UTC",
        camera="door",
    )
    assert other.body == answer.body
    film = footage(gatehouse, start, start + 2, format="webm")
    assert (film.status, film.headers["Content-Type"]) == (200, "video/webm")
    assert len(numbers(film.body)) == pytest.approx(2 * FPS, abs=1)


def test_an_end_in_the_future_is_now_and_gaps_are_told(gatehouse: Running) -> None:
    """S1-11, S1-13: that recorder kept such a clip, and gave it for ever."""
    start = whole_second(gatehouse) - 3
    first = footage(gatehouse, start, time.time() + 600)
    assert (first.status, first.headers["Cache-Control"]) == (200, "private, no-cache")
    gaps = [
        [datetime.fromisoformat(edge).timestamp() for edge in gap]
        for gap in json.loads(first.headers["X-Footage-Gaps"])
    ]
    assert gaps[0][0] == start
    assert gatehouse.ledger("door")[0][0][0] / 1e6 in [gap[1] for gap in gaps], gaps
    time.sleep(1.5)
    second = footage(gatehouse, start, time.time() + 600)
    assert len(numbers(second.body)) > len(numbers(first.body)) + FPS


def test_what_cannot_be_given_is_said_in_plain_text(gatehouse: Running) -> None:
    """S1-12: the answers that its description lists."""
    start = whole_second(gatehouse)
    good = compact(start)
    for query, status, text in (
        ({}, 400, "Usage: /footage?from=YYYYMMDD_HHMMSS&to=YYYYMMDD_HHMMSS"),
        ({"from": good}, 400, "Usage: "),
        ({"from": "17.5.2024", "to": good}, 400, "Invalid timestamp format"),
        ({"from": good, "to": good}, 400, "Invalid time range"),
        ({"from": "20240517_102300", "to": "20240517_102318"}, 404, "No footage available"),
    ):
        answer = gatehouse.get("/footage", **query)
        assert (answer.status, answer.headers["Content-Type"]) == (status, "text/plain; charset=utf-8"), query
        assert answer.body.decode().startswith(text)
